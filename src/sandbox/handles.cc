#include "sandbox/handles.h"

#include <kj/debug.h>

namespace mayfly::sandbox {

namespace {

// Addresses that tell the classes apart; the alignment is V8's condition for pointers in internal fields.
alignas(8) char capBrand[8];
alignas(8) char encodedBrand[8];
alignas(8) char refBrand[8];
alignas(8) char codecBrand[8];

enum Field { BRAND, CONTENT, EXTRA, COUNT = HANDLE_FIELDS };

// Lives beside the JavaScript object and dies with it.
template <typename T>
struct Owner {
  T native;
  v8::Global<v8::Object> handle;

  static void collected(const v8::WeakCallbackInfo<Owner>& info) {
    info.GetParameter()->handle.Reset();
    // Letting go of a capability sends messages; that is for after the collection.
    info.SetSecondPassCallback(
        [](const v8::WeakCallbackInfo<Owner>& second) { delete second.GetParameter(); });
  }
};

v8::Local<v8::Object> newObject(Bridge& bridge) {
  return bridge.handleShape()->NewInstance(bridge.context()).ToLocalChecked();
}

template <typename T>
v8::Local<v8::Object> wrap(Bridge& bridge, char* brand, T native) {
  auto object = newObject(bridge);
  auto owner = new Owner<T>{kj::mv(native), v8::Global<v8::Object>(bridge.isolate, object)};
  object->SetAlignedPointerInInternalField(BRAND, brand);
  object->SetAlignedPointerInInternalField(CONTENT, owner);
  owner->handle.SetWeak(owner, Owner<T>::collected, v8::WeakCallbackType::kParameter);
  return object;
}

bool hasBrand(v8::Local<v8::Value> value, char* brand) {
  if (!value->IsObject()) return false;
  auto object = value.As<v8::Object>();
  return object->InternalFieldCount() == COUNT &&
         object->GetAlignedPointerFromInternalField(BRAND) == brand;
}

template <typename T>
T& unwrap(v8::Local<v8::Value> value, char* brand, kj::StringPtr what) {
  KJ_REQUIRE(hasBrand(value, brand), "wrong argument of a native operation", what);
  return static_cast<Owner<T>*>(value.As<v8::Object>()->GetAlignedPointerFromInternalField(CONTENT))
      ->native;
}

}  // namespace

v8::Local<v8::Object> wrapCap(Bridge& bridge, CapKind kind, capnp::Capability::Client client,
                              kj::Own<void> attachment) {
  return wrap(bridge, capBrand, Cap{kind, kj::mv(client), kj::mv(attachment)});
}

Cap& unwrapCap(Bridge&, v8::Local<v8::Value> value) { return unwrap<Cap>(value, capBrand, "Cap"); }

v8::Local<v8::Object> wrapEncoded(Bridge& bridge, kj::Own<Encoded> encoded) {
  return wrap(bridge, encodedBrand, kj::mv(encoded));
}

Encoded& unwrapEncoded(Bridge&, v8::Local<v8::Value> value) {
  return *unwrap<kj::Own<Encoded>>(value, encodedBrand, "Encoded");
}

v8::Local<v8::Object> wrapRef(Bridge& bridge, uint32_t tag, v8::Local<v8::Value> content) {
  auto object = newObject(bridge);
  object->SetAlignedPointerInInternalField(BRAND, refBrand);
  object->SetInternalField(CONTENT, content);
  object->SetInternalField(EXTRA, v8::Integer::NewFromUnsigned(bridge.isolate, tag));
  return object;
}

kj::Maybe<Ref> findRef(Bridge&, v8::Local<v8::Object> object) {
  if (!hasBrand(object, refBrand)) return nullptr;
  return Ref{object->GetInternalField(EXTRA).As<v8::Value>().As<v8::Uint32>()->Value(),
             object->GetInternalField(CONTENT).As<v8::Value>()};
}

v8::Local<v8::Object> wrapCodec(Bridge& bridge, kj::Own<ContentCodec> codec) {
  return wrap(bridge, codecBrand, kj::mv(codec));
}

ContentCodec& unwrapCodec(Bridge&, v8::Local<v8::Value> value) {
  return *unwrap<kj::Own<ContentCodec>>(value, codecBrand, "Codec");
}

kj::Own<Encoded> Encoded::read(schema::Payload::Reader payload) {
  auto result = borrow(payload);
  result->keep();
  return result;
}

void Encoded::keep() {
  if (!borrowed) return;
  bytes = kj::heapArray<const kj::byte>(bytes.begin(), bytes.size());
  borrowed = false;
}

kj::Own<Encoded> Encoded::borrow(schema::Payload::Reader payload) {
  auto result = kj::refcounted<Encoded>();
  auto bytes = payload.getBytes();
  result->bytes =
      kj::Array<const kj::byte>(bytes.begin(), bytes.size(), kj::NullArrayDisposer::instance);
  result->borrowed = true;
  auto caps = payload.getCaps();
  auto carried = kj::heapArrayBuilder<Carried>(caps.size());
  for (auto cap : caps) {
    switch (cap.which()) {
      case schema::Cap::OBJECT:
        carried.add(Carried{CapKind::OBJECT, cap.getObject()});
        break;
      case schema::Cap::ENTRYPOINT:
        carried.add(Carried{CapKind::ENTRYPOINT, cap.getEntrypoint()});
        break;
      case schema::Cap::SOURCE:
        carried.add(Carried{CapKind::SOURCE, cap.getSource()});
        break;
      case schema::Cap::SINK:
        carried.add(Carried{CapKind::SINK, cap.getSink()});
        break;
      default:
        KJ_FAIL_REQUIRE("unknown kind of capability in a value");
    }
  }
  result->caps = carried.finish();
  return result;
}

void Encoded::write(schema::Payload::Builder payload) {
  payload.setBytes(bytes);
  if (caps.size() == 0) return;
  auto list = payload.initCaps(caps.size());
  for (auto i : kj::indices(caps)) {
    auto client = caps[i].client;
    switch (caps[i].kind) {
      case CapKind::OBJECT:
        list[i].setObject(client.castAs<schema::JsObject>());
        break;
      case CapKind::ENTRYPOINT:
        list[i].setEntrypoint(client.castAs<schema::Entrypoint>());
        break;
      case CapKind::SOURCE:
        list[i].setSource(client.castAs<schema::ByteSource>());
        break;
      case CapKind::SINK:
        list[i].setSink(client.castAs<schema::ByteSink>());
        break;
      default:
        KJ_FAIL_REQUIRE("this capability does not travel in values");
    }
  }
}

}  // namespace mayfly::sandbox
