// The books of one sandbox's invocations: how many are in flight and when the next limit is reached.
//
// The kernel counts CPU per process, and a sandbox may serve several invocations at once, so nobody can say
// which of them used a given millisecond. The CPU deadline is therefore
//
//     CPU time when the oldest invocation in flight began + the sum of the limits of the oldest min(n, 4)
//
// which is exact for one call and, for n calls with limit L, at most 4 L: many calls in flight may share what
// four could use, and cannot multiply it without bound. An endless loop blocks the only thread of its sandbox, so
// no other call finishes, and the deadline stands still in front of it.
//
// The wire does not name the invocation that finished. The oldest is taken off the books: deadlines then only
// move forward, and a busy sandbox whose calls always overlap is never charged for calls long answered.
//
// Threads    None. No clock is read here: callers bring both times.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <cstddef>
#include <deque>

#include "supervisor/limits.h"

namespace mayfly::supervisor {

class InvocationBooks {
public:
  static constexpr size_t MAX_IN_FLIGHT = 4096;  // bounds the books themselves
  static constexpr size_t MAX_SHARING_CPU = 4;

  // False if the books are full; then the invocation must not start.
  [[nodiscard]] bool began(const Limits& limits, kj::Duration cpuUsed, kj::TimePoint now);

  // False if none was in flight: whoever said so does not keep his own books well.
  [[nodiscard]] bool finished();

  size_t inFlight() const { return invocations.size(); }

  // In the process's CPU time. Null when nothing is in flight: the clocks stand still.
  kj::Maybe<kj::Duration> cpuDeadline() const;

  // The earliest one.
  kj::Maybe<kj::TimePoint> wallDeadline() const;

private:
  struct Invocation {
    kj::Duration cpuAtBegin;
    kj::Duration cpuLimit;
    kj::TimePoint wallDeadline;
  };
  std::deque<Invocation> invocations;  // oldest first
};

}  // namespace mayfly::supervisor
