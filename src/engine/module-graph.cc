#include "engine/module-graph.h"

#include <kj/debug.h>

#include "engine/text.h"

namespace mayfly::engine {

namespace {

constexpr int GRAPH_SLOT = 2;  // isolate data slot

void throwError(v8::Isolate* isolate, kj::StringPtr message, bool typeError = false) {
  auto string = text(isolate, message);
  isolate->ThrowException(typeError ? v8::Exception::TypeError(string)
                                    : v8::Exception::Error(string));
}

bool hasScheme(kj::StringPtr specifier) {
  return specifier.startsWith("node:") || specifier.startsWith("cloudflare:") ||
         specifier.startsWith("workerd:") || specifier.startsWith("mayfly:");
}

}  // namespace

kj::Maybe<kj::String> resolvePath(kj::StringPtr specifier, kj::StringPtr referrer) {
  kj::Vector<kj::ArrayPtr<const char>> parts;
  auto append = [&](kj::ArrayPtr<const char> path) {
    size_t start = 0;
    for (size_t i = 0; i <= path.size(); ++i) {
      if (i < path.size() && path[i] != '/') continue;
      auto part = path.slice(start, i);
      start = i + 1;
      if (part.size() == 0 || part == "."_kj.asArray()) continue;
      if (part == ".."_kj.asArray()) {
        if (parts.empty()) return false;
        parts.removeLast();
      } else {
        parts.add(part);
      }
    }
    return true;
  };
  if (!specifier.startsWith("/")) {
    KJ_IF_MAYBE (slash, referrer.findLast('/')) {
      append(referrer.slice(0, *slash));
    }
  }
  if (!append(specifier.asArray())) return nullptr;
  return kj::strArray(parts, "/");
}

namespace {

kj::String resolvedName(kj::StringPtr specifier, kj::StringPtr referrer) {
  if (!hasScheme(specifier)) {
    KJ_IF_MAYBE (path, resolvePath(specifier, referrer))
      return path->size() == 0 ? kj::str(".") : kj::mv(*path);
  }
  return kj::str(specifier);
}

}  // namespace

ModuleGraph::ModuleGraph(Runtime& runtime, Options options)
    : runtime(runtime),
      isolate(runtime.isolate()),
      codeGeneration(options.codeGeneration),
      importAttributes(options.importAttributes) {
  if (!options.frame.IsEmpty()) frame.Reset(isolate, options.frame);
  isolate->SetData(GRAPH_SLOT, this);
  isolate->SetHostImportModuleDynamicallyCallback(onDynamicImport);
  isolate->SetHostImportModuleWithPhaseDynamicallyCallback(onPhaseImport);
}

ModuleGraph::~ModuleGraph() { isolate->SetData(GRAPH_SLOT, nullptr); }

ModuleGraph& ModuleGraph::current(v8::Isolate* isolate) {
  return *static_cast<ModuleGraph*>(isolate->GetData(GRAPH_SLOT));
}

void ModuleGraph::addBuiltin(kj::StringPtr name, v8::Local<v8::Object> exports) {
  auto entry = kj::heap<Entry>();
  entry->name = kj::str(name);
  entry->kind = Kind::JSON;
  entry->builtin = true;
  entry->body.Reset(isolate, exports);
  entries.upsert(kj::str(name), kj::mv(entry));
}

bool ModuleGraph::add(kj::StringPtr given, Kind kind, v8::Local<v8::Value> body) {
  auto path = resolvePath(given, "");
  if (path == nullptr) {
    throwError(isolate, kj::str("Invalid module name \"", given, "\": it leaves the root."), true);
    return false;
  }
  kj::StringPtr name = KJ_ASSERT_NONNULL(path);
  KJ_IF_MAYBE (existing, entries.find(name)) {
    if (!(*existing)->builtin) {
      throwError(isolate, kj::str("Module \"", name, "\" already added to bundle"));
      return false;
    }
  }
  auto entry = kj::heap<Entry>();
  entry->name = kj::str(name);
  entry->kind = kind;
  entry->body.Reset(isolate, body);
  order.add(entry.get());
  // A program's own module shadows a built-in of the same name.
  entries.upsert(kj::str(name), kj::mv(entry),
                 [](kj::Own<Entry>& existing, kj::Own<Entry>&& replacement) {
                   existing = kj::mv(replacement);
                 });
  return true;
}

bool ModuleGraph::compile(Entry& entry) {
  if (!entry.module.IsEmpty()) return true;
  auto context = isolate->GetCurrentContext();
  v8::Local<v8::Module> module;
  if (entry.kind == Kind::ESM) {
    v8::ScriptOrigin origin(text(isolate, entry.name), 0, 0, false, -1, {}, false, false,
                            /*is_module=*/true);
    v8::ScriptCompiler::Source source(entry.body.Get(isolate).As<v8::String>(), origin);
    if (!v8::ScriptCompiler::CompileModule(isolate, &source).ToLocal(&module)) return false;
  } else {
    kj::Vector<v8::Local<v8::String>> exportNames;
    if (entry.builtin) {
      auto names =
          entry.body.Get(isolate).As<v8::Object>()->GetOwnPropertyNames(context).ToLocalChecked();
      for (uint32_t i = 0; i < names->Length(); ++i) {
        exportNames.add(names->Get(context, i).ToLocalChecked().As<v8::String>());
      }
    } else {
      exportNames.add(engine::name(isolate, "default"));
    }
    module = v8::Module::CreateSyntheticModule(
        isolate, text(isolate, entry.name),
        v8::MemorySpan<const v8::Local<v8::String>>(exportNames.begin(), exportNames.size()),
        onSynthetic);
    if (!entry.builtin && entry.kind != Kind::COMMON_JS && syntheticValue(entry).IsEmpty())
      return false;
    if (entry.kind == Kind::COMMON_JS) {
      // Syntax errors of modules that nobody imports fail the start too.
      v8::ScriptOrigin origin(text(isolate, entry.name));
      v8::ScriptCompiler::Source source(entry.body.Get(isolate).As<v8::String>(), origin);
      v8::Local<v8::String> parameters[] = {text(isolate, "exports"), text(isolate, "require"),
                                            text(isolate, "module"), text(isolate, "__filename"),
                                            text(isolate, "__dirname")};
      v8::Local<v8::Function> function;
      if (!v8::ScriptCompiler::CompileFunction(context, &source, 5, parameters).ToLocal(&function))
        return false;
      entry.body.Reset(isolate, function);
    }
  }
  entry.module.Reset(isolate, module);
  byHash
      .findOrCreate(module->GetIdentityHash(),
                    [&] {
                      return kj::HashMap<int, kj::Vector<Entry*>>::Entry{module->GetIdentityHash(),
                                                                         {}};
                    })
      .add(&entry);
  return true;
}

// The program's own Wasm is no generated code, whatever the rules for that are at the moment.
v8::MaybeLocal<v8::Value> ModuleGraph::compileWasm(v8::Local<v8::ArrayBuffer> bytes) {
  auto context = isolate->GetCurrentContext();
  auto store = bytes->GetBackingStore();
  bool allowed = context->IsCodeGenerationFromStringsAllowed();
  context->AllowCodeGenerationFromStrings(true);
  KJ_DEFER(context->AllowCodeGenerationFromStrings(allowed));
  v8::Local<v8::WasmModuleObject> module;
  if (!v8::WasmModuleObject::Compile(
           isolate, {static_cast<const uint8_t*>(store->Data()), store->ByteLength()})
           .ToLocal(&module)) {
    return {};
  }
  return module.As<v8::Value>();
}

v8::MaybeLocal<v8::Value> ModuleGraph::syntheticValue(Entry& entry) {
  auto context = isolate->GetCurrentContext();
  if (!entry.value.IsEmpty()) {
    auto known = entry.value.Get(isolate);
    if (entry.kind != Kind::COMMON_JS) return known;
    // In a cycle too, what `module.exports` is now.
    return known.As<v8::Object>()->Get(context, engine::name(isolate, "exports"));
  }
  auto body = entry.body.Get(isolate);
  v8::Local<v8::Value> value;
  switch (entry.kind) {
    case Kind::ESM:
      KJ_UNREACHABLE;
    case Kind::TEXT:
    case Kind::DATA:
      value = body;
      break;
    case Kind::JSON:
      if (!v8::JSON::Parse(context, body.As<v8::String>()).ToLocal(&value)) return {};
      break;
    case Kind::WASM:
      if (!compileWasm(body.As<v8::ArrayBuffer>()).ToLocal(&value)) return {};
      break;
    case Kind::COMMON_JS:
      return runCommonJs(entry);
  }
  entry.value.Reset(isolate, value);
  return value;
}

v8::MaybeLocal<v8::Value> ModuleGraph::runCommonJs(Entry& entry) {
  auto context = isolate->GetCurrentContext();
  auto module = v8::Object::New(isolate);
  auto exports = v8::Object::New(isolate);
  auto exportsName = engine::name(isolate, "exports");
  kj::String path = kj::str("/", entry.name);
  size_t slash = KJ_ASSERT_NONNULL(path.findLast('/'));
  module->Set(context, engine::name(isolate, "path"), text(isolate, path)).Check();
  module->Set(context, exportsName, exports).Check();
  entry.value.Reset(isolate, module);
  auto require = v8::Function::New(context, onRequire, text(isolate, entry.name)).ToLocalChecked();
  require->SetName(engine::name(isolate, "require"));
  v8::Local<v8::Value> arguments[] = {
      exports, require, module, text(isolate, path),
      text(isolate, path.slice(0, slash == 0 ? 1 : slash).asConst())};
  v8::Local<v8::Value> ignored;
  if (!entry.body.Get(isolate)
           .As<v8::Function>()
           ->Call(context, context->Global(), 5, arguments)
           .ToLocal(&ignored))
    return {};
  return module->Get(context, exportsName);
}

void ModuleGraph::onRequire(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto isolate = info.GetIsolate();
  auto& graph = current(isolate);
  v8::Local<v8::String> given;
  if (info.Length() == 0) {
    throwError(isolate, "require() needs the name of a module.", true);
    return;
  }
  if (!info[0]->ToString(isolate->GetCurrentContext()).ToLocal(&given)) return;
  auto referrer = utf8(isolate, info.Data());
  KJ_IF_MAYBE (entry, graph.findOrThrow(utf8(isolate, given), referrer, Road::CALL)) {
    v8::Local<v8::Value> value;
    if (graph.compile(*entry) && graph.requireModule(*entry).ToLocal(&value)) {
      info.GetReturnValue().Set(value);
    }
  }
}

v8::MaybeLocal<v8::Value> ModuleGraph::requireModule(Entry& entry) {
  if (entry.builtin) return entry.body.Get(isolate);
  if (entry.kind != Kind::ESM) return syntheticValue(entry);
  auto context = isolate->GetCurrentContext();
  auto module = entry.module.Get(isolate);
  if (module->GetStatus() == v8::Module::kUninstantiated &&
      module->InstantiateModule(context, onResolve, onResolveSource).IsNothing()) {
    return {};
  }
  if (module->IsGraphAsync()) {
    throwError(isolate, "Top-level await in module is not permitted at this time.");
    return {};
  }
  if (module->GetStatus() == v8::Module::kInstantiated && module->Evaluate(context).IsEmpty())
    return {};
  if (module->GetStatus() == v8::Module::kErrored) {
    isolate->ThrowException(module->GetException());
    return {};
  }
  auto exports = module->GetModuleNamespace().As<v8::Object>();
  for (auto key : {"module.exports", "default"}) {
    auto property = engine::name(isolate, key);
    if (exports->HasOwnProperty(context, property).FromMaybe(false)) {
      return exports->Get(context, property);
    }
  }
  return v8::Undefined(isolate).As<v8::Value>();
}

kj::Maybe<ModuleGraph::Entry&> ModuleGraph::resolve(kj::StringPtr specifier,
                                                    kj::StringPtr referrer) {
  if (hasScheme(specifier)) {
    return entries.find(specifier).map([](kj::Own<Entry>& entry) -> Entry& { return *entry; });
  }
  KJ_IF_MAYBE (path, resolvePath(specifier, referrer)) {
    return entries.find(*path).map([](kj::Own<Entry>& entry) -> Entry& { return *entry; });
  }
  return nullptr;
}

kj::Maybe<ModuleGraph::Entry&> ModuleGraph::findOrThrow(kj::StringPtr specifier,
                                                        kj::StringPtr referrer, Road road) {
  KJ_IF_MAYBE (entry, resolve(specifier, referrer)) return *entry;
  auto importer =
      road == Road::IMPORT ? kj::str("\n  imported from \"", referrer, "\"") : kj::str();
  if (!hasScheme(specifier) && resolvePath(specifier, referrer) == nullptr) {
    throwError(isolate, kj::str("Invalid module specifier \"", specifier, "\".", importer), true);
  } else {
    throwError(isolate,
               kj::str("No such module \"", resolvedName(specifier, referrer), "\".", importer));
  }
  return nullptr;
}

bool ModuleGraph::attributesAllowed(v8::Local<v8::FixedArray> attributes) {
  if (attributes->Length() == 0 || importAttributes) return true;
  throwError(isolate, "Unrecognized import attributes specified");
  return false;
}

kj::Maybe<ModuleGraph::Entry&> ModuleGraph::entryOf(v8::Local<v8::Module> module) {
  KJ_IF_MAYBE (bucket, byHash.find(module->GetIdentityHash())) {
    for (auto entry : *bucket) {
      if (entry->module == module) return *entry;
    }
  }
  return nullptr;
}

kj::Maybe<ModuleGraph::Entry&> ModuleGraph::findImport(v8::Local<v8::String> specifier,
                                                       v8::Local<v8::FixedArray> attributes,
                                                       v8::Local<v8::Module> referrer) {
  if (!attributesAllowed(attributes)) return nullptr;
  auto& importer = KJ_ASSERT_NONNULL(entryOf(referrer));
  return findOrThrow(utf8(isolate, specifier), importer.name, Road::IMPORT);
}

v8::MaybeLocal<v8::Module> ModuleGraph::onResolve(v8::Local<v8::Context> context,
                                                  v8::Local<v8::String> specifier,
                                                  v8::Local<v8::FixedArray> attributes,
                                                  v8::Local<v8::Module> referrer) {
  auto& graph = current(context->GetIsolate());
  KJ_IF_MAYBE (entry, graph.findImport(specifier, attributes, referrer)) {
    if (!graph.compile(*entry)) return {};
    return entry->module.Get(context->GetIsolate());
  }
  return {};
}

v8::MaybeLocal<v8::Object> ModuleGraph::onResolveSource(v8::Local<v8::Context> context,
                                                        v8::Local<v8::String> specifier,
                                                        v8::Local<v8::FixedArray> attributes,
                                                        v8::Local<v8::Module> referrer) {
  auto isolate = context->GetIsolate();
  auto& graph = current(isolate);
  KJ_IF_MAYBE (found, graph.findImport(specifier, attributes, referrer)) {
    auto& entry = *found;
    v8::Local<v8::Value> value;
    if (!entry.builtin && entry.kind == Kind::WASM) {
      if (!graph.syntheticValue(entry).ToLocal(&value)) return {};
      return value.As<v8::Object>();
    }
    isolate->ThrowException(v8::Exception::SyntaxError(text(
        isolate,
        kj::str("Source phase import not available for module: ", entry.name,
                ".\n  imported from \"", KJ_ASSERT_NONNULL(graph.entryOf(referrer)).name, "\""))));
  }
  return {};
}

v8::MaybeLocal<v8::Value> ModuleGraph::onSynthetic(v8::Local<v8::Context> context,
                                                   v8::Local<v8::Module> module) {
  auto isolate = context->GetIsolate();
  auto& graph = current(isolate);
  auto& entry = KJ_ASSERT_NONNULL(graph.entryOf(module));
  if (entry.builtin) {
    auto exports = entry.body.Get(isolate).As<v8::Object>();
    auto names = exports->GetOwnPropertyNames(context).ToLocalChecked();
    for (uint32_t i = 0; i < names->Length(); ++i) {
      auto key = names->Get(context, i).ToLocalChecked().As<v8::String>();
      v8::Local<v8::Value> value;
      if (!exports->Get(context, key).ToLocal(&value)) return {};
      if (module->SetSyntheticModuleExport(isolate, key, value).IsNothing()) return {};
    }
  } else {
    v8::Local<v8::Value> value;
    if (!graph.syntheticValue(entry).ToLocal(&value)) return {};
    if (module->SetSyntheticModuleExport(isolate, engine::name(isolate, "default"), value)
            .IsNothing())
      return {};
  }
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  resolver->Resolve(context, v8::Undefined(isolate)).Check();
  return resolver->GetPromise().As<v8::Value>();
}

v8::MaybeLocal<v8::Promise> ModuleGraph::onDynamicImport(v8::Local<v8::Context> context,
                                                         v8::Local<v8::Data>,
                                                         v8::Local<v8::Value> resourceName,
                                                         v8::Local<v8::String> specifier,
                                                         v8::Local<v8::FixedArray> attributes) {
  auto isolate = context->GetIsolate();
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  auto graph = static_cast<ModuleGraph*>(isolate->GetData(GRAPH_SLOT));
  v8::TryCatch tryCatch(isolate);
  auto evaluated = [&]() -> v8::MaybeLocal<v8::Value> {
    if (graph == nullptr) {
      throwError(isolate, "import() is not possible here.");
      return {};
    }
    if (!graph->attributesAllowed(attributes)) return {};
    KJ_IF_MAYBE (found, graph->findOrThrow(utf8(isolate, specifier), utf8(isolate, resourceName),
                                           Road::CALL)) {
      auto& entry = *found;
      if (!graph->compile(entry)) return {};
      auto module = entry.module.Get(isolate);
      if (module->GetStatus() == v8::Module::kUninstantiated &&
          module->InstantiateModule(context, onResolve, onResolveSource).IsNothing()) {
        return {};
      }
      v8::Local<v8::Value> done;
      if (!graph->evaluateLate(module).ToLocal(&done)) return {};
      // import() settles with the namespace once top-level await has settled.
      auto whenDone = v8::Function::New(
          context,
          [](const v8::FunctionCallbackInfo<v8::Value>& info) {
            info.GetReturnValue().Set(info.Data());
          },
          module->GetModuleNamespace());
      v8::Local<v8::Promise> chained;
      if (!done.As<v8::Promise>()->Then(context, whenDone.ToLocalChecked()).ToLocal(&chained))
        return {};
      return chained.As<v8::Value>();
    }
    return {};
  }();
  v8::Local<v8::Value> value;
  if (evaluated.ToLocal(&value)) {
    resolver->Resolve(context, value).Check();
  } else {
    resolver
        ->Reject(context, tryCatch.HasCaught() ? tryCatch.Exception()
                                               : v8::Undefined(isolate).As<v8::Value>())
        .Check();
  }
  return resolver->GetPromise();
}

// import.source() and import.defer(): as on the platform, only the statement exists.
v8::MaybeLocal<v8::Promise> ModuleGraph::onPhaseImport(v8::Local<v8::Context> context,
                                                       v8::Local<v8::Data> options,
                                                       v8::Local<v8::Value> resourceName,
                                                       v8::Local<v8::String> specifier,
                                                       v8::ModuleImportPhase phase,
                                                       v8::Local<v8::FixedArray> attributes) {
  if (phase == v8::ModuleImportPhase::kEvaluation)
    return onDynamicImport(context, options, resourceName, specifier, attributes);
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return {};
  auto error = v8::Exception::Error(text(context->GetIsolate(), "Not supported"));
  if (resolver->Reject(context, error).IsNothing()) return {};
  return resolver->GetPromise();
}

// As if it were the start: import() may happen in an invocation, the module's body must not.
v8::MaybeLocal<v8::Value> ModuleGraph::evaluateLate(v8::Local<v8::Module> module) {
  auto context = isolate->GetCurrentContext();
  if (frame.IsEmpty() || module->GetStatus() != v8::Module::kInstantiated)
    return module->Evaluate(context);
  auto caller = isolate->GetContinuationPreservedEmbedderData();
  bool clockWasStopped = runtime.stopClock(true);
  isolate->SetContinuationPreservedEmbedderData(frame.Get(isolate));
  KJ_DEFER({
    isolate->SetContinuationPreservedEmbedderData(caller);
    runtime.stopClock(clockWasStopped);
  });
  return module->Evaluate(context);
}

kj::Maybe<ModuleGraph::Evaluated> ModuleGraph::evaluate(kj::StringPtr mainModule) {
  auto context = isolate->GetCurrentContext();
  for (auto entry : order) {
    if (!compile(*entry)) return nullptr;
  }
  auto path = resolvePath(mainModule, "");
  kj::StringPtr name = path == nullptr ? mainModule : KJ_ASSERT_NONNULL(path).asPtr();
  KJ_IF_MAYBE (found, entries.find(name)) {
    auto& entry = **found;
    if (entry.kind != Kind::ESM) {
      throwError(isolate, "Main module must be an ES module.", true);
      return nullptr;
    }
    auto module = entry.module.Get(isolate);
    if (module->InstantiateModule(context, onResolve, onResolveSource).IsNothing()) return nullptr;
    if (!codeGeneration) runtime.forbidCodeGeneration();
    v8::Local<v8::Value> settled;
    if (!module->Evaluate(context).ToLocal(&settled)) return nullptr;
    return Evaluated{module->GetModuleNamespace().As<v8::Object>(), settled.As<v8::Promise>()};
  }
  throwError(isolate, kj::str("No such module: ", mainModule));
  return nullptr;
}

}  // namespace mayfly::engine
