// The walls, in the order in which they must go up. Two halves: once around the zygote, then once around each
// sandbox. Swapping two lines here opens a wall or crashes a fork; the reasons stand beside them.
//
// Contract   Either every mandatory wall is in force on return, or WallFailure was thrown and the process must end.
#pragma once

#include <cstdint>

#include "confine/resource-limits.h"
#include "zygote/control-protocol.h"

namespace mayfly::zygote {

struct ZygoteWalls {
  const char* profile;    // for the report
  const char* v8Version;  // for the report
  bool
      ownNamespaces;  // started in namespaces of its own; false only where the operator accepted that
  bool executableMemory;  // false: V8 runs with --jitless and no memory may become executable
};

// What a sandbox needs to know of the zygote it was forked from.
struct SandboxGround {
  uint64_t baseDataBytes;           // private memory of a blank sandbox
  confine::SandboxCeiling ceiling;  // of a parent worker's sandbox
  bool landlock;                    // a rule set waits on LANDLOCK_FD
};

constexpr int LANDLOCK_FD = 5;

// In the zygote, after V8 booted and before the first request. Fills `report`. Cannot be undone.
SandboxGround confineZygote(const ZygoteWalls& walls, ReadyReport& report);

// In a new sandbox, the first half: its descriptors, limits and domain. `hostSocket` becomes 3, `loaderSocket` 4.
void confineSandbox(const ForkOrder& order, int hostSocket, int loaderSocket,
                    const SandboxGround& ground);

// In a new sandbox, the second half, after its event loop exists: the last filter.
void sealSandbox(Role role);

}  // namespace mayfly::zygote
