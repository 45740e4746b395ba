// Values to bytes and back: V8's structured clone with our host objects in it.

#include <kj/debug.h>
#include <v8-value-serializer.h>

#include <cstdlib>

#include "sandbox/bridge.h"
#include "sandbox/handles.h"
#include "sandbox/value-scan.h"

namespace mayfly::sandbox {

using engine::name;
using engine::text;

namespace {

class Writer final : public v8::ValueSerializer::Delegate {
public:
  explicit Writer(Bridge& bridge) : bridge(bridge), serializer(bridge.isolate, this) {}

  // The bytes, or null with a JavaScript exception pending.
  kj::Maybe<kj::Array<const kj::byte>> write(v8::Local<v8::Value> value) {
    serializer.WriteHeader();
    if (serializer.WriteValue(bridge.context(), value).IsNothing()) return nullptr;
    auto [data, size] = serializer.Release();
    return kj::Array<const kj::byte>(data, size, FREE);
  }

  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    v8::Local<v8::Value> arguments[] = {message};
    v8::Local<v8::Value> error;
    if (bridge.callEntry("dataCloneError", arguments).ToLocal(&error))
      bridge.isolate->ThrowException(error);
  }

  v8::Maybe<bool> WriteHostObject(v8::Isolate*, v8::Local<v8::Object> object) override {
    KJ_IF_MAYBE (ref, findRef(bridge, object)) {
      serializer.WriteUint32(ref->tag);
      return serializer.WriteValue(bridge.context(), ref->content);
    }
    ThrowDataCloneError(text(
        bridge.isolate,
        kj::str("#<", engine::utf8(bridge.isolate, object->GetConstructorName().As<v8::Value>()),
                "> could not be cloned.")));
    return v8::Nothing<bool>();
  }

  v8::Maybe<uint32_t> GetSharedArrayBufferId(v8::Isolate*,
                                             v8::Local<v8::SharedArrayBuffer>) override {
    ThrowDataCloneError(text(bridge.isolate, "#<SharedArrayBuffer> could not be cloned."));
    return v8::Nothing<uint32_t>();
  }

  v8::Maybe<uint32_t> GetWasmModuleTransferId(v8::Isolate*,
                                              v8::Local<v8::WasmModuleObject>) override {
    ThrowDataCloneError(text(bridge.isolate, "#<Module> could not be cloned."));
    return v8::Nothing<uint32_t>();
  }

private:
  class FreeDisposer final : public kj::ArrayDisposer {
    void disposeImpl(void* first, size_t, size_t, size_t, void (*)(void*)) const override {
      free(first);
    }
  };
  static constexpr FreeDisposer FREE = FreeDisposer();

  Bridge& bridge;
  v8::ValueSerializer serializer;
};

class Reader final : public v8::ValueDeserializer::Delegate {
public:
  Reader(Bridge& bridge, Encoded& encoded, v8::Local<v8::Function> revive)
      : bridge(bridge),
        revive(revive),
        deserializer(bridge.isolate, encoded.bytes.begin(), encoded.bytes.size(), this) {
    auto array = v8::Array::New(bridge.isolate, static_cast<int>(encoded.caps.size()));
    for (auto i : kj::indices(encoded.caps)) {
      auto& carried = encoded.caps[i];
      array
          ->Set(bridge.context(), static_cast<uint32_t>(i),
                wrapCap(bridge, carried.kind, carried.client))
          .Check();
    }
    caps = array;
  }

  v8::MaybeLocal<v8::Value> read() {
    bool readable;
    if (!deserializer.ReadHeader(bridge.context()).To(&readable)) return {};
    return deserializer.ReadValue(bridge.context());
  }

  v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate*) override {
    uint32_t tag;
    v8::Local<v8::Value> content;
    if (!deserializer.ReadUint32(&tag)) {
      bridge.throwTypeError("Unable to deserialize cloned data.");
      return {};
    }
    if (!deserializer.ReadValue(bridge.context()).ToLocal(&content)) return {};
    v8::Local<v8::Value> arguments[] = {v8::Integer::NewFromUnsigned(bridge.isolate, tag), content,
                                        caps};
    // V8 forbids JavaScript while it reads; `revive` is ours and does not touch what is being read.
    v8::Isolate::AllowJavascriptExecutionScope allow(bridge.isolate);
    v8::Local<v8::Value> value;
    if (!revive->Call(bridge.context(), v8::Undefined(bridge.isolate), 3, arguments)
             .ToLocal(&value))
      return {};
    if (!value->IsObject()) {
      bridge.throwTypeError("Unable to deserialize cloned data.");
      return {};
    }
    return value.As<v8::Object>();
  }

private:
  Bridge& bridge;
  v8::Local<v8::Function> revive;
  v8::Local<v8::Array> caps;
  v8::ValueDeserializer deserializer;
};

CapKind kindFromName(kj::StringPtr kind) {
  if (kind == "object") return CapKind::OBJECT;
  if (kind == "entrypoint") return CapKind::ENTRYPOINT;
  if (kind == "source") return CapKind::SOURCE;
  if (kind == "sink") return CapKind::SINK;
  KJ_FAIL_REQUIRE("unknown kind of capability", kind);
}

void newRef(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsUint32());
  info.GetReturnValue().Set(wrapRef(bridge, info[0].As<v8::Uint32>()->Value(), info[1]));
}

void encode(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsArray() && info[2]->IsArray());
  Writer writer(bridge);
  KJ_IF_MAYBE (bytes, writer.write(info[0])) {
    auto encoded = kj::refcounted<Encoded>();
    encoded->bytes = kj::mv(*bytes);
    auto caps = info[1].As<v8::Array>();
    auto kinds = info[2].As<v8::Array>();
    auto carried = kj::heapArrayBuilder<Encoded::Carried>(caps->Length());
    for (uint32_t i = 0; i < caps->Length(); ++i) {
      auto& cap = unwrapCap(bridge, caps->Get(bridge.context(), i).ToLocalChecked());
      auto kind = engine::utf8(bridge.isolate, kinds->Get(bridge.context(), i).ToLocalChecked());
      carried.add(Encoded::Carried{kindFromName(kind), cap.take()});
    }
    encoded->caps = carried.finish();
    info.GetReturnValue().Set(wrapEncoded(bridge, kj::mv(encoded)));
  }
}

// Half of the heap for one value; what fits into a message as plain bytes always fits.
uint64_t decodingBudget(Bridge& bridge) {
  return kj::max(uint64_t{2} * schema::MAX_PAYLOAD_BYTES, bridge.runtime.heapBytes() / 2);
}

void decode(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsFunction());
  auto encoded = kj::addRef(unwrapEncoded(bridge, info[0]));
  KJ_DEFER(if (!info[2]->IsTrue()) encoded->letGo());
  switch (scanValue(encoded->bytes, decodingBudget(bridge))) {
    case ValueVerdict::AFFORDABLE:
      break;
    case ValueVerdict::MALFORMED:
      return bridge.throwTypeError("Unable to deserialize cloned data.");
    case ValueVerdict::TOO_COSTLY:
      return bridge.throwTypeError(
          "A value that was received would take too much memory: it has too many objects for one "
          "message. Send it in parts, or as a ReadableStream.");
  }
  Reader reader(bridge, *encoded, info[1].As<v8::Function>());
  v8::Local<v8::Value> value;
  if (reader.read().ToLocal(&value)) info.GetReturnValue().Set(value);
}

void encodedSize(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(static_cast<double>(unwrapEncoded(bridge, info[0]).bytes.size()));
}

void isProxy(Bridge&, const Info& info) { info.GetReturnValue().Set(info[0]->IsProxy()); }

const char* brandOf(v8::Local<v8::Value> value) {
  if (value->IsProxy()) return "Proxy";
  if (value->IsMap()) return "Map";
  if (value->IsSet()) return "Set";
  if (value->IsDate()) return "Date";
  if (value->IsRegExp()) return "RegExp";
  if (value->IsPromise()) return "Promise";
  if (value->IsNativeError()) return "Error";
  if (value->IsTypedArray()) return "TypedArray";
  if (value->IsDataView()) return "DataView";
  if (value->IsArrayBuffer()) return "ArrayBuffer";
  if (value->IsSharedArrayBuffer()) return "SharedArrayBuffer";
  if (value->IsWeakMap()) return "WeakMap";
  if (value->IsWeakSet()) return "WeakSet";
  if (value->IsGeneratorObject()) return "Generator";
  if (value->IsArgumentsObject()) return "Arguments";
  if (value->IsModuleNamespaceObject()) return "Module";
  if (value->IsNumberObject()) return "Number";
  if (value->IsStringObject()) return "String";
  if (value->IsBooleanObject()) return "Boolean";
  if (value->IsBigIntObject()) return "BigInt";
  if (value->IsSymbolObject()) return "Symbol";
  if (value->IsWasmModuleObject()) return "WebAssembly.Module";
  if (value->IsWasmMemoryObject()) return "WebAssembly.Memory";
  if (value->IsMapIterator() || value->IsSetIterator()) return "Iterator";
  if (value->IsArray()) return "Array";
  return "";
}

void brand(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(name(bridge.isolate, brandOf(info[0])));
}

constexpr Operation OPERATIONS[] = {
    {"newRef", operation<newRef>},   {"encode", operation<encode>},
    {"decode", operation<decode>},   {"encodedSize", operation<encodedSize>},
    {"isProxy", operation<isProxy>}, {"brand", operation<brand>},
};

}  // namespace

kj::ArrayPtr<const Operation> valueOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
