#include "sandbox/program.h"

#include <kj/debug.h>

#include "sandbox/reply.h"

namespace mayfly::sandbox {

using engine::text;
using engine::utf8;

namespace {

constexpr uint MAX_FLAGS = 512;
constexpr uint MAX_TAILS = 64;
constexpr uint MAX_MODULES = 10000;

void writeModule(Bridge& bridge, v8::Local<v8::Value> value, schema::Module::Builder builder) {
  KJ_REQUIRE(value->IsObject(), "a module is an object");
  auto object = value.As<v8::Object>();
  builder.setName(getText(bridge, object, "name"));
  auto kind = getText(bridge, object, "kind");
  auto body = getField(bridge, object, "body");
  auto source = [&] { return utf8(bridge.isolate, body); };
  if (kind == "esm")
    builder.setEsm(source());
  else if (kind == "commonJs")
    builder.setCommonJs(source());
  else if (kind == "typeScript")
    builder.setTypeScript(source());
  else if (kind == "text")
    builder.setText(source());
  else if (kind == "json")
    builder.setJson(source());
  else if (kind == "snippet")
    builder.setSnippet(source());
  else if (kind == "data")
    builder.setData(bytesOf(body));
  else if (kind == "wasm")
    builder.setWasm(bytesOf(body));
  else
    KJ_FAIL_REQUIRE("unknown kind of module", kind);
}

v8::Local<v8::Object> moduleFrom(Bridge& bridge, schema::Module::Reader module) {
  auto object = v8::Object::New(bridge.isolate);
  auto set = [&](const char* kind, v8::Local<v8::Value> body) {
    setField(bridge, object, "kind", text(bridge.isolate, kind));
    setField(bridge, object, "body", body);
  };
  auto source = [&](capnp::Text::Reader reader) { return text(bridge.isolate, reader.asArray()); };
  setField(bridge, object, "name", source(module.getName()));
  switch (module.which()) {
    case schema::Module::ESM:
      set("esm", source(module.getEsm()));
      break;
    case schema::Module::COMMON_JS:
      set("commonJs", source(module.getCommonJs()));
      break;
    case schema::Module::TYPE_SCRIPT:
      set("typeScript", source(module.getTypeScript()));
      break;
    case schema::Module::TEXT:
      set("text", source(module.getText()));
      break;
    case schema::Module::JSON:
      set("json", source(module.getJson()));
      break;
    case schema::Module::SNIPPET:
      set("snippet", source(module.getSnippet()));
      break;
    case schema::Module::DATA:
      set("data", newBytes(bridge, module.getData())->Buffer());
      break;
    case schema::Module::WASM:
      set("wasm", newBytes(bridge, module.getWasm())->Buffer());
      break;
    default:
      KJ_FAIL_REQUIRE("unknown kind of module");
  }
  return object;
}

v8::Local<v8::Value> bindingsFrom(Bridge& bridge, capnp::List<schema::Binding>::Reader bindings) {
  auto array = v8::Array::New(bridge.isolate, static_cast<int>(bindings.size()));
  for (auto i : kj::indices(bindings)) {
    auto binding = bindings[i];
    auto object = v8::Object::New(bridge.isolate);
    setField(bridge, object, "name", text(bridge.isolate, binding.getName().asArray()));
    switch (binding.which()) {
      case schema::Binding::JSON:
        setField(bridge, object, "json", text(bridge.isolate, binding.getJson().asArray()));
        break;
      case schema::Binding::LOADER:
        setField(bridge, object, "loader", wrapCap(bridge, CapKind::LOADER, binding.getLoader()));
        setField(bridge, object, "idleMs",
                 v8::Integer::NewFromUnsigned(bridge.isolate, binding.getIdleMs()));
        break;
      case schema::Binding::SERVICE:
        setField(bridge, object, "service",
                 wrapCap(bridge, CapKind::ENTRYPOINT, binding.getService()));
        break;
      default:
        KJ_FAIL_REQUIRE("unknown kind of binding");
    }
    array->Set(bridge.context(), i, object).Check();
  }
  return array;
}

v8::Local<v8::Value> tailsFrom(Bridge& bridge, capnp::List<schema::Entrypoint>::Reader tails) {
  KJ_REQUIRE(tails.size() <= MAX_TAILS, "too many tails", tails.size());
  auto array = v8::Array::New(bridge.isolate, static_cast<int>(tails.size()));
  for (auto i : kj::indices(tails))
    array->Set(bridge.context(), i, wrapCap(bridge, CapKind::ENTRYPOINT, tails[i])).Check();
  return array;
}

}  // namespace

void writeProgram(Bridge& bridge, v8::Local<v8::Object> program, schema::Program::Builder builder) {
  builder.setName(getText(bridge, program, "name"));
  builder.setCompatibilityDate(getText(bridge, program, "compatibilityDate"));
  builder.setMainModule(getText(bridge, program, "mainModule"));

  auto flags = getField(bridge, program, "compatibilityFlags");
  KJ_REQUIRE(flags->IsArray());
  auto flagArray = flags.As<v8::Array>();
  auto flagList = builder.initCompatibilityFlags(flagArray->Length());
  for (uint32_t i = 0; i < flagArray->Length(); ++i) {
    flagList.set(i, utf8(bridge.isolate, flagArray->Get(bridge.context(), i).ToLocalChecked()));
  }

  auto modules = getField(bridge, program, "modules");
  KJ_REQUIRE(modules->IsArray());
  auto moduleArray = modules.As<v8::Array>();
  auto moduleList = builder.initModules(moduleArray->Length());
  for (uint32_t i = 0; i < moduleArray->Length(); ++i) {
    writeModule(bridge, moduleArray->Get(bridge.context(), i).ToLocalChecked(), moduleList[i]);
  }

  auto env = getField(bridge, program, "env");
  if (env->IsObject()) unwrapEncoded(bridge, env).write(builder.getEnv().initValue());

  auto subrequests = getField(bridge, program, "subrequests");
  if (subrequests->IsInt32()) builder.setSubrequests(subrequests.As<v8::Int32>()->Value());

  auto outbound = getField(bridge, program, "outbound");
  if (outbound->IsNull()) {
    builder.getOutbound().setBlocked();
  } else if (outbound->IsString()) {
    builder.getOutbound().setHost();
  } else {
    builder.getOutbound().setInterceptor(unwrapCap(bridge, outbound).as<schema::Entrypoint>());
  }
}

v8::Local<v8::Object> programFrom(Bridge& bridge, schema::Program::Reader program) {
  auto object = v8::Object::New(bridge.isolate);
  auto source = [&](capnp::Text::Reader reader) { return text(bridge.isolate, reader.asArray()); };
  setField(bridge, object, "name", source(program.getName()));
  setField(bridge, object, "compatibilityDate", source(program.getCompatibilityDate()));
  setField(bridge, object, "compatibilityFlags",
           textArray(bridge, program.getCompatibilityFlags(), MAX_FLAGS));
  setField(bridge, object, "mainModule", source(program.getMainModule()));

  auto modules = program.getModules();
  KJ_REQUIRE(modules.size() <= MAX_MODULES, "too many modules", modules.size());
  auto array = v8::Array::New(bridge.isolate, static_cast<int>(modules.size()));
  for (auto i : kj::indices(modules))
    array->Set(bridge.context(), i, moduleFrom(bridge, modules[i])).Check();
  setField(bridge, object, "modules", array);

  v8::Local<v8::Value> env = v8::Null(bridge.isolate);
  v8::Local<v8::Value> bindings = v8::Null(bridge.isolate);
  if (program.getEnv().isValue())
    env = wrapEncoded(bridge, Encoded::read(program.getEnv().getValue()));
  if (program.getEnv().isBindings())
    bindings = bindingsFrom(bridge, program.getEnv().getBindings());
  setField(bridge, object, "env", env);
  setField(bridge, object, "bindings", bindings);

  setField(bridge, object, "subrequests",
           v8::Integer::New(bridge.isolate, program.getSubrequests()));
  auto loaded = program.getLoaded();
  auto range = v8::Object::New(bridge.isolate);
  setField(bridge, range, "subrequests",
           v8::Integer::NewFromUnsigned(bridge.isolate, loaded.getSubrequests()));
  setField(bridge, range, "maxSubrequests",
           v8::Integer::NewFromUnsigned(bridge.isolate, loaded.getMaxSubrequests()));
  setField(bridge, object, "loaded", range);

  v8::Local<v8::Value> outbound = v8::Null(bridge.isolate);
  auto reader = program.getOutbound();
  if (reader.isHost()) outbound = text(bridge.isolate, "host");
  if (reader.isInterceptor())
    outbound = wrapCap(bridge, CapKind::ENTRYPOINT, reader.getInterceptor());
  setField(bridge, object, "outbound", outbound);
  setField(bridge, object, "tails", tailsFrom(bridge, program.getTails()));
  return object;
}

}  // namespace mayfly::sandbox
