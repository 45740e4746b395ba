// Canaries: sandboxes that try one forbidden thing each. A wall counts as standing when its canaries have been
// refused in the expected manner, not because a call that builds it returned success.
//
// This header is shared: the zygote makes the attempts, the supervisor judges the endings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "zygote/control-protocol.h"

namespace mayfly::zygote {

enum class CanaryEnding {
  KILLED,   // by SIGSYS
  TRAPPED,  // by SIGSYS, or by SIGSEGV on a kernel that does not know the instruction
  REFUSED,  // the call failed with the expected error, and the canary said so by EXIT_CANARY_REFUSED
};

struct CanarySpecies {
  const char* name;
  Layer layer;  // the wall it sings of
  CanaryEnding ending;
};

constexpr CanarySpecies CANARIES[] = {
    {"io_uring_setup", Layer::SECCOMP, CanaryEnding::KILLED},
    {"socket", Layer::SECCOMP, CanaryEnding::KILLED},
    {"connect", Layer::SECCOMP, CanaryEnding::KILLED},
    {"ptrace", Layer::SECCOMP, CanaryEnding::KILLED},
    {"unshare of a user namespace", Layer::SECCOMP, CanaryEnding::KILLED},
    {"mount", Layer::SECCOMP, CanaryEnding::KILLED},
    {"execve", Layer::SECCOMP, CanaryEnding::KILLED},
    {"fork", Layer::SECCOMP, CanaryEnding::KILLED},
    {"fork, as the zygote does it", Layer::SECCOMP, CanaryEnding::KILLED},
    {"kill of the zygote", Layer::SECCOMP, CanaryEnding::KILLED},
    {"sendmsg", Layer::SECCOMP, CanaryEnding::KILLED},
    {"recvmsg", Layer::SECCOMP, CanaryEnding::KILLED},
    {"seccomp", Layer::SECCOMP, CanaryEnding::KILLED},
    {"setrlimit", Layer::SECCOMP, CanaryEnding::KILLED},
    {"memfd_create", Layer::SECCOMP, CanaryEnding::KILLED},
    {"userfaultfd", Layer::SECCOMP, CanaryEnding::KILLED},
    {"mmap of shared memory", Layer::SECCOMP, CanaryEnding::KILLED},
    {"a call newer than the list", Layer::SECCOMP, CanaryEnding::KILLED},
    {"a call by x32 numbers", Layer::SECCOMP, CanaryEnding::KILLED},
    {"a call by int 0x80", Layer::SECCOMP, CanaryEnding::TRAPPED},
    {"openat of /", Layer::SECCOMP, CanaryEnding::REFUSED},
    {"prctl(PR_SET_DUMPABLE)", Layer::SECCOMP, CanaryEnding::REFUSED},
    {"memory beyond the budget", Layer::RLIMITS, CanaryEnding::REFUSED},
};

constexpr size_t CANARY_COUNT = sizeof CANARIES / sizeof CANARIES[0];

// Whether a canary of this species ended as it should, given its status as from wait(2).
bool endedAsExpected(const CanarySpecies& species, int waitStatus);

// In a sealed sandbox: makes the attempt and ends the process. `index` < CANARY_COUNT; any other exits alive.
[[noreturn]] void tryForbiddenThing(uint32_t index);

}  // namespace mayfly::zygote
