#include "cli/test-command.h"

#include <kj/debug.h>
#include <kj/vector.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <regex>

#include "base/error.h"
#include "cli/exit-codes.h"
#include "cli/house.h"
#include "cli/parent-fleet.h"
#include "cli/test-report.h"
#include "config/project-reader.h"
#include "observe/log-sink.h"

namespace mayfly::cli {
namespace {

using supervisor::ParentWorker;

// What a test file can expect of the platform; a project says it in its configuration.
constexpr kj::StringPtr TEST_COMPATIBILITY_DATE = "2026-04-22"_kj;

bool isConfiguration(kj::StringPtr target) {
  struct stat info{};
  if (stat(target.cStr(), &info) == 0 && S_ISDIR(info.st_mode)) return true;
  return target.endsWith(".jsonc") || target.endsWith(".json") || target.endsWith(".toml");
}

// A test file as a worker: its own directory is the root of its modules, and it may have sandboxes.
config::WorkerConfig workerOfFile(kj::StringPtr file) {
  char path[PATH_MAX];
  if (realpath(file.cStr(), path) == nullptr) {
    OperatorError{.code = kj::str("usage.no-test-file"),
                  .what = kj::str("cannot read \"", file, "\""),
                  .where = kj::String(),
                  .why = kj::str(strerror(errno)),
                  .fix = kj::str("give test files, or a wrangler.jsonc")}
        .raise();
  }
  kj::StringPtr absolute = path;
  size_t slash = KJ_ASSERT_NONNULL(absolute.findLast('/'));
  config::WorkerConfig worker;
  worker.name = kj::str(absolute.slice(slash + 1));
  worker.mainPath = kj::str(absolute);
  worker.baseDir = slash == 0 ? kj::str("/") : kj::str(absolute.slice(0, slash));
  worker.compatibilityDate = kj::str(TEST_COMPATIBILITY_DATE);
  worker.loaders.add(config::LoaderBinding{.name = kj::str("LOADER")});
  return worker;
}

kj::String explain(schema::Failure::Reader failure) {
  auto heading = kj::str(failure.getName(), ": ", failure.getMessage());
  kj::StringPtr stack = failure.getStack();
  if (stack.startsWith(heading)) return kj::str(stack);
  return kj::str(heading,
                 failure.getCode() == "" ? kj::str() : kj::str(" (", failure.getCode(), ")"), "\n",
                 stack);
}

class TestRun {
public:
  TestRun(kj::Timer& timer, const TestOptions& options, TestReport& report)
      : timer(timer), timeout(options.timeoutMs * kj::MILLISECONDS), report(report) {
    if (!options.filter.empty()) filter.emplace(options.filter, std::regex::ECMAScript);
  }

  // Runs the tests of one started worker, one after the other. `prefix` tells files apart.
  kj::Promise<void> runAll(ParentWorker& worker, kj::StringPtr prefix) {
    auto running = co_await worker.worker();
    auto listing = co_await running.testsRequest().send();
    auto names = KJ_MAP(name, listing.getNames()) { return kj::str(name); };
    for (auto& name : names) {
      auto shown = kj::str(prefix, name);
      if (filter && !std::regex_search(shown.cStr(), *filter)) continue;
      co_await runOne(worker, name, shown);
    }
  }

private:
  kj::Promise<void> runOne(ParentWorker& worker, kj::StringPtr name, kj::StringPtr shown) {
    auto startedAt = kj::systemPreciseMonotonicClock().now();
    kj::Maybe<kj::String> explanation;
    kj::Maybe<kj::Exception> broken;
    try {
      explanation = co_await timer.timeoutAfter(timeout, ask(worker, name));
    } catch (...) {
      broken = kj::getCaughtExceptionAsKj();
    }
    KJ_IF_MAYBE (why, broken) explanation = co_await startAfresh(worker, *why);
    KJ_IF_MAYBE (why, explanation) {
      report.failed(shown, *why);
    } else {
      report.passed(shown, kj::systemPreciseMonotonicClock().now() - startedAt);
    }
  }

  // Whatever state the process is in now, the next test deserves a fresh one. Returns what went wrong with this one.
  kj::Promise<kj::String> startAfresh(ParentWorker& worker, const kj::Exception& why) {
    worker.abort(supervisor::EndReason::WALL_LIMIT);
    co_await worker.worker();
    if (why.getType() == kj::Exception::Type::OVERLOADED) {
      co_return kj::str("the test did not end within ", timeout / kj::MILLISECONDS, " ms");
    }
    KJ_IF_MAYBE (ending, worker.lastEnding()) {
      if (why.getType() == kj::Exception::Type::DISCONNECTED) {
        co_return kj::str("the worker's process ended: ", supervisor::nameOf(ending->reason), " (",
                          ending->detail, ")");
      }
    }
    co_return kj::str(why.getDescription());
  }

  // Null if it passed.
  kj::Promise<kj::Maybe<kj::String>> ask(ParentWorker& worker, kj::StringPtr name) {
    auto running = co_await worker.worker();
    auto request = running.testRequest();
    request.setName(name);
    auto response = co_await request.send();
    if (!response.hasFailure() || response.getFailure().getName() == "") co_return nullptr;
    co_return explain(response.getFailure());
  }

  kj::Timer& timer;
  const kj::Duration timeout;
  TestReport& report;
  std::optional<std::regex> filter;
};

kj::Promise<void> testFile(kj::StringPtr file, bool isOnly, config::Bundler& bundler, House& house,
                           TestRun& tests, TestReport& report) {
  auto prefix = isOnly ? kj::String() : kj::str(file, " > ");
  kj::Vector<config::WorkerConfig> workers;
  ParentFleet fleet;
  try {
    workers.add(workerOfFile(file));
    co_await fleet.build(workers, bundler, house.parentGrants());
    co_await fleet.start(nullptr);
    co_await tests.runAll(fleet.first(), prefix);
  } catch (...) {
    // A file that does not start has at least one test that did not pass.
    report.failed(file, describeForOperator(kj::getCaughtExceptionAsKj()));
  }
}

kj::Promise<void> testProject(kj::ArrayPtr<const config::WorkerConfig> workers,
                              config::Bundler& bundler, House& house, TestRun& tests,
                              TestReport& report) {
  ParentFleet fleet;
  try {
    co_await fleet.build(workers, bundler, house.parentGrants());
    co_await fleet.start(nullptr);
    co_await tests.runAll(fleet.first(), "");
  } catch (...) {
    report.failed(workers[0].name, describeForOperator(kj::getCaughtExceptionAsKj()));
  }
}

kj::Promise<void> testFiles(const TestOptions& options, config::Bundler& bundler, House& house,
                            TestRun& tests, TestReport& report) {
  for (auto& file : options.targets) {
    co_await testFile(file.c_str(), options.targets.size() == 1, bundler, house, tests, report);
  }
}

void checkFilter(const std::string& filter) {
  try {
    std::regex checked(filter, std::regex::ECMAScript);
  } catch (const std::regex_error& e) {
    OperatorError{.code = kj::str("usage.filter"),
                  .what = kj::str("--filter is no regular expression: ", filter.c_str()),
                  .where = kj::String(),
                  .why = kj::str(e.what()),
                  .fix = kj::str("write it as in JavaScript, without slashes")}
        .raise();
  }
}

}  // namespace

int test(kj::AsyncIoContext& io, const TestOptions& options) {
  checkFilter(options.filter);
  auto sink = observe::newDescriptorSink(STDERR_FILENO);
  auto log =
      observe::newOperatorLog(*sink, kj::systemPreciseCalendarClock(), observe::Format::TEXT);
  bool ofProject = options.targets.empty() ||
                   (options.targets.size() == 1 && isConfiguration(options.targets[0].c_str()));
  config::Project project;
  if (ofProject) {
    project = config::readProject(options.targets.empty() ? "." : options.targets[0].c_str());
    for (auto& warning : project.warnings)
      log->report(observe::Level::WARN, warning);
  }

  House house(io, *log, project.mayfly);
  house.openForParents();
  auto bundler = config::newEsbuildBundler(config::findInstalledEsbuild(), *io.lowLevelProvider,
                                           io.unixEventPort);
  house.untilReady().wait(io.waitScope);
  TestReport report;
  TestRun tests(io.provider->getTimer(), options, report);
  (ofProject ? testProject(project.workers, *bundler, house, tests, report)
             : testFiles(options, *bundler, house, tests, report))
      .wait(io.waitScope);
  report.printSummary();
  return report.anyFailed() ? EXIT_FAILED : EXIT_OK;
}

}  // namespace mayfly::cli
