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
    KJ_IF_MAYBE (path, resolvePath(specifier, referrer)) return kj::mv(*path);
  }
  return kj::str(specifier);
}

}  // namespace

ModuleGraph::ModuleGraph(v8::Isolate* isolate) : isolate(isolate) {
  isolate->SetData(GRAPH_SLOT, this);
  isolate->SetHostImportModuleDynamicallyCallback(onDynamicImport);
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

void ModuleGraph::add(kj::StringPtr name, Kind kind, v8::Local<v8::Value> body) {
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

v8::MaybeLocal<v8::Value> ModuleGraph::syntheticValue(Entry& entry) {
  if (!entry.value.IsEmpty()) return entry.value.Get(isolate);
  auto context = isolate->GetCurrentContext();
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
    case Kind::WASM: {
      auto store = body.As<v8::ArrayBuffer>()->GetBackingStore();
      v8::Local<v8::WasmModuleObject> module;
      if (!v8::WasmModuleObject::Compile(
               isolate, {static_cast<const uint8_t*>(store->Data()), store->ByteLength()})
               .ToLocal(&module)) {
        return {};
      }
      value = module;
      break;
    }
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
  module->Set(context, exportsName, exports).Check();
  entry.value.Reset(isolate, exports);  // for cycles
  auto require = v8::Function::New(context, onRequire, text(isolate, entry.name)).ToLocalChecked();
  kj::String path = kj::str("/", entry.name);
  size_t slash = KJ_ASSERT_NONNULL(path.findLast('/'));
  v8::Local<v8::Value> arguments[] = {
      exports, require, module, text(isolate, path),
      text(isolate, path.slice(0, slash == 0 ? 1 : slash).asConst())};
  v8::Local<v8::Value> ignored;
  if (!entry.body.Get(isolate)
           .As<v8::Function>()
           ->Call(context, exports, 5, arguments)
           .ToLocal(&ignored))
    return {};
  v8::Local<v8::Value> value;
  if (!module->Get(context, exportsName).ToLocal(&value)) return {};
  entry.value.Reset(isolate, value);
  return value;
}

void ModuleGraph::onRequire(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto isolate = info.GetIsolate();
  auto& graph = current(isolate);
  auto specifier = utf8(isolate, info[0]);
  auto referrer = utf8(isolate, info.Data());
  KJ_IF_MAYBE (found, graph.findOrThrow(specifier, referrer)) {
    auto& entry = *found;
    if (!graph.compile(entry)) return;
    if (entry.kind == Kind::ESM) {
      throwError(isolate, kj::str("require() of the ES module \"", entry.name,
                                  "\" is not supported; use import()."));
      return;
    }
    v8::Local<v8::Value> value;
    if (entry.builtin) {
      info.GetReturnValue().Set(entry.body.Get(isolate));
    } else if (graph.syntheticValue(entry).ToLocal(&value)) {
      info.GetReturnValue().Set(value);
    }
  }
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
                                                        kj::StringPtr referrer) {
  KJ_IF_MAYBE (entry, resolve(specifier, referrer)) return *entry;
  if (!hasScheme(specifier) && resolvePath(specifier, referrer) == nullptr) {
    throwError(isolate,
               kj::str("Invalid module specifier \"", specifier, "\".\n  imported from \"",
                       referrer, "\""),
               true);
  } else {
    throwError(isolate, kj::str("No such module \"", resolvedName(specifier, referrer),
                                "\".\n  imported from \"", referrer, "\""));
  }
  return nullptr;
}

kj::Maybe<ModuleGraph::Entry&> ModuleGraph::entryOf(v8::Local<v8::Module> module) {
  KJ_IF_MAYBE (bucket, byHash.find(module->GetIdentityHash())) {
    for (auto entry : *bucket) {
      if (entry->module == module) return *entry;
    }
  }
  return nullptr;
}

v8::MaybeLocal<v8::Module> ModuleGraph::onResolve(v8::Local<v8::Context> context,
                                                  v8::Local<v8::String> specifier,
                                                  v8::Local<v8::FixedArray> attributes,
                                                  v8::Local<v8::Module> referrer) {
  auto isolate = context->GetIsolate();
  auto& graph = current(isolate);
  if (attributes->Length() > 0) {
    throwError(isolate, "Import attributes are not supported.", true);
    return {};
  }
  auto& importer = KJ_ASSERT_NONNULL(graph.entryOf(referrer));
  KJ_IF_MAYBE (found, graph.findOrThrow(utf8(isolate, specifier), importer.name)) {
    auto& entry = *found;
    if (!graph.compile(entry)) return {};
    return entry.module.Get(isolate);
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
    if (graph == nullptr || attributes->Length() > 0) {
      throwError(isolate, "Import attributes are not supported.", true);
      return {};
    }
    KJ_IF_MAYBE (found, graph->findOrThrow(utf8(isolate, specifier), utf8(isolate, resourceName))) {
      auto& entry = *found;
      if (!graph->compile(entry)) return {};
      auto module = entry.module.Get(isolate);
      if (module->GetStatus() == v8::Module::kUninstantiated &&
          module->InstantiateModule(context, onResolve).IsNothing()) {
        return {};
      }
      v8::Local<v8::Value> done;
      if (!module->Evaluate(context).ToLocal(&done)) return {};
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
    if (module->InstantiateModule(context, onResolve).IsNothing()) return nullptr;
    v8::Local<v8::Value> settled;
    if (!module->Evaluate(context).ToLocal(&settled)) return nullptr;
    return Evaluated{module->GetModuleNamespace().As<v8::Object>(), settled.As<v8::Promise>()};
  }
  throwError(isolate, kj::str("No such module \"", mainModule, "\"."));
  return nullptr;
}

}  // namespace mayfly::engine
