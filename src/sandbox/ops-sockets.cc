// WebSocket messages and byte connections: exportMessages, capSendMessage, capCloseMessages, capConnect and
// capStartTls of builtins/internal/ops.ts.

#include <kj/debug.h>

#include "sandbox/handlers.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

using engine::Turn;

namespace {

// MessageHandlers behind schema::MessageSink.
class MessagesServer final : public schema::MessageSink::Server {
public:
  MessagesServer(Bridge& bridge, v8::Local<v8::Object> object)
      : bridge(bridge), handlers(bridge, object) {}
  ~MessagesServer() noexcept(false) { handlers.notifyLater("gone"); }

protected:
  kj::Promise<void> send(SendContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      auto message = context.getParams().getMessage();
      v8::Local<v8::Value> data;
      switch (message.which()) {
        case schema::Message::TEXT:
          data = engine::text(bridge.isolate, message.getText().asArray());
          break;
        case schema::Message::BINARY:
          data = newBytes(bridge, message.getBinary());
          break;
        default:
          KJ_FAIL_REQUIRE("unknown kind of message");
      }
      context.releaseParams();
      v8::Local<v8::Value> arguments[] = {data};
      outcome = handlers.call("message", arguments);
    }
    return settle(kj::mv(outcome));
  }

  kj::Promise<void> close(CloseContext context) override {
    kj::Promise<Outcome> outcome = nullptr;
    {
      Turn turn(bridge.runtime);
      auto params = context.getParams();
      v8::Local<v8::Value> arguments[] = {
          v8::Integer::NewFromUnsigned(bridge.isolate, params.getCode()),
          engine::text(bridge.isolate, params.getReason().asArray())};
      outcome = handlers.call("close", arguments);
    }
    return settle(kj::mv(outcome));
  }

private:
  static kj::Promise<void> settle(kj::Promise<Outcome> outcome) {
    return outcome.then([](Outcome&& outcome) {
      if (!outcome.fulfilled)
        kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the WebSocket takes no more messages"));
    });
  }

  Bridge& bridge;
  Handlers handlers;
};

void exportMessages(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsObject());
  info.GetReturnValue().Set(wrapCap(
      bridge, CapKind::MESSAGES,
      schema::MessageSink::Client(kj::heap<MessagesServer>(bridge, info[0].As<v8::Object>()))));
}

template <typename Promise>
v8::Local<v8::Promise> acknowledged(Bridge& bridge, Promise promise) {
  return bridge.toJs(promise.ignoreResult(),
                     [&bridge]() -> v8::Local<v8::Value> { return v8::Undefined(bridge.isolate); });
}

void capSendMessage(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::MessageSink>().sendRequest();
  if (info[1]->IsString()) {
    request.initMessage().setText(engine::utf8(bridge.isolate, info[1]));
  } else {
    request.initMessage().setBinary(bytesOf(info[1]));
  }
  info.GetReturnValue().Set(acknowledged(bridge, request.send()));
}

void capCloseMessages(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsUint32());
  auto request = unwrapCap(bridge, info[0]).as<schema::MessageSink>().closeRequest();
  request.setCode(static_cast<uint16_t>(info[1].As<v8::Uint32>()->Value()));
  request.setReason(engine::utf8(bridge.isolate, info[2]));
  info.GetReturnValue().Set(acknowledged(bridge, request.send()));
}

// WireConnection, or { failed }.
v8::Local<v8::Value> connectionFrom(Bridge& bridge, schema::ConnectResult::Reader result) {
  auto object = v8::Object::New(bridge.isolate);
  if (result.isFailure()) {
    setField(bridge, object, "failed", settledFrom(bridge, result.getFailure()));
    return object;
  }
  auto connection = result.getConnection();
  setField(bridge, object, "source", wrapCap(bridge, CapKind::SOURCE, connection.getSource()));
  setField(bridge, object, "sink", wrapCap(bridge, CapKind::SINK, connection.getSink()));
  setField(bridge, object, "remoteAddress",
           engine::text(bridge.isolate, connection.getRemoteAddress().asArray()));
  v8::Local<v8::Value> tls = v8::Null(bridge.isolate);
  if (connection.hasTls()) tls = wrapCap(bridge, CapKind::TLS, connection.getTls());
  setField(bridge, object, "tls", tls);
  return object;
}

schema::SecureTransport secureTransport(Bridge& bridge, v8::Local<v8::Value> value) {
  auto name = engine::utf8(bridge.isolate, value);
  if (name == "on") return schema::SecureTransport::ON;
  if (name == "starttls") return schema::SecureTransport::START_TLS;
  return schema::SecureTransport::OFF;
}

void capConnect(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::Entrypoint>().connectRequest();
  request.setAddress(engine::utf8(bridge.isolate, info[1]));
  request.setSecureTransport(secureTransport(bridge, info[2]));
  info.GetReturnValue().Set(bridge.toJs(
      request.send().then([](auto&& response) { return kj::mv(response); }),
      [&bridge](auto&& response) { return connectionFrom(bridge, response.getResult()); }));
}

void capStartTls(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::TlsStarter>().startRequest();
  request.setHost(engine::utf8(bridge.isolate, info[1]));
  info.GetReturnValue().Set(bridge.toJs(
      request.send().then([](auto&& response) { return kj::mv(response); }),
      [&bridge](auto&& response) { return connectionFrom(bridge, response.getResult()); }));
}

constexpr Operation OPERATIONS[] = {
    {"exportMessages", operation<exportMessages>},
    {"capSendMessage", operation<capSendMessage>},
    {"capCloseMessages", operation<capCloseMessages>},
    {"capConnect", operation<capConnect>},
    {"capStartTls", operation<capStartTls>},
};

}  // namespace

kj::ArrayPtr<const Operation> socketOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
