// Arms the clocks of one sandbox according to its books, and says when a limit is reached.
//
// Contract   `onLimit` is called once, with CPU_LIMIT, STARTUP_CPU_LIMIT or WALL_LIMIT; after that the clock is of no
//            further use. With nothing in flight only the rest of the last CPU limit can be reached.
// Ownership  Must not outlive the CpuClock and the timer. `onLimit` may destroy it only in a later turn.
// Threads    The supervisor's event loop.
// Cost       began() is two system calls (read the CPU clock, arm the timer); finished() reads the CPU
//            clock only if older invocations are in flight, and arms only if the CPU deadline moves closer. Deadlines that move away are left
//            armed and looked at again when they fire.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "supervisor/cpu-clock.h"
#include "supervisor/ending.h"
#include "supervisor/invocation-books.h"

namespace mayfly::supervisor {

class InvocationClock final {
public:
  InvocationClock(kj::Timer& timer, CpuClock& cpuClock, kj::Function<void(EndReason)> onLimit);
  KJ_DISALLOW_COPY_AND_MOVE(InvocationClock);

  // As in InvocationBooks.
  void startUpBegan(const StartUpLimits& limits);
  void startUpEnded();
  [[nodiscard]] Admission began(uint32_t number, const Limits& limits);
  [[nodiscard]] bool finished(uint32_t number);

  // What the CpuClock calls at its deadline.
  void cpuDeadlinePassed();

  size_t inFlight() const { return books.inFlight(); }

private:
  void armCpu();
  void armWall();
  kj::Promise<void> waitForWall(kj::TimePoint when);

  kj::Timer& timer;
  CpuClock& cpuClock;
  kj::Function<void(EndReason)> onLimit;
  InvocationBooks books;
  kj::Maybe<kj::Duration> cpuArmedAt;
  kj::Maybe<kj::TimePoint> wallArmedAt;
  kj::Promise<void> wall = kj::READY_NOW;
};

}  // namespace mayfly::supervisor
