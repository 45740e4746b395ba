// Resource limits: what the kernel takes away by itself when everything else looks elsewhere.
#pragma once

#include <cstdint>

namespace mayfly::confine {

struct SandboxLimits {
  uint64_t dataBytes;    // RLIMIT_DATA: private writable memory, the blank sandbox's own included
  uint32_t cpuSeconds;   // RLIMIT_CPU; 0: none
  uint32_t descriptors;  // RLIMIT_NOFILE; at most what limitZygote() gave
};

// In the zygote: what holds for itself and every sandbox. Gives the number of descriptors that a sandbox may have
// at most, up to 65536. Throws WallFailure.
uint32_t limitZygote();

// In a new sandbox: its own budget. Throws WallFailure, also if a limit inherited from the supervisor is lower.
// Async-signal-safe.
void limitSandbox(const SandboxLimits& limits);

// The out-of-memory killer takes sandboxes before anything else. False where /proc does not let us say so.
bool volunteerForOomKiller();

}  // namespace mayfly::confine
