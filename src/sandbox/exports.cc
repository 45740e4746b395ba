#include "sandbox/exports.h"

#include <kj/debug.h>

#include "sandbox/handlers.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

using engine::Turn;

namespace {

constexpr uint MAX_PATH = 65;
constexpr uint32_t MAX_READ = 1 << 20;

// Answers with what went wrong, if anything did: what was thrown, or the failed reply that says so.
template <typename Context>
kj::Promise<void> settle(Bridge& bridge, kj::Promise<Outcome> outcome, Context context) {
  return outcome.then([&bridge, context](Outcome&& outcome) mutable {
    Turn turn(bridge.runtime);
    auto value = outcome.value.Get(bridge.isolate);
    if (!outcome.fulfilled) {
      writeThrown(bridge, value, context.getResults().initFailure());
    } else if (value->IsObject()) {
      writeFailure(bridge, value.As<v8::Object>(), context.getResults().initFailure());
    }
  });
}

class ObjectServer final : public schema::Entrypoint::Server {
public:
  ObjectServer(Bridge& bridge, v8::Local<v8::Object> object)
      : bridge(bridge), handlers(bridge, object) {}
  ~ObjectServer() noexcept(false) { handlers.notifyLater("released"); }

protected:
  kj::Promise<void> call(CallContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      auto params = context.getParams();
      auto encoded = Encoded::borrow(params.getArgs());
      v8::Local<v8::Value> arguments[] = {textArray(bridge, params.getPath(), MAX_PATH),
                                          wrapEncoded(bridge, kj::addRef(*encoded))};
      outcome = handlers.call("call", arguments);
      // As a rule they have been decoded by now.
      encoded->keep();
      context.releaseParams();
    }
    return answer(kj::mv(outcome), context);
  }

  kj::Promise<void> get(GetContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {
          textArray(bridge, context.getParams().getPath(), MAX_PATH)};
      context.releaseParams();
      outcome = handlers.call("get", arguments);
    }
    return answer(kj::mv(outcome), context);
  }

  kj::Promise<void> fetch(FetchContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    auto caller = kj::heap<Caller>(*this);
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {requestFrom(bridge, context.getParams().getRequest()),
                                          caller->invocation()};
      context.releaseParams();
      outcome = handlers.call("fetch", arguments);
    }
    auto& callerRef = *caller;
    return outcome
        .then([this, &callerRef, context](Outcome&& outcome) mutable {
          callerRef.answered();
          Turn turn(bridge.runtime);
          auto value = outcome.value.Get(bridge.isolate);
          auto result = context.getResults().initResult();
          if (!outcome.fulfilled) return writeThrown(bridge, value, result.initFailure());
          auto object = expectObject(value);
          setAfterwards(object, context.getResults());
          auto response = getField(bridge, object, "response");
          if (response->IsObject()) {
            writeResponse(bridge, response.As<v8::Object>(), result.initResponse());
          } else {
            writeFailure(bridge, expectObject(getField(bridge, object, "failed")),
                         result.initFailure());
          }
        })
        .attach(kj::mv(caller));
  }

  kj::Promise<void> tail(TailContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {
          engine::text(bridge.isolate, context.getParams().getItems().asArray())};
      context.releaseParams();
      outcome = handlers.call("tail", arguments);
    }
    return settle(bridge, kj::mv(outcome), context);
  }

  kj::Promise<void> connect(ConnectContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      auto params = context.getParams();
      auto secure = params.getSecureTransport() == schema::SecureTransport::OFF  ? "off"
                    : params.getSecureTransport() == schema::SecureTransport::ON ? "on"
                                                                                 : "starttls";
      v8::Local<v8::Value> arguments[] = {
          engine::text(bridge.isolate, params.getAddress().asArray()),
          engine::text(bridge.isolate, secure)};
      context.releaseParams();
      outcome = handlers.call("connect", arguments);
    }
    return outcome.then([this, context](Outcome&& outcome) mutable {
      Turn turn(bridge.runtime);
      auto value = outcome.value.Get(bridge.isolate);
      auto result = context.getResults().initResult();
      if (!outcome.fulfilled) return writeThrown(bridge, value, result.initFailure());
      auto object = expectObject(value);
      auto connection = getField(bridge, object, "connection");
      if (!connection->IsObject()) {
        return writeFailure(bridge, expectObject(getField(bridge, object, "failed")),
                            result.initFailure());
      }
      auto fields = connection.As<v8::Object>();
      auto opened = result.initConnection();
      opened.setSource(unwrapCap(bridge, getField(bridge, fields, "source"))
                           .take()
                           .castAs<schema::ByteSource>());
      opened.setSink(
          unwrapCap(bridge, getField(bridge, fields, "sink")).take().castAs<schema::ByteSink>());
      opened.setRemoteAddress(getText(bridge, fields, "remoteAddress"));
    });
  }

private:
  // Tells JavaScript when the one who asked went away before there was an answer. `invocation` is a plain
  // object that the handler may give an `cancelled` method.
  class Caller {
  public:
    explicit Caller(ObjectServer& server) : server(server) {}
    ~Caller() noexcept(false) {
      if (waiting && !object.IsEmpty()) server.bridge.notifyLater(kj::mv(object), "cancelled");
    }
    v8::Local<v8::Object> invocation() {
      auto made = v8::Object::New(server.bridge.isolate);
      object.Reset(server.bridge.isolate, made);
      return made;
    }
    void answered() { waiting = false; }

  private:
    ObjectServer& server;
    v8::Global<v8::Object> object;
    bool waiting = true;
  };

  static v8::Local<v8::Object> expectObject(v8::Local<v8::Value> value) {
    KJ_REQUIRE(value->IsObject(), "a handler answered with no object");
    return value.As<v8::Object>();
  }

  template <typename Results>
  void setAfterwards(v8::Local<v8::Object> reply, Results results) {
    auto afterwards = getField(bridge, reply, "afterwards");
    if (!afterwards->IsObject()) return;
    results.setAfterwards(unwrapCap(bridge, afterwards).take().template castAs<schema::JsObject>());
  }

  template <typename Context>
  kj::Promise<void> answer(kj::Promise<Outcome> outcome, Context context) {
    return outcome.then([this, context](Outcome&& outcome) mutable {
      Turn turn(bridge.runtime);
      auto value = outcome.value.Get(bridge.isolate);
      auto results = context.getResults();
      if (!outcome.fulfilled) return writeThrown(bridge, value, results.initReply().initFailure());
      auto reply = expectObject(value);
      writeReply(bridge, reply, results.initReply());
      auto target = getField(bridge, reply, "target");
      if (target->IsObject())
        results.setTarget(unwrapCap(bridge, target).take().template castAs<schema::JsObject>());
      setAfterwards(reply, results);
    });
  }

  Bridge& bridge;
  Handlers handlers;
};

class SourceServer final : public schema::ByteSource::Server {
public:
  SourceServer(Bridge& bridge, v8::Local<v8::Object> object)
      : bridge(bridge), handlers(bridge, object) {}
  ~SourceServer() noexcept(false) { handlers.notifyLater("cancel"); }

protected:
  kj::Promise<void> read(ReadContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    auto maxBytes = kj::min(context.getParams().getMaxBytes(), MAX_READ);
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {v8::Integer::NewFromUnsigned(bridge.isolate, maxBytes)};
      outcome = handlers.call("read", arguments);
    }
    return outcome.then([this, context, maxBytes](Outcome&& outcome) mutable {
      Turn turn(bridge.runtime);
      auto value = outcome.value.Get(bridge.isolate);
      auto results = context.getResults();
      if (!outcome.fulfilled) {
        results.setDone(true);
        return writeThrown(bridge, value, results.initFailure());
      }
      if (value->IsNull()) return results.setDone(true);
      auto bytes = bytesOf(value);
      KJ_REQUIRE(bytes.size() <= maxBytes, "a source gave more than it was asked for");
      results.setBytes(bytes);
    });
  }

private:
  Bridge& bridge;
  Handlers handlers;
};

class SinkServer final : public schema::ByteSink::Server {
public:
  SinkServer(Bridge& bridge, v8::Local<v8::Object> object)
      : bridge(bridge), handlers(bridge, object) {}
  ~SinkServer() noexcept(false) {
    if (open) handlers.notifyLater("abort");
  }

protected:
  kj::Promise<void> write(WriteContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      v8::Local<v8::Value> arguments[] = {newBytes(bridge, context.getParams().getBytes())};
      context.releaseParams();
      outcome = handlers.call("write", arguments);
    }
    return settle(bridge, kj::mv(outcome), context);
  }

  kj::Promise<void> close(CloseContext context) override {
    open = false;
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      outcome = handlers.call("close", nullptr);
    }
    return settle(bridge, kj::mv(outcome), context);
  }

  kj::Promise<void> abort(AbortContext context) override {
    open = false;
    Turn turn(bridge.runtime);
    v8::Local<v8::Value> arguments[] = {
        engine::text(bridge.isolate, context.getParams().getReason().asArray())};
    return handlers.call("abort", arguments).ignoreResult();
  }

private:
  Bridge& bridge;
  Handlers handlers;
  bool open = true;
};

}  // namespace

schema::Entrypoint::Client exportObject(Bridge& bridge, v8::Local<v8::Object> handlers) {
  return kj::heap<ObjectServer>(bridge, handlers);
}

schema::ByteSource::Client exportSource(Bridge& bridge, v8::Local<v8::Object> handlers) {
  return kj::heap<SourceServer>(bridge, handlers);
}

schema::ByteSink::Client exportSink(Bridge& bridge, v8::Local<v8::Object> handlers) {
  return kj::heap<SinkServer>(bridge, handlers);
}

}  // namespace mayfly::sandbox
