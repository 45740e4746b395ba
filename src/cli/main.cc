// mayfly: the supervisor and its command line.
#include <kj/async-io.h>
#include <kj/exception.h>
#include <sys/resource.h>

#include <cstdio>

#include "base/error.h"
#include "cli/command-line.h"
#include "cli/doctor-command.h"
#include "cli/exit-codes.h"
#include "cli/run-command.h"
#include "cli/serve-command.h"
#include "cli/test-command.h"
#include "supervisor/cpu-clock.h"

namespace mayfly::cli {
namespace {

// Each sandbox costs three descriptors. The soft limit of most systems is for programs that use select().
void raiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(
      RLIMIT_NOFILE,
      &limit);  // refused: then fewer sandboxes at once, and a clear error when they are used up
}

// Signals must be captured before the event loop exists.
int dispatch(const Command& command) {
  if (auto* exit = std::get_if<ExitNow>(&command)) return exit->status;
  raiseDescriptorLimit();
  supervisor::KernelCpuClocks::captureSignal();
  if (std::holds_alternative<ServeOptions>(command)) captureServeSignals();
  auto io = kj::setupAsyncIo();
  if (auto* options = std::get_if<ServeOptions>(&command)) return serve(io, *options);
  if (auto* options = std::get_if<RunOptions>(&command)) return run(io, *options);
  if (auto* options = std::get_if<TestOptions>(&command)) return test(io, *options);
  return doctor(io, std::get<DoctorOptions>(command));
}

// What the user can put right before the program runs is a matter of usage.
bool isUsageError(kj::StringPtr rendered) {
  for (kj::StringPtr area : {"error[usage."_kj, "error[config."_kj, "error[serve.address"_kj,
                             "error[serve.port-in-use"_kj, "error[serve.listen"_kj}) {
    if (rendered.startsWith(area)) return true;
  }
  return false;
}

}  // namespace
}  // namespace mayfly::cli

int main(int argc, char** argv) {
  using namespace mayfly;
  try {
    return cli::dispatch(cli::parseCommandLine(argc, argv));
  } catch (...) {
    auto text = describeForOperator(kj::getCaughtExceptionAsKj());
    fprintf(stderr, "%s\n", text.cStr());
    return cli::isUsageError(text) ? cli::EXIT_USAGE : cli::EXIT_FAILED;
  }
}
