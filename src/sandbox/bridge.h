// The bridge between JavaScript and the event loop: promises both ways, native operations, handles.
//
// Contract   One per process. Before the fork only `operations()` is used; openLoop() comes after it.
// Threads    The sandbox's only one.
// Trust      Arguments of native operations come from our built-ins, which guest code shares a context with:
//            every operation checks types before it uses them.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <kj/map.h>
#include <v8.h>

#include "engine/runtime.h"
#include "engine/text.h"
#include "schema/host.capnp.h"
#include "zygote/control-protocol.h"

namespace mayfly::sandbox {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// What a JavaScript promise came to.
struct Outcome {
  bool fulfilled;
  v8::Global<v8::Value> value;
};

class Bridge final : private kj::TaskSet::ErrorHandler {
public:
  explicit Bridge(engine::Runtime& runtime);

  engine::Runtime& runtime;
  v8::Isolate* const isolate;
  v8::Local<v8::Context> context() { return runtime.context(); }

  static Bridge& from(v8::Isolate* isolate) { return *static_cast<Bridge*>(isolate->GetData(3)); }

  // The event loop, once the child has one.
  void openLoop(kj::AsyncIoContext& io, zygote::Role role, schema::Host::Client host,
                capnp::TwoPartyVatNetwork& hostNetwork);
  kj::Timer& timer() { return ioContext().provider->getTimer(); }
  kj::AsyncIoContext& ioContext() { return KJ_ASSERT_NONNULL(io); }
  schema::Host::Client& host() { return KJ_ASSERT_NONNULL(hostClient); }

  // Sends a line to the operator; whenLogged() resolves once all lines so far have arrived there.
  void log(schema::LogLevel level, kj::StringPtr message);
  kj::Promise<void> whenLogged();

  // Resolves once all messages to the supervisor have left this process. The connection writes when everything that is
  // ready to run has run, and what runs next may never end.
  kj::Promise<void> whenHostMessagesLeft();

  // JavaScript's timers that have not fired, and the clock's origin: the program's start.
  kj::HashMap<uint32_t, kj::Promise<void>> timers;
  uint32_t nextTimer = 1;
  kj::Maybe<kj::TimePoint> timeOrigin;
  zygote::Role role() { return ownRole; }

  // The Entry (ops.ts) that the built-ins provide when they are evaluated: our way into them.
  void setEntry(v8::Local<v8::Object> object) { entry.Reset(isolate, object); }
  bool hasEntry() { return !entry.IsEmpty(); }

  // Calls `entry[name](…arguments)` or `object[name](…arguments)`. Empty if it threw; the exception is pending.
  v8::MaybeLocal<v8::Value> callEntry(kj::StringPtr name,
                                      kj::ArrayPtr<v8::Local<v8::Value>> arguments);
  v8::MaybeLocal<v8::Value> callMethod(v8::Local<v8::Object> object, kj::StringPtr name,
                                       kj::ArrayPtr<v8::Local<v8::Value>> arguments);

  // A KJ promise as a JavaScript promise. `convert` runs inside a Turn and makes the value; a KJ exception
  // becomes a rejection with a Disconnect (ops.ts).
  template <typename T, typename Convert>
  v8::Local<v8::Promise> toJs(kj::Promise<T> promise, Convert convert);

  // A JavaScript promise (or plain value) as a KJ promise.
  kj::Promise<Outcome> fromJs(v8::Local<v8::Value> value);

  // Runs until it is done or the process ends.
  void detach(kj::Promise<void> task) { tasks.add(kj::mv(task)); }

  // Calls `object[name]()` in a Turn of its own, soon. For news that arrives while JavaScript may be running.
  void notifyLater(v8::Global<v8::Object> object, kj::StringPtr name);

  v8::Local<v8::Value> disconnect(const kj::Exception& exception);
  void throwJs(const kj::Exception& exception) { isolate->ThrowException(disconnect(exception)); }
  void throwTypeError(kj::StringPtr message) {
    isolate->ThrowException(v8::Exception::TypeError(engine::text(isolate, message)));
  }

  // The shape of Cap, Encoded and Ref objects (handles.h).
  v8::Local<v8::ObjectTemplate> handleShape() { return handleShapeHandle.Get(isolate); }

private:
  void taskFailed(kj::Exception&& exception) override;
  v8::Local<v8::Promise::Resolver> newResolver();
  void settle(v8::Global<v8::Promise::Resolver>& resolver, bool fulfil, v8::Local<v8::Value> value);

  v8::Global<v8::Object> entry;
  v8::Global<v8::ObjectTemplate> handleShapeHandle;
  kj::Maybe<kj::AsyncIoContext&> io;
  kj::Maybe<schema::Host::Client> hostClient;
  kj::Maybe<capnp::TwoPartyVatNetwork&> hostNetwork;
  zygote::Role ownRole = zygote::Role::DYNAMIC;
  kj::Maybe<kj::ForkedPromise<void>> lastLine;
  kj::TaskSet tasks;
};

template <typename T, typename Convert>
v8::Local<v8::Promise> Bridge::toJs(kj::Promise<T> promise, Convert convert) {
  auto resolver = newResolver();
  auto result = resolver->GetPromise();
  auto shared = kj::heap<v8::Global<v8::Promise::Resolver>>(isolate, resolver);
  auto& global = *shared;
  if constexpr (std::is_void_v<T>) {
    detach(promise
               .then(
                   [this, &global, convert = kj::mv(convert)]() mutable {
                     engine::Turn turn(runtime);
                     settle(global, true, convert());
                   },
                   [this, &global](kj::Exception&& e) {
                     engine::Turn turn(runtime);
                     settle(global, false, disconnect(e));
                   })
               .attach(kj::mv(shared)));
  } else {
    detach(promise
               .then(
                   [this, &global, convert = kj::mv(convert)](T&& value) mutable {
                     engine::Turn turn(runtime);
                     settle(global, true, convert(kj::mv(value)));
                   },
                   [this, &global](kj::Exception&& e) {
                     engine::Turn turn(runtime);
                     settle(global, false, disconnect(e));
                   })
               .attach(kj::mv(shared)));
  }
  return result;
}

// Native operations: name and callback. Each ops-*.cc has one table.
struct Operation {
  const char* name;
  v8::FunctionCallback callback;
};

// Wraps an operation so that a KJ exception becomes a JavaScript one.
template <void (*F)(Bridge&, const Info&)>
void operation(const Info& info) {
  auto& bridge = Bridge::from(info.GetIsolate());
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&] { F(bridge, info); })) {
    bridge.throwJs(*exception);
  }
}

kj::ArrayPtr<const Operation> valueOperations();
kj::ArrayPtr<const Operation> capabilityOperations();
kj::ArrayPtr<const Operation> socketOperations();
kj::ArrayPtr<const Operation> remoteClassOperations();
kj::ArrayPtr<const Operation> loaderOperations();
kj::ArrayPtr<const Operation> moduleOperations();
kj::ArrayPtr<const Operation> timeOperations();
kj::ArrayPtr<const Operation> textOperations();
kj::ArrayPtr<const Operation> cryptoOperations();
kj::ArrayPtr<const Operation> encodingOperations();

}  // namespace mayfly::sandbox
