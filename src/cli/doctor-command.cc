#include "cli/doctor-command.h"

#include <kj/debug.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/doctor-report.h"
#include "cli/exit-codes.h"
#include "cli/house.h"
#include "observe/log-sink.h"

namespace mayfly::cli {
namespace {

// A sandbox that answers its first request is past its own confinement: that one is looked at.
kj::Promise<Diagnosis> examine(kj::AsyncIoContext& io, House& house) {
  auto& limits = house.limits().defaults;
  auto sandbox = co_await house.dynamicSpawner().spawn(
      {.role = zygote::Role::DYNAMIC, .memoryBytes = limits.memoryBytes(), .cpuSeconds = 60});
  auto connection = kj::heap<supervisor::SandboxConnection>(
      *io.lowLevelProvider, sandbox->takeLoaderSocket(), supervisor::Descriptors::NONE);
  co_await connection->bootstrap().whenResolved();
  auto& zygote = sandbox->zygote();
  auto& report = zygote.report();
  co_return Diagnosis{
      .evidence = supervisor::collectWallEvidence(zygote, sandbox->pid()),
      .profile = kj::heapString(report.profile, strnlen(report.profile, sizeof report.profile)),
      .v8Version =
          kj::heapString(report.v8Version, strnlen(report.v8Version, sizeof report.v8Version))};
}

}  // namespace

int doctor(kj::AsyncIoContext& io, const DoctorOptions& options) {
  auto sink = observe::newDescriptorSink(STDERR_FILENO);
  auto log =
      observe::newOperatorLog(*sink, kj::systemPreciseCalendarClock(), observe::Format::TEXT);
  // What is missing shall be named, not refused.
  House house(io, *log, config::MayflyOptions{}, MissingNamespaces::ACCEPT);
  kj::Maybe<Diagnosis> diagnosis;
  try {
    diagnosis = examine(io, house).wait(io.waitScope);
  } catch (...) {
    auto why = describeForOperator(kj::getCaughtExceptionAsKj());
    options.json ? printJsonFailure(why) : printFailure(why);
    return EXIT_FAILED;
  }
  auto& found = KJ_ASSERT_NONNULL(diagnosis);
  options.json ? printJsonDiagnosis(found) : printDiagnosis(found);
  return found.evidence.grade == supervisor::Grade::A ? EXIT_OK : EXIT_FAILED;
}

}  // namespace mayfly::cli
