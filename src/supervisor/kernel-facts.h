// What this machine's kernel and processor contribute to the walls, or take away: facts for `mayfly doctor` that no
// sandbox can change.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace mayfly::supervisor {

struct KernelFact {
  kj::String name;    // `cpu.spectre_v2`, `swap`
  kj::String value;   // as the kernel says it
  kj::String advice;  // what an operator might change; empty if all is well
};

// Reads /proc and /sys; what they do not show has the value `unknown`. Blocks briefly.
kj::Array<KernelFact> readKernelFacts();

}  // namespace mayfly::supervisor
