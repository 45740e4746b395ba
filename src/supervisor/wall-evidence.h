// Evidence that the walls around a live sandbox stand: what `mayfly doctor` prints and what grades a machine.
//
// Contract   Nothing here repeats what an installing call returned, where the kernel can be asked from outside: the
//            evidence is what /proc shows of a living sandbox and how the canaries of its zygote ended.
// Trust      /proc/<pid> is the kernel's word. The zygote's own report is used only where the finding says so.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include "supervisor/kernel-facts.h"
#include "supervisor/zygote-process.h"

namespace mayfly::supervisor {

struct WallFinding {
  kj::StringPtr name;  // `empty root`
  zygote::LayerState state;
  kj::String evidence;  // `Seccomp: 2, Seccomp_filters: 2; 23 of 23 canaries ended as they should`
  kj::StringPtr consequence;  // of its absence, one sentence
  kj::StringPtr remedy;
};

// A: many tenants. B: many tenants if the operator accepts it. C: one tenant. F: refuses to start.
enum class Grade { A, B, C, F };

struct WallEvidence {
  Grade grade;
  kj::Array<WallFinding> walls;
  kj::Array<KernelFact> kernel;
};

// `sandbox` is the pid, in the supervisor's namespace, of a live dynamic sandbox of `zygote` whose event loop runs.
// Throws kj::Exception if it is not alive.
WallEvidence collectWallEvidence(const Zygote& zygote, pid_t sandbox);

kj::StringPtr nameOf(Grade grade);               // "A"
kj::StringPtr meaningOf(Grade grade);            // "fit for programs of many tenants"
kj::StringPtr nameOf(zygote::LayerState state);  // "active"

// What collectWallEvidence() decides from the findings; apart, so that its table can be tested.
Grade gradeOf(kj::ArrayPtr<const WallFinding> walls);

}  // namespace mayfly::supervisor
