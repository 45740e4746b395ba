#include "sandbox/reply.h"

#include <kj/debug.h>

#include <cmath>

namespace mayfly::sandbox {

using engine::name;
using engine::text;
using engine::utf8;

v8::Local<v8::Value> getField(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr field) {
  v8::Local<v8::Value> value;
  KJ_REQUIRE(object->Get(bridge.context(), name(bridge.isolate, field)).ToLocal(&value),
             "a getter threw", field);
  return value;
}

kj::String getText(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr field) {
  return utf8(bridge.isolate, getField(bridge, object, field));
}

void setField(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr field,
              v8::Local<v8::Value> value) {
  object->CreateDataProperty(bridge.context(), name(bridge.isolate, field), value).Check();
}

v8::Local<v8::Array> textArray(Bridge& bridge, capnp::List<capnp::Text>::Reader list, uint limit) {
  KJ_REQUIRE(list.size() <= limit, "list too long", list.size());
  auto array = v8::Array::New(bridge.isolate, static_cast<int>(list.size()));
  for (auto i : kj::indices(list)) {
    array->Set(bridge.context(), i, text(bridge.isolate, list[i].asArray())).Check();
  }
  return array;
}

kj::ArrayPtr<const kj::byte> bytesOf(v8::Local<v8::Value> value) {
  if (value->IsArrayBufferView()) {
    auto view = value.As<v8::ArrayBufferView>();
    auto store = view->Buffer()->GetBackingStore();
    return {static_cast<const kj::byte*>(store->Data()) + view->ByteOffset(), view->ByteLength()};
  }
  KJ_REQUIRE(value->IsArrayBuffer(), "expected bytes");
  auto buffer = value.As<v8::ArrayBuffer>();
  return {static_cast<const kj::byte*>(buffer->Data()), buffer->ByteLength()};
}

v8::Local<v8::Uint8Array> newBytes(Bridge& bridge, kj::ArrayPtr<const kj::byte> bytes) {
  auto buffer = v8::ArrayBuffer::MaybeNew(bridge.isolate, bytes.size());
  v8::Local<v8::ArrayBuffer> local;
  KJ_REQUIRE(buffer.ToLocal(&local), "Array buffer allocation failed");
  if (bytes.size() > 0) memcpy(local->Data(), bytes.begin(), bytes.size());
  return v8::Uint8Array::New(local, 0, bytes.size());
}

namespace {

v8::Local<v8::Object> newSettled(Bridge& bridge, bool ok, v8::Local<v8::Value> payload,
                                 v8::Local<v8::Value> failure) {
  auto result = v8::Object::New(bridge.isolate);
  setField(bridge, result, "ok", v8::Boolean::New(bridge.isolate, ok));
  setField(bridge, result, "payload", payload);
  setField(bridge, result, "failure", failure);
  return result;
}

void writeFailureText(Bridge& bridge, v8::Local<v8::Object> failure,
                      schema::Failure::Builder builder) {
  builder.setName(getText(bridge, failure, "name"));
  builder.setMessage(getText(bridge, failure, "message"));
  builder.setStack(getText(bridge, failure, "stack"));
  builder.setCode(getText(bridge, failure, "code"));
}

v8::Local<v8::Value> headersFrom(Bridge& bridge, capnp::List<schema::HttpHeader>::Reader headers) {
  auto array = v8::Array::New(bridge.isolate, static_cast<int>(headers.size()));
  for (auto i : kj::indices(headers)) {
    v8::Local<v8::Value> pair[] = {text(bridge.isolate, headers[i].getName().asArray()),
                                   text(bridge.isolate, headers[i].getValue().asArray())};
    array->Set(bridge.context(), i, v8::Array::New(bridge.isolate, pair, 2)).Check();
  }
  return array;
}

template <typename Builder>
void writeHeaders(Bridge& bridge, v8::Local<v8::Value> value, Builder builder) {
  KJ_REQUIRE(value->IsArray(), "headers are not an array");
  auto array = value.As<v8::Array>();
  auto list = builder.initHeaders(array->Length());
  for (uint32_t i = 0; i < array->Length(); ++i) {
    auto pair = array->Get(bridge.context(), i).ToLocalChecked();
    KJ_REQUIRE(pair->IsArray(), "a header is not a pair");
    auto header = pair.As<v8::Array>();
    list[i].setName(utf8(bridge.isolate, header->Get(bridge.context(), 0).ToLocalChecked()));
    list[i].setValue(utf8(bridge.isolate, header->Get(bridge.context(), 1).ToLocalChecked()));
  }
}

v8::Local<v8::Value> bodyFrom(Bridge& bridge, schema::Body::Reader body) {
  switch (body.which()) {
    case schema::Body::NONE:
      return v8::Null(bridge.isolate);
    case schema::Body::BYTES:
      return newBytes(bridge, body.getBytes());
    case schema::Body::STREAM: {
      auto object = v8::Object::New(bridge.isolate);
      setField(bridge, object, "source", wrapCap(bridge, CapKind::SOURCE, body.getStream()));
      setField(bridge, object, "length",
               v8::Number::New(bridge.isolate, static_cast<double>(body.getLength())));
      return object;
    }
  }
  KJ_FAIL_REQUIRE("unknown kind of body");
}

void writeBody(Bridge& bridge, v8::Local<v8::Value> value, schema::Body::Builder builder) {
  if (value->IsNullOrUndefined()) {
    builder.setNone();
  } else if (value->IsArrayBufferView()) {
    builder.setBytes(bytesOf(value));
  } else {
    KJ_REQUIRE(value->IsObject(), "a body of an unknown shape");
    auto object = value.As<v8::Object>();
    auto& cap = unwrapCap(bridge, getField(bridge, object, "source"));
    builder.setStream(cap.take().castAs<schema::ByteSource>());
    auto length = getField(bridge, object, "length");
    double number = length->IsNumber() ? length.As<v8::Number>()->Value() : -1;
    builder.setLength(number >= 0 && number <= 9e15 ? static_cast<int64_t>(number) : -1);
  }
}

template <typename Reader>
v8::Local<v8::Value> webSocketFrom(Bridge& bridge, Reader message) {
  if (!message.hasWebSocket()) return v8::Null(bridge.isolate);
  return wrapCap(bridge, CapKind::MESSAGES, message.getWebSocket());
}

template <typename Builder>
void writeWebSocket(Bridge& bridge, v8::Local<v8::Object> message, Builder builder) {
  auto sink = getField(bridge, message, "webSocket");
  if (sink->IsNullOrUndefined()) return;
  builder.setWebSocket(unwrapCap(bridge, sink).take().castAs<schema::MessageSink>());
}

}  // namespace

v8::Local<v8::Object> settledFrom(Bridge& bridge, schema::Reply::Reader reply) {
  if (reply.isValue()) {
    return newSettled(bridge, true, wrapEncoded(bridge, Encoded::read(reply.getValue())),
                      v8::Null(bridge.isolate));
  }
  return settledFrom(bridge, reply.getFailure());
}

v8::Local<v8::Object> settledFrom(Bridge& bridge, schema::Failure::Reader failure) {
  auto object = v8::Object::New(bridge.isolate);
  setField(bridge, object, "name", text(bridge.isolate, failure.getName().asArray()));
  setField(bridge, object, "message", text(bridge.isolate, failure.getMessage().asArray()));
  setField(bridge, object, "stack", text(bridge.isolate, failure.getStack().asArray()));
  setField(bridge, object, "code", text(bridge.isolate, failure.getCode().asArray()));
  setField(bridge, object, "system", v8::Boolean::New(bridge.isolate, !failure.hasThrown()));
  v8::Local<v8::Value> payload = v8::Null(bridge.isolate);
  if (failure.hasThrown()) payload = wrapEncoded(bridge, Encoded::read(failure.getThrown()));
  return newSettled(bridge, false, payload, object);
}

void writeReply(Bridge& bridge, v8::Local<v8::Object> reply, schema::Reply::Builder builder) {
  if (getField(bridge, reply, "ok")->IsTrue()) {
    auto& payload = unwrapEncoded(bridge, getField(bridge, reply, "payload"));
    payload.write(builder.initValue());
    payload.letGo();
  } else {
    writeFailure(bridge, reply, builder.initFailure());
  }
}

void writeFailure(Bridge& bridge, v8::Local<v8::Object> failedReply,
                  schema::Failure::Builder builder) {
  auto failure = getField(bridge, failedReply, "failure");
  KJ_REQUIRE(failure->IsObject(), "a failed reply without its failure");
  auto object = failure.As<v8::Object>();
  writeFailureText(bridge, object, builder);
  if (getField(bridge, object, "system")->IsTrue()) return;
  auto& payload = unwrapEncoded(bridge, getField(bridge, failedReply, "payload"));
  payload.write(builder.initThrown());
  payload.letGo();
}

void writeThrown(Bridge& bridge, v8::Local<v8::Value> thrown, schema::Failure::Builder builder) {
  v8::TryCatch tryCatch(bridge.isolate);
  if (!thrown->IsObject()) {
    v8::Local<v8::String> string;
    builder.setName("Error");
    if (thrown->ToString(bridge.context()).ToLocal(&string))
      builder.setMessage(utf8(bridge.isolate, string));
    return;
  }
  auto object = thrown.As<v8::Object>();
  auto read = [&](kj::StringPtr field) -> kj::String {
    v8::Local<v8::Value> value;
    if (!object->Get(bridge.context(), name(bridge.isolate, field)).ToLocal(&value))
      return kj::String();
    return utf8(bridge.isolate, value);
  };
  auto errorName = read("name");
  builder.setName(errorName.size() == 0 ? kj::str("Error") : kj::mv(errorName));
  builder.setMessage(read("message"));
  builder.setStack(read("stack"));
  builder.setCode(read("code"));
}

v8::Local<v8::Object> requestFrom(Bridge& bridge, schema::HttpRequest::Reader request) {
  auto object = v8::Object::New(bridge.isolate);
  setField(bridge, object, "method", text(bridge.isolate, request.getMethod().asArray()));
  setField(bridge, object, "url", text(bridge.isolate, request.getUrl().asArray()));
  setField(bridge, object, "headers", headersFrom(bridge, request.getHeaders()));
  setField(bridge, object, "body", bodyFrom(bridge, request.getBody()));
  setField(bridge, object, "cf", text(bridge.isolate, request.getCfJson().asArray()));
  setField(bridge, object, "webSocket", webSocketFrom(bridge, request));
  return object;
}

v8::Local<v8::Object> responseFrom(Bridge& bridge, schema::HttpResponse::Reader response) {
  auto object = v8::Object::New(bridge.isolate);
  setField(bridge, object, "status", v8::Integer::New(bridge.isolate, response.getStatus()));
  setField(bridge, object, "statusText", text(bridge.isolate, response.getStatusText().asArray()));
  setField(bridge, object, "headers", headersFrom(bridge, response.getHeaders()));
  setField(bridge, object, "body", bodyFrom(bridge, response.getBody()));
  setField(bridge, object, "webSocket", webSocketFrom(bridge, response));
  setField(bridge, object, "maxMessageBytes",
           v8::Integer::NewFromUnsigned(bridge.isolate, response.getMaxMessageBytes()));
  return object;
}

void writeRequest(Bridge& bridge, v8::Local<v8::Object> request,
                  schema::HttpRequest::Builder builder) {
  builder.setMethod(getText(bridge, request, "method"));
  builder.setUrl(getText(bridge, request, "url"));
  writeHeaders(bridge, getField(bridge, request, "headers"), builder);
  writeBody(bridge, getField(bridge, request, "body"), builder.initBody());
  builder.setCfJson(getText(bridge, request, "cf"));
  writeWebSocket(bridge, request, builder);
}

void writeResponse(Bridge& bridge, v8::Local<v8::Object> response,
                   schema::HttpResponse::Builder builder) {
  auto status = getField(bridge, response, "status");
  KJ_REQUIRE(status->IsUint32() && status.As<v8::Uint32>()->Value() < 1000, "bad status");
  builder.setStatus(static_cast<uint16_t>(status.As<v8::Uint32>()->Value()));
  builder.setStatusText(utf8(bridge.isolate, getField(bridge, response, "statusText")));
  writeHeaders(bridge, getField(bridge, response, "headers"), builder);
  writeBody(bridge, getField(bridge, response, "body"), builder.initBody());
  writeWebSocket(bridge, response, builder);
}

}  // namespace mayfly::sandbox
