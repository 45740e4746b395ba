// The kernel's side of one sandbox: its pid, its pidfd, its CPU clock, its end.
//
// Contract   Exactly one exit is collected for each child, whoever still cares about it. Until it is collected the
//            pid stays reserved, so that neither signal nor clock can hit a stranger.
// Ownership  Refcounted: held by its SandboxProcess and, until the exit is collected, by the Reaper.
// Threads    The supervisor's event loop.
// Errors     None: a zygote that died before it could report is an exit like any other (`zygoteDied`).
#pragma once

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/refcount.h>

#include "supervisor/cpu-clock.h"
#include "supervisor/reaper.h"
#include "supervisor/zygote-keeper.h"

namespace mayfly::supervisor {

class ChildProcess final : public kj::Refcounted, public CpuClock {
public:
  static kj::Own<ChildProcess> adopt(kj::UnixEventPort& port, Reaper& reaper,
                                     kj::Own<ZygoteGeneration> generation, Zygote::Child child);

  ChildProcess(kj::UnixEventPort& port, kj::Own<ZygoteGeneration> generation, Zygote::Child child);
  KJ_DISALLOW_COPY_AND_MOVE(ChildProcess);

  struct Exit {
    ExitReport report;
    bool zygoteDied;
  };

  pid_t pid() const { return child.pid; }
  const ZygoteGeneration& generation() const { return *ofGeneration; }

  // Sends SIGKILL. Harmless if the child has ended.
  void kill();

  // False once the process has ended, or its zygote is about to.
  bool alive() const { return !hasEnded && !ofGeneration->dying(); }

  // Resolves when the exit was collected; then findExit() is not null.
  kj::Promise<void> onCollected() { return collected.addBranch(); }
  const kj::Maybe<Exit>& findExit() const { return exit; }

  void startCpuClock(CpuClocks& clocks, kj::Function<void()> onDeadline);
  void stopCpuClock();

  // CpuClock. Before startCpuClock() and after the end, time stands still and deadlines are ignored.
  kj::Duration used() const override;
  void arm(kj::Duration deadline) override;

private:
  kj::Promise<void> collect();

  Zygote::Child child;
  kj::UnixEventPort::FdObserver observer;
  kj::Own<ZygoteGeneration> ofGeneration;
  kj::Maybe<kj::Own<CpuClock>> cpuClock;
  bool hasEnded = false;
  kj::Maybe<Exit> exit;
  kj::ForkedPromise<void> collected;
};

}  // namespace mayfly::supervisor
