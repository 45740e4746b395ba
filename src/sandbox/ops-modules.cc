// Programs and built-ins: the module graph of a program, and the way into our own code.

#include <kj/debug.h>
#include <unistd.h>

#include "engine/module-graph.h"
#include "engine/stripper-wasm.h"
#include "sandbox/reply.h"
#include "zygote/control-protocol.h"

namespace mayfly::sandbox {

namespace {

using engine::ModuleGraph;

ModuleGraph::Kind kindFromName(kj::StringPtr kind) {
  if (kind == "esm") return ModuleGraph::Kind::ESM;
  if (kind == "commonJs") return ModuleGraph::Kind::COMMON_JS;
  if (kind == "text") return ModuleGraph::Kind::TEXT;
  if (kind == "json") return ModuleGraph::Kind::JSON;
  if (kind == "data") return ModuleGraph::Kind::DATA;
  if (kind == "wasm") return ModuleGraph::Kind::WASM;
  KJ_FAIL_REQUIRE("unknown kind of module", kind);
}

// evaluateModules(mainModule, modules: { name, kind, body }[], builtins: Record<string, object>,
//                 { codeGeneration, importAttributes, frame })
//   → { exports, settled: Promise } or { failed: the thrown value, where: string }
void evaluateModules(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsArray() && info[2]->IsObject() && info[3]->IsObject());
  auto options = info[3].As<v8::Object>();
  // A sandbox has one program, and its modules stay until the process ends: import() may come at any time.
  auto& graph = *new ModuleGraph(
      bridge.runtime, {.codeGeneration = getField(bridge, options, "codeGeneration")->IsTrue(),
                       .importAttributes = getField(bridge, options, "importAttributes")->IsTrue(),
                       .frame = getField(bridge, options, "frame")});

  auto builtins = info[2].As<v8::Object>();
  auto names = builtins->GetOwnPropertyNames(bridge.context()).ToLocalChecked();
  for (uint32_t i = 0; i < names->Length(); ++i) {
    auto name = engine::utf8(bridge.isolate, names->Get(bridge.context(), i).ToLocalChecked());
    graph.addBuiltin(name, getField(bridge, builtins, name).As<v8::Object>());
  }
  auto modules = info[1].As<v8::Array>();
  auto result = v8::Object::New(bridge.isolate);
  v8::TryCatch tryCatch(bridge.isolate);
  bool added = true;
  for (uint32_t i = 0; i < modules->Length() && added; ++i) {
    auto module = modules->Get(bridge.context(), i).ToLocalChecked().As<v8::Object>();
    added =
        graph.add(getText(bridge, module, "name"), kindFromName(getText(bridge, module, "kind")),
                  getField(bridge, module, "body"));
  }
  kj::Maybe<ModuleGraph::Evaluated> outcome;
  if (added) outcome = graph.evaluate(engine::utf8(bridge.isolate, info[0]));
  KJ_IF_MAYBE (evaluated, outcome) {
    setField(bridge, result, "exports", evaluated->exports);
    setField(bridge, result, "settled", evaluated->settled);
  } else {
    KJ_REQUIRE(tryCatch.HasCaught() && !tryCatch.HasTerminated(), "JavaScript was terminated");
    setField(bridge, result, "failed", tryCatch.Exception());
    setField(bridge, result, "where",
             engine::text(bridge.isolate, engine::positionOf(bridge.isolate, tryCatch.Message())));
  }
  info.GetReturnValue().Set(result);
}

// Whether `source` parses as an ES module: picks the reading of a snippet. Returns null or what is wrong.
void syntaxError(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsString() && info[1]->IsString());
  v8::TryCatch tryCatch(bridge.isolate);
  v8::ScriptOrigin origin(info[0], 0, 0, false, -1, {}, false, false, /*is_module=*/true);
  v8::ScriptCompiler::Source source(info[1].As<v8::String>(), origin);
  if (!v8::ScriptCompiler::CompileModule(bridge.isolate, &source).IsEmpty()) {
    info.GetReturnValue().SetNull();
  } else {
    info.GetReturnValue().Set(
        engine::text(bridge.isolate, engine::describeUncaught(bridge.isolate, tryCatch)));
  }
}

// "\n  at main.js:3:7": where V8 saw an error being made or thrown, if that is in the program.
void errorPosition(Bridge& bridge, const Info& info) {
  auto message = v8::Exception::CreateMessage(bridge.isolate, info[0]);
  info.GetReturnValue().Set(
      engine::text(bridge.isolate, engine::positionOf(bridge.isolate, message)));
}

void runMicrotasks(Bridge& bridge, const Info&) { bridge.isolate->PerformMicrotaskCheckpoint(); }

// The bytes that a WebAssembly.Module was compiled from.
void wasmBytes(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsWasmModuleObject());
  auto module = info[0].As<v8::WasmModuleObject>()->GetCompiledModule();
  auto bytes = module.GetWireBytesRef();
  info.GetReturnValue().Set(newBytes(bridge, kj::arrayPtr(bytes.data(), bytes.size())));
}

void provideEntry(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsObject());
  bridge.setEntry(info[0].As<v8::Object>());
}

void stripperWasm(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(newBytes(bridge, kj::arrayPtr(STRIPPER_WASM, STRIPPER_WASM_SIZE)));
}

void forbidCodeGeneration(Bridge& bridge, const Info&) { bridge.runtime.forbidCodeGeneration(); }

void abortIsolate(Bridge&, const Info&) { _exit(zygote::EXIT_ISOLATE_ABORTED); }

constexpr Operation OPERATIONS[] = {
    {"evaluateModules", operation<evaluateModules>},
    {"errorPosition", operation<errorPosition>},
    {"runMicrotasks", operation<runMicrotasks>},
    {"wasmBytes", operation<wasmBytes>},
    {"provideEntry", operation<provideEntry>},
    {"syntaxError", operation<syntaxError>},
    {"stripperWasm", operation<stripperWasm>},
    {"forbidCodeGeneration", operation<forbidCodeGeneration>},
    {"abortIsolate", operation<abortIsolate>},
};

}  // namespace

kj::ArrayPtr<const Operation> moduleOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
