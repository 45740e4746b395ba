// The books of one sandbox's invocations: which are in flight and when the next limit is reached.
//
// The kernel counts CPU per process, and a sandbox may serve several invocations at once, so nobody can say
// which of them used a given millisecond. The CPU deadline is therefore
//
//     CPU time when the oldest invocation in flight began
//       + the sum of the limits of the oldest min(n, 4)
//       + what the oldest was credited, at most 3 of its limits
//
// which is exact for one call and, for n calls with limit L, at most 4 L: many calls in flight may share what
// four could use, and cannot multiply it without bound. An endless loop blocks the only thread of its sandbox, so
// no other call finishes, and the deadline stands still in front of it.
//
// An invocation that ends takes its share along, but what it used stays on the clock. Every older one in flight is
// therefore credited with the CPU time used since it began, at most its limit: one who waits long is not charged with
// the work of neighbours that came and went. The credit is bounded because nobody can say who did that work; with it
// no call, and no loop whose neighbours are said to finish, gets beyond 7 L.
//
// The start-up (compiling and evaluating the program) comes before all invocations and has a limit of its own. While it lasts, its
// deadline is the only CPU deadline; when it is over, the invocations begun meanwhile are charged from that moment on, because
// none of them could run before.
//
// With nothing in flight the CPU deadline stays where the last invocation left it: what a program still does (`waitUntil`) is
// counted against the limit of the invocation that began it.
//
// The wall deadline is the earliest of those still in flight, so a call that hangs meets its own however many neighbours come
// and go.
//
// Threads    None. No clock is read here: callers bring both times.
// Cost       finished() asks for the CPU time, a system call, only if an older invocation is in flight.
#pragma once

#include <kj/common.h>
#include <kj/function.h>
#include <kj/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "supervisor/limits.h"

namespace mayfly::supervisor {

enum class Admission {
  BEGUN,
  FULL,          // too many in flight: the invocation must not start
  NUMBER_TAKEN,  // one in flight has this number: whoever said so does not keep his own books well
};

class InvocationBooks {
public:
  static constexpr size_t MAX_IN_FLIGHT = 4096;  // bounds the books themselves
  static constexpr size_t MAX_SHARING_CPU = 4;
  static constexpr int64_t MAX_CREDITED_LIMITS = 3;

  // Before anything else, if at all: the program is being started.
  void startUpBegan(const StartUpLimits& limits, kj::Duration cpuUsed, kj::TimePoint now);

  // The program runs. Without a start-up under way, nothing happens.
  void startUpEnded(kj::Duration cpuUsed);

  bool startingUp() const { return startUp != nullptr; }

  // Unless it answers BEGUN, nothing has changed. A number may be used again once its invocation is over.
  [[nodiscard]] Admission began(uint32_t number, const Limits& limits, kj::Duration cpuUsed,
                                kj::TimePoint now);

  // False if none in flight has this number. `readCpu` tells the CPU time used, as at began().
  [[nodiscard]] bool finished(uint32_t number, kj::FunctionParam<kj::Duration()> readCpu);

  size_t inFlight() const { return invocations.size(); }

  // In the process's CPU time. Null before anything has begun.
  kj::Maybe<kj::Duration> cpuDeadline() const;

  // The earliest one of the start-up and those in flight. Null when there is nothing.
  kj::Maybe<kj::TimePoint> wallDeadline() const;

private:
  struct Invocation {
    uint32_t number;
    kj::Duration cpuAtBegin;
    kj::Duration cpuLimit;
    kj::Duration cpuCredit;  // used by younger ones that are over
    kj::TimePoint wallDeadline;
  };
  struct StartUp {
    kj::Duration cpuDeadline;
    kj::TimePoint wallDeadline;
  };
  std::deque<Invocation>::iterator find(uint32_t number);

  kj::Maybe<StartUp> startUp;
  kj::Maybe<kj::Duration> leftOver;    // the deadline of the last one that was in flight
  std::deque<Invocation> invocations;  // oldest first
};

}  // namespace mayfly::supervisor
