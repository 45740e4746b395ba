// What supervisor and zygote say to each other: fixed-size messages on a SOCK_SEQPACKET socket (the zygote's
// descriptor 3), one answer for each request, in order. Descriptors travel by SCM_RIGHTS.
//
// Trust: the supervisor checks kind and size of every answer. The zygote reads requests from the supervisor only.
#pragma once

#include <cstdint>

namespace mayfly::zygote {

enum class Kind : uint32_t {
  READY = 1,   // zygote → supervisor, once: ReadyReport
  FORK = 2,    // ForkOrder + 2 descriptors (host socket, loader socket)
  FORKED = 3,  // Forked + 1 descriptor (pidfd)
  REAP = 4,    // Reap
  REAPED = 5,  // Reaped
  FAILED = 6,  // Failed: the request could not be carried out
};

enum class Role : uint32_t {
  DYNAMIC = 1,  // runs a dynamic worker: the closed set of system calls
  PARENT = 2,   // runs a parent worker: may also accept connections and receive descriptors
  CANARY = 3,   // tries one forbidden thing and dies of it; `canary` says which
};

struct ForkOrder {
  Kind kind = Kind::FORK;
  Role role = Role::DYNAMIC;
  uint64_t memoryBytes = 0;  // RLIMIT_DATA beyond the zygote's own data size
  uint32_t cpuSeconds = 0;   // RLIMIT_CPU backstop; 0: none
  uint32_t canary = 0;       // index into the canary table (zygote/canary.h)
};

struct Forked {
  Kind kind = Kind::FORKED;
  uint32_t zygotePid = 0;
};

struct Reap {
  Kind kind = Kind::REAP;
  uint32_t zygotePid = 0;
};

struct Reaped {
  Kind kind = Kind::REAPED;
  int32_t waitStatus = 0;
  uint64_t cpuMicros = 0;
  uint64_t maxRssKb = 0;
};

struct Failed {
  Kind kind = Kind::FAILED;
  int32_t error = 0;    // errno
  char what[480] = {};  // a sentence for the operator, NUL-terminated
};

// The layers a zygote reports on, in the order in which it installs them.
enum class Layer : uint32_t {
  USER_NAMESPACE,
  MOUNT_NAMESPACE,
  NETWORK_NAMESPACE,
  PID_NAMESPACE,
  IPC_NAMESPACE,
  UTS_NAMESPACE,
  CGROUP_NAMESPACE,
  EMPTY_ROOT,
  RLIMITS,
  NOT_DUMPABLE,
  NO_CAPABILITIES,
  NO_NEW_PRIVILEGES,
  LANDLOCK,
  SECCOMP,
  COUNT,
};

enum class LayerState : uint32_t { ABSENT = 0, PARTIAL = 1, ACTIVE = 2 };

// Exit status of a sandbox whose memory ran out: V8's out-of-memory handler, or operator new.
constexpr int EXIT_OUT_OF_MEMORY = 77;

// Exit status of a sandbox whose program called abortIsolate().
constexpr int EXIT_ISOLATE_ABORTED = 76;

// Exit statuses of a zygote or sandbox that ended before it could run anything.
constexpr int EXIT_NOT_CONFINED = 78;       // a wall could not be built
constexpr int EXIT_MALFORMED_REQUEST = 79;  // the zygote was sent something that is not a request

// Exit status of a canary that was refused as expected, and of one that was not.
constexpr int EXIT_CANARY_REFUSED = 0;
constexpr int EXIT_CANARY_ALIVE = 80;

struct ReadyReport {
  Kind kind = Kind::READY;
  LayerState layers[static_cast<int>(Layer::COUNT)] = {};
  int32_t landlockAbi = 0;     // 0: the kernel has none
  uint64_t baseDataBytes = 0;  // VmData of a blank sandbox
  char v8Version[32] = {};
  char profile[32] = {};  // "standard"
};

}  // namespace mayfly::zygote
