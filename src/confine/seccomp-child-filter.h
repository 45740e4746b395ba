// The short system-call filter: installed in each sandbox, last, on top of the zygote's.
//
// Contract   Ends with SIGSYS whatever the zygote's filter lets through only for forking (and, in a dynamic
//            sandbox, for parent workers). Decides nothing else: a call passes only if both filters let it.
// Cost       Proportional to the path through it, at every fork: keep it short, and to what the kernel can
//            evaluate in advance (loads of the call number, jumps, constants), or its cache of verdicts is lost.
#pragma once

#include <linux/filter.h>

#include <span>

namespace mayfly::confine {

enum class SandboxKind { DYNAMIC, PARENT };

// The program for `kind`. Lives for ever.
std::span<const sock_filter> childFilter(SandboxKind kind);

// Cannot be undone. Requires no_new_privs. Throws WallFailure. Async-signal-safe.
void installChildFilter(SandboxKind kind);

}  // namespace mayfly::confine
