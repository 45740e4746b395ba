// One forked sandbox, from the moment its zygote handed it out until its exit status is collected.
//
// Contract   It is walled from its first instruction; there is no half-confined state to test for. It starts blank.
//            assign() gives it an owner, once. There is no way back: a used sandbox is never used again.
// Ownership  Held by exactly one owner (the pool, then a lease, a parent worker or a command). Destroying it kills
//            the process and blocks on nothing; the Reaper collects the status.
// Threads    The supervisor's event loop.
// Trust      Whatever comes from the process was written by hostile code. A malformed message on descriptor 3 kills
//            the process (VIOLATION); nothing it sent before or after has an effect from then on.
// Errors     kill() first signals, then closes the door: no more effects, then the error.
#pragma once

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include <cstdint>

#include "supervisor/child-process.h"
#include "supervisor/ending.h"
#include "supervisor/host-service.h"
#include "supervisor/invocation-clock.h"
#include "supervisor/limits.h"
#include "supervisor/sandbox-connection.h"
#include "zygote/control-protocol.h"

namespace mayfly::supervisor {

struct SandboxOrder {
  zygote::Role role = zygote::Role::DYNAMIC;
  uint64_t memoryBytes = 0;  // RLIMIT_DATA beyond the blank sandbox's own
  uint32_t cpuSeconds =
      0;  // RLIMIT_CPU of the whole life, a backstop should the supervisor hang; 0: none
};

class SandboxProcess final {
public:
  struct Parts {
    kj::LowLevelAsyncIoProvider& io;
    kj::Timer& timer;
    CpuClocks& cpuClocks;
    kj::Own<ChildProcess> child;
    kj::AutoCloseFd hostSocket;    // our end of its descriptor 3
    kj::AutoCloseFd loaderSocket;  // the far end of its descriptor 4
    SandboxOrder order;
  };

  explicit SandboxProcess(Parts parts);
  ~SandboxProcess() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(SandboxProcess);

  // Gives it an owner: opens its console and, if `outbound` is given, the network.
  void assign(kj::Own<SharedLog> log, kj::Maybe<const egress::OutboundNetwork&> outbound);

  // Lowers the memory budget of a blank sandbox. False if the system does not let us.
  [[nodiscard]] bool lowerMemoryBudget(uint64_t memoryBytes);

  // The books of its owner, as in InvocationBooks. Neither start-up nor invocation begun so far: no limit runs. The end of
  // the start-up is told by the sandbox itself.
  void startUpBegan(const StartUpLimits& limits) { clock.startUpBegan(limits); }
  [[nodiscard]] Admission began(uint32_t number, const Limits& limits) {
    return clock.began(number, limits);
  }
  [[nodiscard]] bool finished(uint32_t number) { return clock.finished(number); }
  size_t inFlight() const { return clock.inFlight(); }

  // Lets it keep those books itself: for parent workers.
  void limitOwnInvocations(const Limits& limits) { host.limitOwnInvocations(limits); }

  // For passing it on; stays open as long as this object lives.
  int loaderSocketFd() const { return loaderSocket.get(); }
  // For speaking on it ourselves. Once.
  kj::AutoCloseFd takeLoaderSocket() { return kj::mv(loaderSocket); }

  // Only the first reason counts.
  void kill(EndReason reason);

  // True if neither has the process ended nor did we kill it.
  bool alive() const { return killedFor == nullptr && child->alive(); }

  // Resolves when the process is gone and its exit status collected. Must not outlive this object.
  kj::Promise<Ending> onEnd();

  const SandboxOrder& order() const { return ordered; }
  pid_t pid() const { return child->pid(); }
  const Zygote& zygote() const { return *child->generation().zygote; }

private:
  SandboxProcess(Parts parts, kj::Own<HostService> service);

  kj::Promise<void> watchConnection();

  kj::Timer& timer;
  kj::Own<ChildProcess> child;
  SandboxOrder ordered;
  kj::AutoCloseFd loaderSocket;
  kj::Maybe<EndReason> killedFor;
  InvocationClock clock;

  HostService& host;  // owned by the capability below
  schema::Host::Client hostClient;
  kj::Maybe<kj::Own<SandboxConnection>> connection;
  kj::Promise<void> connectionWatch = nullptr;
  kj::Promise<void> closing = nullptr;
};

}  // namespace mayfly::supervisor
