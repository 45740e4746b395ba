// Classes whose instances have a remote member under every name: the remoteClass operation of builtins/internal/ops.ts.
//
// V8's interceptors and not Proxies, because programs look at what a stub is made of: `in`, JSON.stringify, own
// properties, prototypes and `new` behave as they do for an object whose prototype answers for every name.

#include <kj/debug.h>

#include "sandbox/bridge.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

v8::MaybeLocal<v8::Value> callHandler(const Info& info, kj::StringPtr method) {
  auto& bridge = Bridge::from(info.GetIsolate());
  v8::LocalVector<v8::Value> given(bridge.isolate, static_cast<size_t>(info.Length()));
  for (int i = 0; i < info.Length(); ++i)
    given[static_cast<size_t>(i)] = info[i];
  v8::Local<v8::Value> arguments[] = {info.This(),
                                      v8::Array::New(bridge.isolate, given.data(), given.size())};
  return bridge.callMethod(info.Data().As<v8::Object>(), method, arguments);
}

// Called, or called with `new`: both reach the remote function.
void applied(const Info& info) {
  v8::Local<v8::Value> value;
  if (callHandler(info, "apply").ToLocal(&value)) info.GetReturnValue().Set(value);
}

void constructed(const Info& info) {
  auto& bridge = Bridge::from(info.GetIsolate());
  auto handlers = info.Data().As<v8::Object>();
  auto construct = getField(bridge, handlers, "construct");
  if (!construct->IsFunction()) return bridge.throwTypeError("Illegal constructor");
  if (!info.IsConstructCall()) {
    return bridge.throwTypeError(kj::str("Failed to construct '", getText(bridge, handlers, "tag"),
                                         "': Please use the 'new' operator, this object "
                                         "constructor cannot be called as a function."));
  }
  // The instance exists already; what it stands for is known afterwards, or this throws.
  (void)callHandler(info, "construct").IsEmpty();
}

v8::Intercepted member(v8::Local<v8::Name> key, const v8::PropertyCallbackInfo<v8::Value>& info) {
  auto& bridge = Bridge::from(info.GetIsolate());
  // The holder and not the receiver: a Proxy around a stub reads its members too.
  v8::Local<v8::Value> arguments[] = {info.HolderV2(), key};
  v8::Local<v8::Value> value;
  if (!bridge.callMethod(info.Data().As<v8::Object>(), "get", arguments).ToLocal(&value))
    return v8::Intercepted::kYes;
  if (value->IsUndefined()) return v8::Intercepted::kNo;
  info.GetReturnValue().Set(value);
  return v8::Intercepted::kYes;
}

// Members are no own properties of an instance …
v8::Intercepted notOwn(v8::Local<v8::Name>, const v8::PropertyCallbackInfo<v8::Integer>&) {
  return v8::Intercepted::kNo;
}

// … but as if inherited: `in` finds them. What is read has been found in the instance before.
v8::Intercepted inherited(v8::Local<v8::Name> key,
                          const v8::PropertyCallbackInfo<v8::Value>& info) {
  if (info.This()->StrictEquals(info.HolderV2())) return v8::Intercepted::kNo;
  if (key->IsString() &&
      key.As<v8::String>()->StringEquals(engine::name(info.GetIsolate(), "then")))
    return v8::Intercepted::kNo;
  info.GetReturnValue().Set(true);
  return v8::Intercepted::kYes;
}

using Shape = v8::Global<v8::ObjectTemplate>;

void make(const Info& info) {
  auto isolate = info.GetIsolate();
  auto& shape = *static_cast<Shape*>(info.Data().As<v8::External>()->Value());
  v8::Local<v8::Object> instance;
  if (shape.Get(isolate)->NewInstance(isolate->GetCurrentContext()).ToLocal(&instance))
    info.GetReturnValue().Set(instance);
}

// remoteClass({ name, tag, construct?, get, apply? }) → { Class, make }
void remoteClass(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsObject());
  auto isolate = bridge.isolate;
  auto handlers = info[0].As<v8::Object>();
  auto maker = v8::FunctionTemplate::New(isolate, constructed, handlers);
  maker->SetClassName(engine::name(isolate, getText(bridge, handlers, "name")).As<v8::String>());
  maker->PrototypeTemplate()->Set(v8::Symbol::GetToStringTag(isolate),
                                  engine::text(isolate, getText(bridge, handlers, "tag")),
                                  v8::PropertyAttribute::DontEnum);
  auto instances = maker->InstanceTemplate();
  // After everything that is really there: what Object.prototype has stays local.
  auto lastAndStrings = static_cast<v8::PropertyHandlerFlags>(
      static_cast<int>(v8::PropertyHandlerFlags::kNonMasking) |
      static_cast<int>(v8::PropertyHandlerFlags::kOnlyInterceptStrings));
  instances->SetHandler(v8::NamedPropertyHandlerConfiguration(member, nullptr, notOwn, nullptr,
                                                              nullptr, handlers, lastAndStrings));
  maker->PrototypeTemplate()->SetHandler(v8::NamedPropertyHandlerConfiguration(
      inherited, nullptr, nullptr, nullptr, nullptr, handlers, lastAndStrings));
  // A field makes it a host object to V8's serializer, which then leaves it to us.
  instances->SetInternalFieldCount(1);
  if (getField(bridge, handlers, "apply")->IsFunction())
    instances->SetCallAsFunctionHandler(applied, handlers);

  // Classes are made once, in the zygote, and stay for good.
  auto shape = new Shape(isolate, instances);
  auto result = v8::Object::New(isolate);
  setField(bridge, result, "Class", maker->GetFunction(bridge.context()).ToLocalChecked());
  setField(bridge, result, "make",
           v8::Function::New(bridge.context(), make, v8::External::New(isolate, shape), 0,
                             v8::ConstructorBehavior::kThrow)
               .ToLocalChecked());
  info.GetReturnValue().Set(result);
}

constexpr Operation OPERATIONS[] = {{"remoteClass", operation<remoteClass>}};

}  // namespace

kj::ArrayPtr<const Operation> remoteClassOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
