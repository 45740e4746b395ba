// One worker as its configuration file describes it. Plain values, checked by the reader.
#pragma once

#include <kj/array.h>
#include <kj/common.h>
#include <kj/string.h>
#include <kj/vector.h>

#include <cstdint>

#include "config/module-kind.h"

namespace mayfly::config {

struct VariableBinding {  // `vars`, and the lines of `.dev.vars`
  kj::String name;
  kj::String json;  // the value as JSON text: `"abc"`, `{"a":1}`
};

struct LoaderBinding {  // `worker_loaders`
  kj::String name;
};

struct ServiceBinding {   // `services`
  kj::String name;        // `binding`
  kj::String service;     // the `name` of a worker of this project; may be this worker's own
  kj::String entrypoint;  // empty: the default export
  kj::String propsJson;   // a JSON object; empty: none
  kj::String where;       // `file:line`
};

struct TailConsumer {  // `tail_consumers`
  kj::String service;  // the `name` of a worker of this project
  kj::String where;    // `file:line`
};

// `rules`: which files become which kind of module.
struct ModuleRule {
  ModuleKind kind;
  kj::Array<kj::String> globs;  // relative to the base directory; `*`, `**`, `?`, `{a,b}`
  bool fallthrough = false;  // whether later rules and the built-in ones still apply to this kind
  kj::String where;
};

struct DefineRule {  // `alias` and `define`
  kj::String name;
  kj::String value;
};

struct WorkerConfig {
  kj::String name;        // default: the name of the configuration's directory
  kj::String configPath;  // absolute; empty for a single file
  kj::String mainPath;    // absolute, exists
  kj::String baseDir;     // absolute: where rules look for modules; default: that of mainPath
  kj::String compatibilityDate;  // YYYY-MM-DD
  kj::Array<kj::String> compatibilityFlags;

  kj::Vector<VariableBinding> vars;
  kj::Vector<LoaderBinding> loaders;
  kj::Vector<ServiceBinding> services;
  kj::Vector<TailConsumer> tailConsumers;

  kj::Maybe<uint32_t> cpuMs;        // `limits.cpu_ms`: of each invocation of this worker
  kj::Maybe<uint32_t> subrequests;  // `limits.subrequests`: likewise
  kj::Maybe<kj::String> listen;     // `dev.ip` and `dev.port` as HOST:PORT

  // How its program is put together.
  bool noBundle = false;
  bool findAdditionalModules = false;  // with bundling: also take what `rules` match below baseDir
  kj::Vector<ModuleRule> rules;        // the user's first, then the built-in ones that still apply
  kj::Vector<DefineRule> alias;
  kj::Vector<DefineRule> define;
  bool minify = false;
  kj::String tsconfigPath;  // absolute, or empty
};

}  // namespace mayfly::config
