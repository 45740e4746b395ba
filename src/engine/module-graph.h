// The modules of one program: compiled from their sources, linked by path, evaluated once.
//
// Contract   evaluate() once. Names are paths in a virtual root; specifiers resolve relative to the importer
//            (spec: docs/architecture.md, "modules"). Every listed module is compiled, only imported ones are
//            evaluated. What import() evaluates later runs as at the start: without an invocation, and without time.
// Trust      Names and sources are the guest's. Limits on their number and size are the sender's.
// Errors     Thrown as JavaScript exceptions; compile and link errors carry their position in the message
//            (see describeUncaught).
#pragma once

#include <kj/array.h>
#include <kj/map.h>
#include <kj/string.h>
#include <kj/vector.h>
#include <v8.h>

#include "engine/runtime.h"

namespace mayfly::engine {

class ModuleGraph {
public:
  enum class Kind { ESM, COMMON_JS, TEXT, JSON, DATA, WASM };

  struct Options {
    bool codeGeneration = true;  // whether eval() and Wasm bytes work while modules are evaluated
    bool importAttributes = false;  // whether they are ignored; otherwise they are an error
    v8::Local<v8::Value> frame;     // the async context of code that import() evaluates
  };

  ModuleGraph(Runtime& runtime, Options options);
  ~ModuleGraph();
  KJ_DISALLOW_COPY_AND_MOVE(ModuleGraph);

  // A module that the runtime provides, such as `cloudflare:workers`: its exports are the own properties of `exports`.
  void addBuiltin(kj::StringPtr name, v8::Local<v8::Object> exports);

  // One of the program's modules. `body`: a string, or an ArrayBuffer for DATA and WASM. False if an exception was
  // thrown: the name leaves the root or was added before.
  bool add(kj::StringPtr name, Kind kind, v8::Local<v8::Value> body);

  struct Evaluated {
    v8::Local<v8::Object> exports;   // the namespace of the main module
    v8::Local<v8::Promise> settled;  // pending while top-level await is
  };

  // Compiles all modules, links and evaluates `mainModule`. Empty if a JavaScript exception was thrown.
  kj::Maybe<Evaluated> evaluate(kj::StringPtr mainModule);

private:
  struct Entry {
    kj::String name;
    Kind kind;
    v8::Global<v8::Value> body;     // source; for built-ins the exports object
    v8::Global<v8::Module> module;  // empty until compiled
    v8::Global<v8::Value> value;    // of a synthetic module, once known; the `module` of CommonJS
    bool builtin = false;
  };

  bool compile(Entry& entry);
  v8::MaybeLocal<v8::Value> syntheticValue(Entry& entry);
  v8::MaybeLocal<v8::Value> runCommonJs(Entry& entry);
  kj::Maybe<Entry&> resolve(kj::StringPtr specifier, kj::StringPtr referrer);
  kj::Maybe<Entry&> entryOf(v8::Local<v8::Module> module);
  enum class Road { IMPORT, CALL };  // an import statement, or import() and require()
  kj::Maybe<Entry&> findOrThrow(kj::StringPtr specifier, kj::StringPtr referrer, Road road);
  // What an import statement of `referrer` names. Null: an exception is pending.
  kj::Maybe<Entry&> findImport(v8::Local<v8::String> specifier,
                               v8::Local<v8::FixedArray> attributes,
                               v8::Local<v8::Module> referrer);
  bool attributesAllowed(v8::Local<v8::FixedArray> attributes);
  v8::MaybeLocal<v8::Value> compileWasm(v8::Local<v8::ArrayBuffer> bytes);
  v8::MaybeLocal<v8::Value> requireModule(Entry& entry);
  v8::MaybeLocal<v8::Value> evaluateLate(v8::Local<v8::Module> module);

  static v8::MaybeLocal<v8::Module> onResolve(v8::Local<v8::Context>, v8::Local<v8::String>,
                                              v8::Local<v8::FixedArray>, v8::Local<v8::Module>);
  static v8::MaybeLocal<v8::Object> onResolveSource(v8::Local<v8::Context>, v8::Local<v8::String>,
                                                    v8::Local<v8::FixedArray>,
                                                    v8::Local<v8::Module>);
  static v8::MaybeLocal<v8::Value> onSynthetic(v8::Local<v8::Context>, v8::Local<v8::Module>);
  static v8::MaybeLocal<v8::Promise> onDynamicImport(v8::Local<v8::Context>, v8::Local<v8::Data>,
                                                     v8::Local<v8::Value>, v8::Local<v8::String>,
                                                     v8::Local<v8::FixedArray>);
  static v8::MaybeLocal<v8::Promise> onPhaseImport(v8::Local<v8::Context>, v8::Local<v8::Data>,
                                                   v8::Local<v8::Value>, v8::Local<v8::String>,
                                                   v8::ModuleImportPhase,
                                                   v8::Local<v8::FixedArray>);
  static void onRequire(const v8::FunctionCallbackInfo<v8::Value>& info);
  static ModuleGraph& current(v8::Isolate* isolate);

  Runtime& runtime;
  v8::Isolate* isolate;
  bool codeGeneration;
  bool importAttributes;
  v8::Global<v8::Value> frame;
  kj::HashMap<kj::String, kj::Own<Entry>> entries;
  kj::Vector<Entry*> order;  // as listed by the program
  kj::HashMap<int, kj::Vector<Entry*>> byHash;
};

// Where `specifier` leads from `referrer`, e.g. ("../x.js", "lib/a.js") → "x.js". None if it leaves the root.
kj::Maybe<kj::String> resolvePath(kj::StringPtr specifier, kj::StringPtr referrer);

}  // namespace mayfly::engine
