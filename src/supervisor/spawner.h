// Turns an order into a running sandbox: the two socket pairs, the fork, the books around it.
//
// Contract   `spawn` waits for a zygote if there is none at the moment. A promise dropped while the zygote forks costs
//            one sandbox, which ends by itself when it finds its sockets closed.
// Ownership  Everything it was given must outlive it and all sandboxes it made.
// Threads    The supervisor's event loop.
// Errors     OVERLOADED when the machine has no process, descriptor or timer left; DISCONNECTED when the zygote died
//            meanwhile (try again: its keeper starts another); what the keeper says if none can be started.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include "supervisor/sandbox-process.h"

namespace mayfly::supervisor {

class Spawner {
public:
  virtual ~Spawner() noexcept(false) = default;
  virtual kj::Promise<kj::Own<SandboxProcess>> spawn(SandboxOrder order) = 0;
};

class ZygoteSpawner final : public Spawner {
public:
  ZygoteSpawner(ZygoteKeeper& keeper, Reaper& reaper, CpuClocks& cpuClocks, kj::UnixEventPort& port,
                kj::LowLevelAsyncIoProvider& io, kj::Timer& timer);

  kj::Promise<kj::Own<SandboxProcess>> spawn(SandboxOrder order) override;

private:
  ZygoteKeeper& keeper;
  Reaper& reaper;
  CpuClocks& cpuClocks;
  kj::UnixEventPort& port;
  kj::LowLevelAsyncIoProvider& io;
  kj::Timer& timer;
};

}  // namespace mayfly::supervisor
