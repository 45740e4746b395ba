// Replies, requests and bodies between Cap'n Proto messages and the objects of builtins/internal/ops.ts.
// All functions need an active Turn; they throw kj::Exception if a built-in handed over the wrong shape.
#pragma once

#include <v8.h>

#include "sandbox/bridge.h"
#include "sandbox/handles.h"
#include "schema/value.capnp.h"

namespace mayfly::sandbox {

// Property access on objects of ours.
v8::Local<v8::Value> getField(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr name);
kj::String getText(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr name);
void setField(Bridge& bridge, v8::Local<v8::Object> object, kj::StringPtr name,
              v8::Local<v8::Value> value);

// Strings of a list, at most `limit` of them.
v8::Local<v8::Array> textArray(Bridge& bridge, capnp::List<capnp::Text>::Reader list, uint limit);

// A view or ArrayBuffer as bytes, valid until JavaScript runs again.
kj::ArrayPtr<const kj::byte> bytesOf(v8::Local<v8::Value> value);
v8::Local<v8::Uint8Array> newBytes(Bridge& bridge, kj::ArrayPtr<const kj::byte> bytes);

// Settled / Reply (ops.ts).
v8::Local<v8::Object> settledFrom(Bridge& bridge, schema::Reply::Reader reply);
v8::Local<v8::Object> settledFrom(Bridge& bridge, schema::Failure::Reader failure);
void writeReply(Bridge& bridge, v8::Local<v8::Object> reply, schema::Reply::Builder builder);
void writeFailure(Bridge& bridge, v8::Local<v8::Object> failedReply,
                  schema::Failure::Builder builder);

// What a rejected promise of a built-in becomes when it has to cross as a Failure: name, message, stack.
void writeThrown(Bridge& bridge, v8::Local<v8::Value> thrown, schema::Failure::Builder builder);

// WireRequest / WireResponse (ops.ts).
v8::Local<v8::Object> requestFrom(Bridge& bridge, schema::HttpRequest::Reader request);
v8::Local<v8::Object> responseFrom(Bridge& bridge, schema::HttpResponse::Reader response);
void writeRequest(Bridge& bridge, v8::Local<v8::Object> request,
                  schema::HttpRequest::Builder builder);
void writeResponse(Bridge& bridge, v8::Local<v8::Object> response,
                   schema::HttpResponse::Builder builder);

}  // namespace mayfly::sandbox
