#include "cli/serve-command.h"

#include <kj/debug.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "cli/exit-codes.h"
#include "cli/house.h"
#include "cli/parent-fleet.h"
#include "config/project-reader.h"
#include "observe/log-sink.h"
#include "supervisor/listening-socket.h"

namespace mayfly::cli {
namespace {

constexpr kj::StringPtr DEFAULT_ADDRESS = "127.0.0.1:8787"_kj;

kj::StringPtr chooseAddress(const ServeOptions& options, const config::WorkerConfig& worker) {
  if (options.listen) return {options.listen->c_str(), options.listen->size()};
  KJ_IF_MAYBE (configured, worker.listen) return *configured;
  return DEFAULT_ADDRESS;
}

kj::Promise<void> onStopSignal(kj::UnixEventPort& port) {
  return port.onSignal(SIGTERM).exclusiveJoin(port.onSignal(SIGINT)).ignoreResult();
}

}  // namespace

void captureServeSignals() {
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
}

int serve(kj::AsyncIoContext& io, const ServeOptions& options) {
  auto& timer = io.provider->getTimer();
  auto sink = observe::newDescriptorSink(STDERR_FILENO);
  auto log =
      observe::newOperatorLog(*sink, kj::systemPreciseCalendarClock(),
                              options.jsonLogs ? observe::Format::JSON : observe::Format::TEXT);
  auto project = config::readProject(options.config.c_str());
  for (auto& warning : project.warnings)
    log->report(observe::Level::WARN, warning);

  // Before anything is started: a busy port must not cost a build.
  supervisor::ListeningSocket socket(chooseAddress(options, project.workers[0]));
  House house(io, *log, project.mayfly);
  house.openForParents();
  auto bundler = config::newEsbuildBundler(config::findInstalledEsbuild(), *io.lowLevelProvider,
                                           io.unixEventPort);
  auto grants = house.parentGrants();
  grants.logRequests =
      options.requestLog == "on" || (options.requestLog == "auto" && isatty(STDERR_FILENO) == 1);
  ParentFleet fleet;
  auto stop = onStopSignal(io.unixEventPort).fork();

  // A missing wall stops the start, whether or not the worker would have needed it so far.
  auto starts = kj::heapArrayBuilder<kj::Promise<void>>(2);
  starts.add(house.untilReady());
  starts.add(fleet.build(project.workers, *bundler, grants).then([&]() {
    return fleet.start(socket.fd());
  }));
  bool serving = kj::joinPromisesFailFast(starts.finish())
                     .then([]() { return true; })
                     .exclusiveJoin(stop.addBranch().then([]() { return false; }))
                     .wait(io.waitScope);
  if (!serving) return EXIT_OK;
  printf("listening on %s\n", socket.url().cStr());
  fflush(stdout);

  stop.addBranch().wait(io.waitScope);
  auto impatient = onStopSignal(io.unixEventPort);  // a second signal ends the wait
  fleet.drain()
      .exclusiveJoin(timer.afterDelay(options.drainSeconds * kj::SECONDS).then([&]() {
        log->system(observe::Level::WARN,
                    "requests in flight did not finish in time and are ended");
      }))
      .exclusiveJoin(kj::mv(impatient))
      .wait(io.waitScope);
  return EXIT_OK;
}

}  // namespace mayfly::cli
