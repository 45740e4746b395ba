// `rules`: which file becomes which kind of module.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "config/module-kind.h"
#include "config/worker-config.h"

namespace mayfly::config {

// Whether `path` (relative, with `/`) matches a glob: `*` and `?` stay within a name, `**` does not, `{a,b}` is a
// choice, `\` takes the next character literally. Takes time proportional to the product of the lengths.
bool matchesGlob(kj::StringPtr glob, kj::StringPtr path);

// Adds the built-in rules to the user's. A kind for which the user wrote a rule without `fallthrough` keeps only
// that one. Without bundling, scripts are found by rules too.
void addBuiltInRules(kj::Vector<ModuleRule>& rules, bool noBundle);

// The kind that the first matching rule gives.
kj::Maybe<ModuleKind> findKind(const kj::Vector<ModuleRule>& rules, kj::StringPtr path);

bool isScript(ModuleKind kind);

// `ESModule` and so on; null for a name that is none.
kj::Maybe<ModuleKind> findModuleKind(kj::StringPtr name);

}  // namespace mayfly::config
