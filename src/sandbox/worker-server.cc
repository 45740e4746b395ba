#include "sandbox/worker-server.h"

#include <fcntl.h>
#include <kj/debug.h>

#include "sandbox/handlers.h"
#include "sandbox/http-ingress.h"
#include "sandbox/program.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

using engine::Turn;

namespace {

// Tells the supervisor of the requests of a parent worker: those that were served, and that one runs.
class HostObserver final : public IngressObserver {
public:
  HostObserver(Bridge& bridge, bool logs, bool counts)
      : bridge(bridge), logs(logs), counts(counts) {}

  kj::Maybe<kj::Promise<kj::Own<void>>> begin() override {
    if (!counts) return nullptr;
    return count();
  }

  void served(const ServedRequest& request) override {
    if (!logs) return;
    auto message = bridge.host().servedRequest();
    auto record = message.initRequest();
    record.setMethod(kj::str(request.method));
    record.setTarget(request.target);
    record.setStatus(static_cast<uint16_t>(request.status));
    record.setDurationMicros(static_cast<uint64_t>(request.duration / kj::MICROSECONDS));
    record.setOutcome(request.outcome);
    detach(message.send().ignoreResult());
  }

private:
  kj::Promise<kj::Own<void>> count() {
    auto number = next++;
    auto began = bridge.host().beganRequest();
    began.setInvocation(number);
    detach(began.send().ignoreResult());
    auto ending = kj::defer([this, number]() {
      auto finished = bridge.host().finishedRequest();
      finished.setInvocation(number);
      detach(finished.send().ignoreResult());
    });
    // The worker may keep the thread for itself: the clock must be running by then.
    co_await bridge.whenHostMessagesLeft();
    co_return kj::heap(kj::mv(ending));
  }

  void detach(kj::Promise<void> message) {
    bridge.detach(message.catch_([](kj::Exception&&) {}));
  }

  Bridge& bridge;
  const bool logs;
  const bool counts;
  uint32_t next = 0;
};

// WorkerHandlers (builtins/internal/ops.ts) behind the Worker interface.
class WorkerServer final : public schema::Worker::Server {
public:
  WorkerServer(Bridge& bridge, v8::Local<v8::Object> handlers)
      : bridge(bridge), handlers(bridge, handlers) {}

protected:
  kj::Promise<void> entrypoint(EntrypointContext context) override {
    Turn turn(bridge.runtime);
    auto params = context.getParams();
    v8::Local<v8::Value> props = v8::Null(bridge.isolate);
    if (params.hasProps()) props = wrapEncoded(bridge, Encoded::read(params.getProps()));
    if (params.hasPropsJson())
      props = engine::text(bridge.isolate, params.getPropsJson().asArray());
    v8::Local<v8::Value> trace = v8::Null(bridge.isolate);
    if (params.hasTrace()) trace = wrapCap(bridge, CapKind::OBJECT, params.getTrace());
    context.getResults().setEntrypoint(
        newEntrypoint(params.getName(), props, trace, params.getSubrequests()));
    return kj::READY_NOW;
  }

  kj::Promise<void> invoke(InvokeContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      auto params = context.getParams();
      v8::Local<v8::Value> arguments[] = {
          engine::text(bridge.isolate, params.getMethod().asArray()),
          engine::text(bridge.isolate, params.getArgs().asArray())};
      outcome = handlers.call("invoke", arguments);
    }
    return logged(kj::mv(outcome)).then([this, context](Outcome&& outcome) mutable {
      Turn turn(bridge.runtime);
      auto value = outcome.value.Get(bridge.isolate);
      auto result = context.getResults().initResult();
      if (!outcome.fulfilled) return writeThrown(bridge, value, result.initFailure());
      result.setJson(engine::utf8(bridge.isolate, value));
    });
  }

  kj::Promise<void> tests(TestsContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      outcome = handlers.call("tests", nullptr);
    }
    return logged(kj::mv(outcome)).then([this, context](Outcome&& outcome) mutable {
      Turn turn(bridge.runtime);
      auto value = outcome.value.Get(bridge.isolate);
      auto results = context.getResults();
      if (!outcome.fulfilled) return writeThrown(bridge, value, results.initFailure());
      auto names = value.As<v8::Array>();
      auto list = results.initNames(names->Length());
      for (uint32_t i = 0; i < names->Length(); ++i) {
        list.set(i, engine::utf8(bridge.isolate, names->Get(bridge.context(), i).ToLocalChecked()));
      }
    });
  }

  kj::Promise<void> test(TestContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {
          engine::text(bridge.isolate, context.getParams().getName().asArray())};
      outcome = handlers.call("test", arguments);
    }
    return logged(kj::mv(outcome)).then([this, context](Outcome&& outcome) mutable {
      if (outcome.fulfilled) return;
      Turn turn(bridge.runtime);
      writeThrown(bridge, outcome.value.Get(bridge.isolate), context.getResults().initFailure());
    });
  }

  kj::Promise<void> listen(ListenContext context) override {
    KJ_REQUIRE(bridge.role() == zygote::Role::PARENT, "only parent workers listen");
    auto params = context.getParams();
    kj::Maybe<kj::Own<IngressObserver>> observer;
    if (params.getLogRequests() || params.getCountRequests()) {
      observer = kj::heap<HostObserver>(bridge, params.getLogRequests(), params.getCountRequests());
    }
    auto socket = params.getSocket();
    auto fd = co_await socket.getFd();
    int own;
    KJ_SYSCALL(
        own = fcntl(KJ_REQUIRE_NONNULL(fd, "no listening socket came along"), F_DUPFD_CLOEXEC, 6));
    auto& io = bridge.ioContext();
    auto made = [&] {
      Turn turn(bridge.runtime);
      return kj::heap<HttpIngress>(
          bridge.timer(), *io.lowLevelProvider, io.unixEventPort,
          newEntrypoint("", v8::Null(bridge.isolate), v8::Null(bridge.isolate), -1),
          kj::mv(observer));
    }();
    made->listen(kj::AutoCloseFd(own));
    ingress = kj::mv(made);
  }

  kj::Promise<void> drain(DrainContext) override {
    KJ_IF_MAYBE (running, ingress) return (*running)->drain();
    return kj::READY_NOW;
  }

private:
  schema::Entrypoint::Client newEntrypoint(kj::StringPtr name, v8::Local<v8::Value> props,
                                           v8::Local<v8::Value> trace, int32_t subrequests) {
    v8::Local<v8::Value> arguments[] = {engine::text(bridge.isolate, name), props, trace,
                                        v8::Integer::New(bridge.isolate, subrequests)};
    v8::Local<v8::Value> cap;
    KJ_REQUIRE(bridge.callMethod(handlers.object.Get(bridge.isolate), "entrypoint", arguments)
                   .ToLocal(&cap),
               "the built-ins failed to make an entrypoint");
    return unwrapCap(bridge, cap).as<schema::Entrypoint>();
  }

  // The answer may be the last thing that is heard of this process: what it logged must not get lost.
  kj::Promise<Outcome> logged(kj::Promise<Outcome> outcome) {
    return outcome.then([this](Outcome&& outcome) {
      return bridge.whenLogged().then(
          [outcome = kj::mv(outcome)]() mutable { return kj::mv(outcome); });
    });
  }

  Bridge& bridge;
  Handlers handlers;
  kj::Maybe<kj::Own<HttpIngress>> ingress;
};

class BlankServer final : public schema::Blank::Server {
public:
  explicit BlankServer(Bridge& bridge) : bridge(bridge) {}

protected:
  kj::Promise<void> start(StartContext context) override {
    KJ_REQUIRE(!used, "a sandbox takes one program, once");
    used = true;
    v8::Global<v8::Object> handlers;
    {
      Turn turn(bridge.runtime);
      v8::TryCatch tryCatch(bridge.isolate);
      v8::Local<v8::Value> arguments[] = {programFrom(bridge, context.getParams().getProgram())};
      context.releaseParams();
      v8::Local<v8::Value> started;
      KJ_REQUIRE(bridge.callEntry("start", arguments).ToLocal(&started),
                 "the built-ins failed to start a program",
                 engine::describeUncaught(bridge.isolate, tryCatch));
      handlers.Reset(bridge.isolate, started.As<v8::Object>());
    }
    // Microtasks have run by now: a top-level await that is still pending would need I/O.
    {
      Turn turn(bridge.runtime);
      auto local = handlers.Get(bridge.isolate);
      KJ_REQUIRE(!bridge.callMethod(local, "evaluated", nullptr).IsEmpty(),
                 "the built-ins failed after evaluation");
      context.getResults().setWorker(kj::heap<WorkerServer>(bridge, local));
    }
    // Calls have been waiting for this answer, and one may keep the thread for itself: the news must have left before.
    bridge.detach(
        bridge.host().startedRequest().send().ignoreResult().catch_([](kj::Exception&&) {}));
    return bridge.whenHostMessagesLeft();
  }

private:
  Bridge& bridge;
  bool used = false;
};

}  // namespace

schema::Blank::Client makeBlank(Bridge& bridge) { return kj::heap<BlankServer>(bridge); }

}  // namespace mayfly::sandbox
