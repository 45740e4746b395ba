// The CPU clock of a sandbox: how much it has used, and a call when it has used too much.
//
// Contract   A deadline is a point in the process's own CPU time, user and system. `onDeadline` is called once
//            for each armed deadline, from the event loop, never before the deadline has truly been passed; on
//            Linux at most one scheduler tick (4 ms) after it.
// Ownership  A CpuClock must not outlive its CpuClocks. It names the process by pid, so it must be destroyed
//            before the process is reaped: from then on the pid may belong to a stranger.
// Threads    The event loop of the port. KernelCpuClocks takes one real-time signal of the process for itself;
//            captureSignal() must have been called before any other thread exists.
// Trust      The sandbox can neither read nor reset these timers: they belong to the supervisor.
// Errors     forProcess() throws OVERLOADED when the kernel has no timer left (RLIMIT_SIGPENDING).
#pragma once

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/map.h>
#include <kj/memory.h>
#include <kj/time.h>

#include <cstdint>

namespace mayfly::supervisor {

class CpuClock {
public:
  virtual ~CpuClock() noexcept(false) = default;

  virtual kj::Duration used() const = 0;

  // Replaces the deadline that was armed before, if any.
  virtual void arm(kj::Duration deadline) = 0;
};

class CpuClocks {
public:
  virtual ~CpuClocks() noexcept(false) = default;
  virtual kj::Own<CpuClock> forProcess(pid_t pid, kj::Function<void()> onDeadline) = 0;
};

// POSIX timers on the CPU clocks of other processes.
class KernelCpuClocks final : public CpuClocks {
public:
  // Once in a process, before threads and before any KernelCpuClocks.
  static void captureSignal();

  explicit KernelCpuClocks(kj::UnixEventPort& port);
  ~KernelCpuClocks() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(KernelCpuClocks);

  kj::Own<CpuClock> forProcess(pid_t pid, kj::Function<void()> onDeadline) override;

private:
  class Clock;

  kj::Promise<void> dispatchSignals();

  kj::UnixEventPort& port;
  uint64_t lastTicket = 0;
  // A signal carries a ticket, not a pointer, and no ticket is ever given out twice: a signal that was under way
  // while its clock was destroyed finds nothing here.
  kj::HashMap<uint64_t, Clock*> clocks;
  kj::Promise<void> dispatching;
};

}  // namespace mayfly::supervisor
