#include "supervisor/invocation-clock.h"

#include <kj/debug.h>

namespace mayfly::supervisor {

InvocationClock::InvocationClock(kj::Timer& timer, CpuClock& cpuClock,
                                 kj::Function<void(EndReason)> onLimit)
    : timer(timer), cpuClock(cpuClock), onLimit(kj::mv(onLimit)) {}

void InvocationClock::startUpBegan(const StartUpLimits& limits) {
  books.startUpBegan(limits, cpuClock.used(), timer.now());
  armCpu();
  armWall();
}

void InvocationClock::startUpEnded() {
  if (!books.startingUp()) return;
  books.startUpEnded(cpuClock.used());
  armCpu();
}

Admission InvocationClock::began(uint32_t number, const Limits& limits) {
  auto admission = books.began(number, limits, cpuClock.used(), timer.now());
  if (admission == Admission::BEGUN) {
    armCpu();
    armWall();
  }
  return admission;
}

bool InvocationClock::finished(uint32_t number) {
  if (!books.finished(number, [this]() { return cpuClock.used(); })) return false;
  armCpu();
  return true;
}

void InvocationClock::cpuDeadlinePassed() {
  cpuArmedAt = nullptr;
  KJ_IF_MAYBE (deadline, books.cpuDeadline()) {
    if (cpuClock.used() >= *deadline) {
      onLimit(books.startingUp() ? EndReason::STARTUP_CPU_LIMIT : EndReason::CPU_LIMIT);
    } else {
      armCpu();
    }
  }
}

void InvocationClock::armCpu() {
  KJ_IF_MAYBE (deadline, books.cpuDeadline()) {
    KJ_IF_MAYBE (armed, cpuArmedAt) {
      if (*armed <= *deadline) return;
    }
    cpuClock.arm(*deadline);
    cpuArmedAt = *deadline;
  }
}

void InvocationClock::armWall() {
  KJ_IF_MAYBE (deadline, books.wallDeadline()) {
    KJ_IF_MAYBE (armed, wallArmedAt) {
      if (*armed <= *deadline) return;
    }
    wallArmedAt = *deadline;
    wall = waitForWall(*deadline).eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, e); });
  }
}

kj::Promise<void> InvocationClock::waitForWall(kj::TimePoint when) {
  for (;;) {
    co_await timer.atTime(when);
    KJ_IF_MAYBE (deadline, books.wallDeadline()) {
      if (*deadline <= timer.now()) {
        onLimit(EndReason::WALL_LIMIT);
        co_return;
      }
      // The invocation that this deadline belonged to is over; a later one is in flight.
      when = *deadline;
      wallArmedAt = when;
    } else {
      wallArmedAt = nullptr;
      co_return;
    }
  }
}

}  // namespace mayfly::supervisor
