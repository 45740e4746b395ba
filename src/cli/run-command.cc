#include "cli/run-command.h"

#include <kj/debug.h>
#include <kj/vector.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/exit-codes.h"
#include "cli/house.h"
#include "cli/run-report.h"
#include "config/program-source.h"
#include "supervisor/sandbox-process.h"

namespace mayfly::cli {
namespace {

using supervisor::Limits;
using supervisor::SandboxConnection;
using supervisor::SandboxProcess;

// A sandbox that broke off may still be ending; its exit status says why.
constexpr auto LAST_WORDS = 2 * kj::SECONDS;

[[noreturn]] void raiseUsage(kj::StringPtr what, kj::StringPtr why, kj::StringPtr fix) {
  OperatorError{.code = kj::str("usage.run"),
                .what = kj::str(what),
                .where = kj::String(),
                .why = kj::str(why),
                .fix = kj::str(fix)}
      .raise();
}

struct EnvEntry {
  kj::String name;
  kj::String json;
};

kj::Vector<EnvEntry> parseEnv(const std::string& text) {
  auto env = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!env.is_object())
    raiseUsage("--env is not a JSON object", "", "write it as '{\"NAME\":\"value\"}'");
  kj::Vector<EnvEntry> entries;
  for (auto& [name, value] : env.items())
    entries.add(EnvEntry{kj::str(name.c_str()), kj::str(value.dump().c_str())});
  return entries;
}

void checkOptions(const RunOptions& options) {
  if (!nlohmann::json::parse(options.args, nullptr, /*allow_exceptions=*/false).is_array()) {
    raiseUsage("--args is not a JSON array", "", "write it as '[1,\"two\"]'");
  }
  if (options.profile != "standard") {
    raiseUsage(kj::str("there is no profile \"", options.profile.c_str(), "\""),
               "the profiles here are: standard", "leave out --profile");
  }
  if (kj::StringPtr(options.file.c_str()).endsWith(".py")) {
    raiseUsage("Python programs need the profile \"python\"", "the profiles here are: standard",
               "write it in JavaScript");
  }
}

Limits chooseLimits(const RunOptions& options, const Limits& defaults) {
  return {.cpuMs = options.cpuMs == 0 ? defaults.cpuMs : options.cpuMs,
          .wallMs = options.wallMs == 0 ? defaults.wallMs : options.wallMs,
          .memoryMb = options.memoryMb == 0 ? defaults.memoryMb : options.memoryMb};
}

struct Outcome {
  kj::Maybe<kj::String> json;
  kj::Maybe<RunError> error;
};

// One sandbox, from fork to result. Members are destroyed last to first.
class OneShot {
public:
  OneShot(kj::AsyncIoContext& io, House& house, observe::OperatorLog& log, Limits limits)
      : io(io), house(house), log(log), limits(limits) {}

  kj::Promise<Outcome> run(const RunOptions& options) {
    auto env = parseEnv(options.env);
    auto startUp = house.limits().startUp();
    auto source = config::singleFileProgram(options.file.c_str());
    process = co_await house.dynamicSpawner().spawn(
        {.role = zygote::Role::DYNAMIC,
         .memoryBytes = limits.memoryBytes(),
         .cpuSeconds = (startUp.cpuMs + limits.cpuMs) / 1000 + 1});
    process->assign(kj::refcounted<supervisor::SharedLog>(log.openSandbox(source.name)), nullptr);
    process->startUpBegan(startUp);
    KJ_ASSERT(process->began(0, limits) == supervisor::Admission::BEGUN);
    connection = kj::heap<SandboxConnection>(*io.lowLevelProvider, process->takeLoaderSocket(),
                                             supervisor::Descriptors::NONE);
    co_return co_await invoke(options, source, env);
  }

private:
  // Whichever comes first: an answer, or the end of the sandbox. After a broken connection the end is on its way.
  kj::Promise<Outcome> invoke(const RunOptions& options, const config::ProgramSource& source,
                              kj::ArrayPtr<const EnvEntry> env) {
    kj::Maybe<kj::Exception> broken;
    try {
      co_return co_await answer(options, source, env);
    } catch (...) {
      broken = kj::getCaughtExceptionAsKj();
    }
    auto& why = KJ_ASSERT_NONNULL(broken);
    if (why.getType() != kj::Exception::Type::DISCONNECTED) kj::throwFatalException(kj::mv(why));
    auto ending = co_await io.provider->getTimer().timeoutAfter(LAST_WORDS, process->onEnd());
    co_return Outcome{.json = nullptr, .error = RunError::from(ending)};
  }

  kj::Promise<Outcome> answer(const RunOptions& options, const config::ProgramSource& source,
                              kj::ArrayPtr<const EnvEntry> env) {
    auto start = connection->bootstrap().castAs<schema::Blank>().startRequest();
    auto program = start.initProgram();
    config::fillProgram(program, source);
    auto bindings = program.getEnv().initBindings(env.size());
    for (auto i : kj::indices(env)) {
      bindings[i].setName(env[i].name);
      bindings[i].setJson(env[i].json);
    }
    program.getOutbound().setBlocked();
    auto invoke = start.send().getWorker().invokeRequest();
    invoke.setMethod(options.call.c_str());
    invoke.setArgs(options.args.c_str());
    invoke.setTimeoutMs(limits.wallMs);
    auto response = co_await invoke.send();
    auto result = response.getResult();
    if (result.isFailure())
      co_return Outcome{.json = nullptr, .error = RunError::from(result.getFailure())};
    co_return Outcome{.json = kj::str(result.getJson()), .error = nullptr};
  }

  kj::AsyncIoContext& io;
  House& house;
  observe::OperatorLog& log;
  const Limits limits;
  kj::Own<SandboxProcess> process;
  kj::Own<SandboxConnection> connection;
};

}  // namespace

int run(kj::AsyncIoContext& io, const RunOptions& options) {
  checkOptions(options);
  LogCollector collected;
  auto errors = observe::newDescriptorSink(STDERR_FILENO);
  observe::LogSink& sink = options.json ? static_cast<observe::LogSink&>(collected) : *errors;
  auto log = observe::newOperatorLog(sink, kj::systemPreciseCalendarClock(),
                                     options.json ? observe::Format::JSON : observe::Format::TEXT);
  House house(io, *log, config::MayflyOptions{});
  OneShot shot(io, house, *log, chooseLimits(options, house.limits().defaults));
  auto outcome = shot.run(options).wait(io.waitScope);

  KJ_IF_MAYBE (error, outcome.error) {
    options.json ? printJsonError(*error, collected) : printError(*error);
    return error->isLimit() ? EXIT_LIMIT : EXIT_FAILED;
  }
  auto& json = KJ_ASSERT_NONNULL(outcome.json);
  options.json ? printJsonResult(json, collected) : printResult(json);
  return EXIT_OK;
}

}  // namespace mayfly::cli
