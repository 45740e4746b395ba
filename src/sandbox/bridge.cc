#include "sandbox/bridge.h"

#include <kj/debug.h>

#include "sandbox/handles.h"

namespace mayfly::sandbox {

using engine::name;
using engine::text;

Bridge::Bridge(engine::Runtime& runtime)
    : runtime(runtime), isolate(runtime.isolate()), tasks(*this) {
  isolate->SetData(3, this);
  engine::Turn turn(runtime);
  auto shape = v8::ObjectTemplate::New(isolate);
  shape->SetInternalFieldCount(HANDLE_FIELDS);
  handleShapeHandle.Reset(isolate, shape);
}

void Bridge::openLoop(kj::AsyncIoContext& context, zygote::Role role, schema::Host::Client host,
                      capnp::TwoPartyVatNetwork& network) {
  hostNetwork = network;
  io = context;
  ownRole = role;
  hostClient = kj::mv(host);
}

void Bridge::taskFailed(kj::Exception&& exception) {
  // Tasks answer for their own failures; what arrives here is a bug of ours. The operator should see it.
  log(schema::LogLevel::ERROR, kj::str("internal: ", exception.getDescription()));
}

void Bridge::log(schema::LogLevel level, kj::StringPtr message) {
  auto request = host().logRequest();
  request.setLevel(level);
  request.setMessage(message);
  auto sent = request.send().ignoreResult().catch_([](kj::Exception&&) {}).fork();
  detach(sent.addBranch());
  lastLine = kj::mv(sent);
}

kj::Promise<void> Bridge::whenHostMessagesLeft() {
  // A timer fires when the loop has asked the kernel for news, which it does only after everything else, the connection's own
  // last turn included. Bounded: a supervisor that does not read is no reason to wait here.
  for (int turn = 0; turn < 8 && KJ_ASSERT_NONNULL(hostNetwork).getCurrentQueueSize() > 0; ++turn)
    co_await timer().afterDelay(0 * kj::SECONDS);
}

kj::Promise<void> Bridge::whenLogged() {
  KJ_IF_MAYBE (line, lastLine) return line->addBranch();
  return kj::READY_NOW;
}

v8::MaybeLocal<v8::Value> Bridge::callEntry(kj::StringPtr name,
                                            kj::ArrayPtr<v8::Local<v8::Value>> arguments) {
  return callMethod(entry.Get(isolate), name, arguments);
}

v8::MaybeLocal<v8::Value> Bridge::callMethod(v8::Local<v8::Object> object, kj::StringPtr methodName,
                                             kj::ArrayPtr<v8::Local<v8::Value>> arguments) {
  v8::Local<v8::Value> method;
  if (!object->Get(context(), name(isolate, methodName)).ToLocal(&method)) return {};
  KJ_REQUIRE(method->IsFunction(), "built-ins lack a handler", methodName);
  return method.As<v8::Function>()->Call(context(), object, static_cast<int>(arguments.size()),
                                         arguments.begin());
}

v8::Local<v8::Promise::Resolver> Bridge::newResolver() {
  return v8::Promise::Resolver::New(context()).ToLocalChecked();
}

void Bridge::settle(v8::Global<v8::Promise::Resolver>& resolver, bool fulfil,
                    v8::Local<v8::Value> value) {
  auto local = resolver.Get(isolate);
  (fulfil ? local->Resolve(context(), value) : local->Reject(context(), value)).Check();
}

v8::Local<v8::Value> Bridge::disconnect(const kj::Exception& exception) {
  auto error = v8::Exception::Error(text(isolate, exception.getDescription())).As<v8::Object>();
  const char* type = "failed";
  switch (exception.getType()) {
    case kj::Exception::Type::FAILED:
      type = "failed";
      break;
    case kj::Exception::Type::OVERLOADED:
      type = "overloaded";
      break;
    case kj::Exception::Type::DISCONNECTED:
      type = "disconnected";
      break;
    case kj::Exception::Type::UNIMPLEMENTED:
      type = "unimplemented";
      break;
  }
  error->CreateDataProperty(context(), name(isolate, "disconnect"), text(isolate, type)).Check();
  return error;
}

namespace {

// Settles one Outcome; freed by whichever of its two callbacks comes first.
struct Settler {
  kj::Own<kj::PromiseFulfiller<Outcome>> fulfiller;

  template <bool FULFILLED>
  static void callback(const Info& info) {
    auto settler = static_cast<Settler*>(info.Data().As<v8::External>()->Value());
    settler->fulfiller->fulfill(
        Outcome{FULFILLED, v8::Global<v8::Value>(info.GetIsolate(), info[0])});
    delete settler;
  }
};

}  // namespace

kj::Promise<Outcome> Bridge::fromJs(v8::Local<v8::Value> value) {
  if (!value->IsPromise()) return Outcome{true, v8::Global<v8::Value>(isolate, value)};
  auto promise = value.As<v8::Promise>();
  if (promise->State() == v8::Promise::kFulfilled) {
    return Outcome{true, v8::Global<v8::Value>(isolate, promise->Result())};
  }
  auto pair = kj::newPromiseAndFulfiller<Outcome>();
  auto data = v8::External::New(isolate, new Settler{kj::mv(pair.fulfiller)});
  auto yes = v8::Function::New(context(), Settler::callback<true>, data, 1,
                               v8::ConstructorBehavior::kThrow);
  auto no = v8::Function::New(context(), Settler::callback<false>, data, 1,
                              v8::ConstructorBehavior::kThrow);
  KJ_REQUIRE(!promise->Then(context(), yes.ToLocalChecked(), no.ToLocalChecked()).IsEmpty(),
             "terminated");
  return kj::mv(pair.promise);
}

void Bridge::notifyLater(v8::Global<v8::Object> object, kj::StringPtr methodName) {
  detach(kj::evalLater([this, object = kj::mv(object), methodName]() mutable {
    engine::Turn turn(runtime);
    v8::TryCatch tryCatch(isolate);
    if (callMethod(object.Get(isolate), methodName, nullptr).IsEmpty()) {
      KJ_LOG(ERROR, "a built-in handler threw", methodName,
             engine::describeUncaught(isolate, tryCatch));
    }
  }));
}

}  // namespace mayfly::sandbox
