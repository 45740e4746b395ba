// What a module of a program can be: the union of schema/worker.capnp, as the configuration names it.
#pragma once

#include <cstdint>

namespace mayfly::config {

enum class ModuleKind : uint8_t {
  ESM,          // `ESModule`
  COMMON_JS,    // `CommonJS`
  TYPE_SCRIPT,  // an ES module whose types the sandbox strips
  TEXT,         // `Text`
  JSON,         // `Json`
  DATA,         // `Data`
  WASM,         // `CompiledWasm`
  SNIPPET,      // a bare function or statements, as models write them
};

}  // namespace mayfly::config
