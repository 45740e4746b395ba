// Native objects in JavaScript's hands: Cap, Encoded, Ref, Codec (builtins/internal/ops.ts).
//
// Ownership  The JavaScript object owns the native one and lets go when it is collected, or at once by capDrop().
// Trust      unwrap functions check the brand: a wrong argument is a TypeError, never a wild pointer.
#pragma once

#include <capnp/capability.h>
#include <kj/array.h>
#include <kj/refcount.h>
#include <v8.h>

#include "sandbox/bridge.h"
#include "sandbox/content-codec.h"
#include "schema/value.capnp.h"

namespace mayfly::sandbox {

enum class CapKind : uint8_t {
  OBJECT,
  ENTRYPOINT,
  SOURCE,
  SINK,
  MESSAGES,
  TLS,
  LOADER,
  LEASE,
  BLANK,
  WORKER
};

// A capability and what interface it is of. Empty once dropped.
struct Cap {
  CapKind kind;
  kj::Maybe<capnp::Capability::Client> client;
  kj::Own<void> attachment = {};  // what must live as long, such as the connection it came from
  kj::Own<kj::Canceler> calls =
      {};  // that are given up with the handle; made by endingWithHandle()

  // `call`, until the handle is dropped.
  template <typename T>
  kj::Promise<T> endingWithHandle(kj::Promise<T> call) {
    if (calls.get() == nullptr) calls = kj::heap<kj::Canceler>();
    return calls->wrap(kj::mv(call));
  }

  // The capability, leaving none behind.
  capnp::Capability::Client take() {
    auto taken = kj::mv(KJ_REQUIRE_NONNULL(client, "the stub has been disposed"));
    client = nullptr;
    return taken;
  }

  template <typename Interface>
  typename Interface::Client as() {
    return KJ_REQUIRE_NONNULL(client, "the stub has been disposed").castAs<Interface>();
  }
};

v8::Local<v8::Object> wrapCap(Bridge& bridge, CapKind kind, capnp::Capability::Client client,
                              kj::Own<void> attachment = {});
Cap& unwrapCap(Bridge& bridge,
               v8::Local<v8::Value> value);  // throws kj::Exception if it is not one

// One encoded JavaScript value. Its capabilities are let go of when it has been sent or decoded for good: JavaScript
// may hold the handle for long, and whoever exports an object waits for the last reference to go.
struct Encoded final : kj::Refcounted {
  struct Carried {
    CapKind kind;
    capnp::Capability::Client client;
  };
  kj::Array<const kj::byte> bytes;
  kj::Array<Carried> caps;

  static kj::Own<Encoded> read(schema::Payload::Reader payload);
  // Reads `payload` where it lies: values may be large. Before the message goes, keep() what is still needed.
  static kj::Own<Encoded> borrow(schema::Payload::Reader payload);
  void keep();

  void write(schema::Payload::Builder payload);
  void letGo() {
    bytes = nullptr;
    caps = nullptr;
    borrowed = false;
  }

  bool borrowed = false;
};

v8::Local<v8::Object> wrapEncoded(Bridge& bridge, kj::Own<Encoded> encoded);
Encoded& unwrapEncoded(Bridge& bridge, v8::Local<v8::Value> value);

// A host object inside a value being encoded.
v8::Local<v8::Object> wrapRef(Bridge& bridge, uint32_t tag, v8::Local<v8::Value> content);
struct Ref {
  uint32_t tag;
  v8::Local<v8::Value> content;
};
kj::Maybe<Ref> findRef(Bridge& bridge, v8::Local<v8::Object> object);

v8::Local<v8::Object> wrapCodec(Bridge& bridge, kj::Own<ContentCodec> codec);
ContentCodec& unwrapCodec(Bridge& bridge, v8::Local<v8::Value> value);

constexpr int HANDLE_FIELDS = 3;  // brand, content, extra

}  // namespace mayfly::sandbox
