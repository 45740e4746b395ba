#include <cstring>

#include "config/program-source.h"

namespace mayfly::config {
namespace {

capnp::Text::Builder fill(capnp::Text::Builder text, kj::ArrayPtr<const kj::byte> bytes) {
  memcpy(text.begin(), bytes.begin(), bytes.size());
  return text;
}

void fillModule(schema::Module::Builder module, const ModuleSource& source) {
  module.setName(source.name);
  auto size = static_cast<unsigned>(source.bytes.size());
  switch (source.kind) {
    case ModuleKind::ESM:
      fill(module.initEsm(size), source.bytes);
      break;
    case ModuleKind::COMMON_JS:
      fill(module.initCommonJs(size), source.bytes);
      break;
    case ModuleKind::TYPE_SCRIPT:
      fill(module.initTypeScript(size), source.bytes);
      break;
    case ModuleKind::TEXT:
      fill(module.initText(size), source.bytes);
      break;
    case ModuleKind::JSON:
      fill(module.initJson(size), source.bytes);
      break;
    case ModuleKind::SNIPPET:
      fill(module.initSnippet(size), source.bytes);
      break;
    case ModuleKind::DATA:
      module.setData(source.bytes);
      break;
    case ModuleKind::WASM:
      module.setWasm(source.bytes);
      break;
  }
}

}  // namespace

void fillProgram(schema::Program::Builder program, const ProgramSource& source) {
  program.setName(source.name);
  program.setCompatibilityDate(source.compatibilityDate);
  auto flags =
      program.initCompatibilityFlags(static_cast<unsigned>(source.compatibilityFlags.size()));
  for (unsigned i = 0; i < flags.size(); ++i)
    flags.set(i, source.compatibilityFlags[i]);
  program.setMainModule(source.mainModule);
  auto modules = program.initModules(static_cast<unsigned>(source.modules.size()));
  for (unsigned i = 0; i < modules.size(); ++i)
    fillModule(modules[i], source.modules[i]);
}

}  // namespace mayfly::config
