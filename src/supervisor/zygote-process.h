// One running mayfly-zygote, seen from the supervisor: starts it inside its namespaces, asks it to fork
// sandboxes, collects what is left of them.
//
// Contract   A Zygote exists only after it reported itself ready, i.e. with every mandatory wall in force.
// Ownership  Destroying it kills the zygote, and with it (it is PID 1 of its namespace) all its sandboxes.
// Threads    Belongs to the supervisor's event loop.
// Trust      The zygote runs no guest code, but it is V8: its answers are checked for shape and size.
// Errors     `startZygote` rejects with an operator's message (`error[zygote.…]`): DISCONNECTED if the zygote was
//            killed or crashed before it was ready, otherwise naming the layer that could not be installed. After
//            the zygote died, fork() and reap() reject DISCONNECTED.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/string.h>

#include <cstdint>

#include "zygote/control-protocol.h"

namespace mayfly::supervisor {

struct ZygoteOptions {
  kj::String binary;              // absolute path of mayfly-zygote
  kj::Array<kj::String> v8Flags;  // e.g. "--jitless"; passed on its command line
  kj::StringPtr label;            // "parents", "standard": for messages
  bool acceptMissingNamespaces =
      false;  // start even where the machine allows no namespaces (grade B or C)
};

// How one canary ended; see zygote/canary.h. A zygote that is handed out passed all of them.
struct CanaryResult {
  uint32_t species;  // index into zygote::CANARIES
  int waitStatus;    // as from wait(2)
};

// How one sandbox ended, as the kernel tells it.
struct ExitReport {
  int waitStatus;      // as from wait(2)
  uint64_t cpuMicros;  // user + system
  uint64_t maxRssKb;
};

class Zygote {
public:
  // A sandbox process. It lives until killed; its pid is not reused before reap() returned.
  struct Child {
    pid_t pid;              // in the supervisor's PID namespace
    uint32_t zygotePid;     // in the zygote's: what reap() names
    kj::AutoCloseFd pidfd;  // readable when the process has ended
  };

  virtual ~Zygote() noexcept(false) = default;

  // Forks a confined sandbox. `hostSocket` becomes its descriptor 3, `loaderSocket` its descriptor 4.
  virtual kj::Promise<Child> fork(zygote::ForkOrder order, kj::AutoCloseFd hostSocket,
                                  kj::AutoCloseFd loaderSocket) = 0;

  // Collects the exit status of a child whose pidfd became readable.
  virtual kj::Promise<ExitReport> reap(uint32_t zygotePid) = 0;

  // Resolves when the zygote has died, with a sentence for the operator.
  virtual kj::Promise<kj::String> onDeath() = 0;

  // True from the first sign of its end, which may come before onDeath() resolves: the kernel ends its sandboxes in
  // between.
  virtual bool dying() const = 0;

  // What it said of itself when it became ready: layers, V8 version, base memory. See control-protocol.h.
  virtual const zygote::ReadyReport& report() const = 0;
  virtual pid_t pid() const = 0;

  // What its canaries met, one of each species.
  virtual kj::ArrayPtr<const CanaryResult> canaries() const { return nullptr; }
};

// Starts a zygote, waits until it is ready and sends its canaries; several zygotes may run side by side. Call it on
// the thread that lives as long as the supervisor: the zygote dies with the thread that started it.
kj::Promise<kj::Own<Zygote>> startZygote(kj::UnixEventPort& port, kj::LowLevelAsyncIoProvider& io,
                                         ZygoteOptions options);

}  // namespace mayfly::supervisor
