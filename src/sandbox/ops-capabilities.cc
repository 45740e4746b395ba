// Calling remote objects and offering our own: the cap… and export… operations of builtins/internal/ops.ts.

#include <kj/debug.h>

#include "sandbox/exports.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

template <typename Builder>
void writePath(Bridge& bridge, v8::Local<v8::Value> value, Builder& request) {
  KJ_REQUIRE(value->IsArray(), "a path is an array");
  auto array = value.As<v8::Array>();
  auto path = request.initPath(array->Length());
  for (uint32_t i = 0; i < array->Length(); ++i) {
    path.set(i, engine::utf8(bridge.isolate, array->Get(bridge.context(), i).ToLocalChecked()));
  }
}

template <typename Response>
void takeAfterwards(Bridge& bridge, Response& response, v8::Local<v8::Object> settled) {
  if (!response.hasAfterwards()) return;
  setField(bridge, settled, "afterwards",
           wrapCap(bridge, CapKind::OBJECT, response.getAfterwards()));
}

// { settled, target } of a call or a property read on its way.
template <typename Promise>
v8::Local<v8::Object> startedCall(Bridge& bridge, Promise promise) {
  auto target = wrapCap(bridge, CapKind::OBJECT, promise.getTarget());
  auto settled = bridge.toJs(promise.then([](auto&& response) { return kj::mv(response); }),
                             [&bridge](auto&& response) -> v8::Local<v8::Value> {
                               auto settled = settledFrom(bridge, response.getReply());
                               takeAfterwards(bridge, response, settled);
                               return settled;
                             });
  auto result = v8::Object::New(bridge.isolate);
  setField(bridge, result, "settled", settled);
  setField(bridge, result, "target", target);
  return result;
}

void capCall(Bridge& bridge, const Info& info) {
  auto& encoded = unwrapEncoded(bridge, info[2]);
  auto request =
      unwrapCap(bridge, info[0])
          .as<schema::JsObject>()
          .callRequest(capnp::MessageSize{encoded.bytes.size() / sizeof(capnp::word) + 64,
                                          static_cast<uint>(encoded.caps.size())});
  writePath(bridge, info[1], request);
  encoded.write(request.initArgs());
  encoded.letGo();
  info.GetReturnValue().Set(startedCall(bridge, request.send()));
}

void capGet(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::JsObject>().getRequest();
  writePath(bridge, info[1], request);
  info.GetReturnValue().Set(startedCall(bridge, request.send()));
}

// The function behind `cancel`: drops the request, which the callee notices.
void cancelFetch(const Info& info) {
  auto& bridge = Bridge::from(info.GetIsolate());
  auto& cap = unwrapCap(bridge, info.Data());
  cap.calls = nullptr;
}

void capFetch(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsObject(), "a request is an object");
  auto entrypoint = unwrapCap(bridge, info[0]).as<schema::Entrypoint>();
  auto request = entrypoint.fetchRequest();
  writeRequest(bridge, info[1].As<v8::Object>(), request.initRequest());

  auto handle = wrapCap(bridge, CapKind::ENTRYPOINT, nullptr);
  auto promise =
      unwrapCap(bridge, handle).endingWithHandle(request.send().then([](auto&& response) {
        return kj::mv(response);
      }));
  auto settled =
      bridge.toJs(kj::mv(promise),
                  [&bridge, keep = v8::Global<v8::Object>(bridge.isolate, handle)](
                      auto&& response) -> v8::Local<v8::Value> {
                    auto result = response.getResult();
                    auto object = result.isResponse() ? responseFrom(bridge, result.getResponse())
                                                      : v8::Object::New(bridge.isolate);
                    if (!result.isResponse())
                      setField(bridge, object, "failed", settledFrom(bridge, result.getFailure()));
                    takeAfterwards(bridge, response, object);
                    return object;
                  });
  auto result = v8::Object::New(bridge.isolate);
  setField(bridge, result, "settled", settled);
  setField(bridge, result, "cancel",
           v8::Function::New(bridge.context(), cancelFetch, handle).ToLocalChecked());
  info.GetReturnValue().Set(result);
}

bool isFailure(schema::Failure::Reader failure) {
  return failure.getMessage().size() > 0 || failure.getName().size() > 0;
}

// How a source says that it failed; null if it did not.
v8::Local<v8::Value> failureOrNull(Bridge& bridge, schema::Failure::Reader failure) {
  if (!isFailure(failure)) return v8::Null(bridge.isolate);
  return getField(bridge, settledFrom(bridge, failure), "failure");
}

void capRead(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsUint32());
  auto request = unwrapCap(bridge, info[0]).as<schema::ByteSource>().readRequest();
  uint32_t maxBytes = info[1].As<v8::Uint32>()->Value();
  request.setMaxBytes(maxBytes);
  auto promise = request.send().then([maxBytes](auto&& response) {
    KJ_REQUIRE(response.getBytes().size() <= maxBytes, "a source sent more than it was asked for");
    return kj::mv(response);
  });
  info.GetReturnValue().Set(
      bridge.toJs(kj::mv(promise), [&bridge](auto&& response) -> v8::Local<v8::Value> {
        auto result = v8::Object::New(bridge.isolate);
        setField(bridge, result, "bytes", newBytes(bridge, response.getBytes()));
        setField(bridge, result, "done", v8::Boolean::New(bridge.isolate, response.getDone()));
        setField(bridge, result, "failure", failureOrNull(bridge, response.getFailure()));
        return result;
      }));
}

template <typename Promise>
v8::Local<v8::Promise> acknowledged(Bridge& bridge, Promise promise) {
  return bridge.toJs(promise.then([](auto&& response) { return kj::mv(response); }),
                     [&bridge](auto&& response) -> v8::Local<v8::Value> {
                       auto failure = response.getFailure();
                       if (!isFailure(failure)) return v8::Null(bridge.isolate);
                       return settledFrom(bridge, failure);
                     });
}

void capWrite(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::ByteSink>().writeRequest();
  request.setBytes(bytesOf(info[1]));
  info.GetReturnValue().Set(acknowledged(bridge, request.send()));
}

void capTail(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::Entrypoint>().tailRequest();
  request.setItems(engine::utf8(bridge.isolate, info[1]));
  info.GetReturnValue().Set(acknowledged(bridge, request.send()));
}

void capClose(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(acknowledged(
      bridge, unwrapCap(bridge, info[0]).as<schema::ByteSink>().closeRequest().send()));
}

void capFromPromise(Bridge& bridge, const Info& info) {
  auto promise =
      bridge.fromJs(info[0]).then([&bridge](Outcome&& outcome) -> schema::Entrypoint::Client {
        engine::Turn turn(bridge.runtime);
        // The reason of a rejection stays with JavaScript, which asks for it when a call fails.
        KJ_REQUIRE(outcome.fulfilled, "the promised entrypoint does not exist");
        return unwrapCap(bridge, outcome.value.Get(bridge.isolate)).as<schema::Entrypoint>();
      });
  info.GetReturnValue().Set(
      wrapCap(bridge, CapKind::ENTRYPOINT, schema::Entrypoint::Client(kj::mv(promise))));
}

void capDup(Bridge& bridge, const Info& info) {
  auto& cap = unwrapCap(bridge, info[0]);
  info.GetReturnValue().Set(
      wrapCap(bridge, cap.kind, KJ_REQUIRE_NONNULL(cap.client, "the stub has been disposed")));
}

void capDrop(Bridge& bridge, const Info& info) {
  auto& cap = unwrapCap(bridge, info[0]);
  // Whatever goes with it may reach back into JavaScript's hands; let the current call finish first.
  bridge.detach(kj::evalLater([client = kj::mv(cap.client), attachment = kj::mv(cap.attachment),
                               calls = kj::mv(cap.calls)]() {}));
  cap.client = nullptr;
}

void exportObjectOp(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsObject());
  auto kind =
      engine::utf8(bridge.isolate, info[0]) == "entrypoint" ? CapKind::ENTRYPOINT : CapKind::OBJECT;
  info.GetReturnValue().Set(wrapCap(bridge, kind, exportObject(bridge, info[1].As<v8::Object>())));
}

void exportSourceOp(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsObject());
  info.GetReturnValue().Set(
      wrapCap(bridge, CapKind::SOURCE, exportSource(bridge, info[0].As<v8::Object>())));
}

void exportSinkOp(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsObject());
  info.GetReturnValue().Set(
      wrapCap(bridge, CapKind::SINK, exportSink(bridge, info[0].As<v8::Object>())));
}

constexpr Operation OPERATIONS[] = {
    {"capCall", operation<capCall>},
    {"capGet", operation<capGet>},
    {"capFetch", operation<capFetch>},
    {"capTail", operation<capTail>},
    {"capRead", operation<capRead>},
    {"capWrite", operation<capWrite>},
    {"capClose", operation<capClose>},
    {"capFromPromise", operation<capFromPromise>},
    {"capDup", operation<capDup>},
    {"capDrop", operation<capDrop>},
    {"exportObject", operation<exportObjectOp>},
    {"exportSource", operation<exportSourceOp>},
    {"exportSink", operation<exportSinkOp>},
};

}  // namespace

kj::ArrayPtr<const Operation> capabilityOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
