// Resource limits: what the kernel takes away by itself when everything else looks elsewhere.
#pragma once

#include <cstdint>

namespace mayfly::confine {

struct SandboxLimits {
  uint64_t dataBytes;    // RLIMIT_DATA: private writable memory, the blank sandbox's own included
  uint32_t cpuSeconds;   // RLIMIT_CPU; 0: none
  uint32_t descriptors;  // RLIMIT_NOFILE; at most what limitZygote() gave
  uint64_t mostDataBytes = UINT64_MAX;  // that limitZygote() found
};

// What a sandbox may have at most.
struct SandboxCeiling {
  uint32_t descriptors;  // up to 65536
  uint64_t dataBytes;    // UINT64_MAX: no limit inherited
};

// In the zygote: what holds for itself and every sandbox. Throws WallFailure.
SandboxCeiling limitZygote();

// In a new sandbox: its own budget. Throws WallFailure, also if a limit inherited from the supervisor is lower. A memory
// budget that the supervisor has lowered in the meantime, for the program that is to come, stays as low as it is.
// Async-signal-safe.
void limitSandbox(const SandboxLimits& limits);

// The out-of-memory killer takes sandboxes before anything else. False where /proc does not let us say so.
bool volunteerForOomKiller();

}  // namespace mayfly::confine
