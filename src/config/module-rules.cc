#include "config/module-rules.h"

#include <vector>

namespace mayfly::config {
namespace {

// Takes the choices out of a glob: `a.{b,c}` becomes `a.b` and `a.c`. At most MAX_CHOICES in all; a brace that
// is never closed stands for itself.
constexpr size_t MAX_CHOICES = 256;

void expandBraces(kj::StringPtr glob, kj::Vector<kj::String>& out) {
  size_t open = 0;
  while (open < glob.size() && glob[open] != '{')
    open += glob[open] == '\\' ? 2 : 1;
  size_t close = open;
  unsigned depth = 0;
  std::vector<size_t> cuts;  // the brace, the commas at its level, its end
  for (; close < glob.size(); ++close) {
    if (glob[close] == '\\') {
      ++close;
    } else if (glob[close] == '{') {
      if (depth++ == 0) cuts.push_back(close);
    } else if (glob[close] == ',' && depth == 1) {
      cuts.push_back(close);
    } else if (glob[close] == '}' && --depth == 0) {
      cuts.push_back(close);
      break;
    }
  }
  if (open >= glob.size() || close >= glob.size()) {
    if (out.size() < MAX_CHOICES) out.add(kj::str(glob));
    return;
  }
  for (size_t i = 0; i + 1 < cuts.size() && out.size() < MAX_CHOICES; ++i) {
    expandBraces(
        kj::str(glob.slice(0, open), glob.slice(cuts[i] + 1, cuts[i + 1]), glob.slice(close + 1)),
        out);
  }
}

// Matches without choices, by a table over (glob position, path position).
bool matchesPlain(kj::StringPtr glob, kj::StringPtr path) {
  // reachable[j]: the glob so far can consume exactly the first j characters of the path.
  std::vector<bool> reachable(path.size() + 1, false);
  reachable[0] = true;
  size_t i = 0;
  while (i < glob.size()) {
    std::vector<bool> next(path.size() + 1, false);
    if (glob[i] == '*' && i + 1 < glob.size() && glob[i + 1] == '*') {
      i += 2;
      bool wholeNames =
          i < glob.size() && glob[i] == '/';  // `**/`: nothing, or any number of whole names
      if (wholeNames) ++i;
      bool any = false;
      for (size_t j = 0; j <= path.size(); ++j) {
        if (wholeNames) {
          next[j] = reachable[j] || (any && j > 0 && path[j - 1] == '/');
        } else {
          next[j] = any || reachable[j];
        }
        any = any || reachable[j];
      }
    } else if (glob[i] == '*') {
      ++i;
      bool any = false;
      for (size_t j = 0; j <= path.size(); ++j) {
        any = any || reachable[j];
        next[j] = any;
        if (j < path.size() && path[j] == '/') any = false;
      }
    } else {
      bool anyCharacter = glob[i] == '?';
      if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
      for (size_t j = 0; j < path.size(); ++j) {
        if (reachable[j] && (anyCharacter ? path[j] != '/' : path[j] == glob[i]))
          next[j + 1] = true;
      }
      ++i;
    }
    reachable = std::move(next);
  }
  return reachable[path.size()];
}

ModuleRule rule(ModuleKind kind, std::initializer_list<kj::StringPtr> globs) {
  return {kind, KJ_MAP(glob, globs){return kj::str(glob);
}
, false, kj::str("built in")
};  // namespace
}  // namespace mayfly::config

}  // namespace

bool matchesGlob(kj::StringPtr glob, kj::StringPtr path) {
  kj::Vector<kj::String> choices;
  expandBraces(glob, choices);
  for (auto& choice : choices) {
    if (matchesPlain(choice, path)) return true;
  }
  return false;
}

void addBuiltInRules(kj::Vector<ModuleRule>& rules, bool noBundle) {
  kj::Vector<ModuleRule> builtIn;
  if (noBundle) {
    builtIn.add(rule(ModuleKind::ESM, {"**/*.js"_kj, "**/*.mjs"_kj}));
    builtIn.add(rule(ModuleKind::COMMON_JS, {"**/*.cjs"_kj}));
  }
  builtIn.add(rule(ModuleKind::TEXT, {"**/*.txt"_kj, "**/*.html"_kj, "**/*.sql"_kj}));
  builtIn.add(rule(ModuleKind::DATA, {"**/*.bin"_kj}));
  builtIn.add(rule(ModuleKind::WASM, {"**/*.wasm"_kj}));
  size_t own = rules.size();
  for (auto& candidate : builtIn) {
    bool closed = false;
    for (size_t i = 0; i < own; ++i)
      closed = closed || (rules[i].kind == candidate.kind && !rules[i].fallthrough);
    if (!closed) rules.add(kj::mv(candidate));
  }
}

kj::Maybe<ModuleKind> findKind(const kj::Vector<ModuleRule>& rules, kj::StringPtr path) {
  for (auto& candidate : rules) {
    for (auto& glob : candidate.globs) {
      if (matchesGlob(glob, path)) return candidate.kind;
    }
  }
  return nullptr;
}

bool isScript(ModuleKind kind) {
  return kind == ModuleKind::ESM || kind == ModuleKind::COMMON_JS ||
         kind == ModuleKind::TYPE_SCRIPT;
}

kj::Maybe<ModuleKind> findModuleKind(kj::StringPtr name) {
  if (name == "ESModule") return ModuleKind::ESM;
  if (name == "CommonJS") return ModuleKind::COMMON_JS;
  if (name == "Text") return ModuleKind::TEXT;
  if (name == "Json") return ModuleKind::JSON;
  if (name == "Data") return ModuleKind::DATA;
  if (name == "CompiledWasm") return ModuleKind::WASM;
  return nullptr;
}

}  // namespace mayfly::config
