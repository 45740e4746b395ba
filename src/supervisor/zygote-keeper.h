// Keeps one zygote running: starts it, notices its death, starts the next one.
//
// Contract   There is a current generation or one is on its way. Sandboxes of a dead generation are dead too: the
//            kernel kills them with their zygote. Parents and dynamic workers have a keeper each, so that a crash
//            among strangers never takes the application down, and an address learned in one is worthless in
//            the other.
// Ownership  The starter's dependencies, the timer and the log must outlive it. Destroying it lets go of the
//            current generation, which dies with its last sandbox.
// Threads    The supervisor's event loop.
// Errors     If the first zygote is refused a wall, current() rejects with its error, always: what this machine does
//            not allow it will not allow a second later either. One that merely died (DISCONNECTED) is started again,
//            however young it was; only after MAX_FIRST_STARTS deaths before the first was ready is that final too,
//            so that nobody waits for ever. After a first generation every failure is logged and tried again.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>
#include <kj/timer.h>

#include <cstdint>

#include "observe/operator-log.h"
#include "supervisor/backoff.h"
#include "supervisor/zygote-process.h"

namespace mayfly::supervisor {

// One zygote, held by its keeper and by each of its sandboxes.
class ZygoteGeneration final : public kj::Refcounted {
public:
  ZygoteGeneration(uint64_t number, kj::Own<Zygote> zygote)
      : number(number), zygote(kj::mv(zygote)) {}

  const uint64_t number;  // 1, 2, …
  kj::Own<Zygote> zygote;
  bool dead = false;

  // From the first sign of its end: nothing of this generation is worth handing out any more.
  bool dying() const { return dead || zygote->dying(); }
};

class ZygoteKeeper final {
public:
  static constexpr uint32_t MAX_FIRST_STARTS = 6;
  // Rejects DISCONNECTED if the zygote died, with anything else if it cannot be started here.
  using Start = kj::Function<kj::Promise<kj::Own<Zygote>>()>;

  ZygoteKeeper(kj::String label, Start start, kj::Timer& timer, observe::OperatorLog& log,
               Backoff backoff = Backoff());
  KJ_DISALLOW_COPY_AND_MOVE(ZygoteKeeper);

  // The running generation, as soon as there is one.
  kj::Promise<kj::Own<ZygoteGeneration>> current();

private:
  kj::Promise<void> keep();
  kj::Promise<kj::Maybe<kj::Own<Zygote>>> tryStart();
  void announce();

  const kj::String label;
  Start start;
  kj::Timer& timer;
  observe::OperatorLog& log;
  Backoff backoff;

  uint64_t lastNumber = 0;
  uint32_t firstStarts = 0;  // that failed
  kj::Maybe<kj::Own<ZygoteGeneration>> generation;
  kj::Maybe<kj::Exception> cannotStart;
  kj::ForkedPromise<void> changed;
  kj::Own<kj::PromiseFulfiller<void>> changedFulfiller;
  kj::Promise<void> keeping;
};

}  // namespace mayfly::supervisor
