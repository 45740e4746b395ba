// Blank sandboxes, forked ahead of need, and the queue of those who wait for one.
//
// Contract   A blank sandbox has never seen a program. take() gives away one that is alive and whose zygote is, at once
//            if there is one; otherwise callers are served in the order in which they came. A blank that dies is
//            replaced. Nothing ever comes back: there is no method for it.
// Ownership  Destroying the pool kills the blanks and rejects those who wait. The spawner and timer must outlive it.
// Threads    The supervisor's event loop.
// Errors     take() rejects OVERLOADED (`ERR_OVERLOADED: …`) when too many wait, when one waited too long, and when
//            the machine cannot fork; otherwise with the error of the zygote that cannot be started.
// Cost       take() from a filled pool makes no system call for the default memory budget and one for a lower one.
// Pace       A fork, and what a new blank does before it waits, compete for the processor with the sandbox that was just
//            given away. While half of the blanks are left, refilling therefore waits for a quiet moment and makes one
//            blank at a time; below that it begins at once, after everything that is ready to run has run. For those
//            who wait there is always a fork at once.
#pragma once

#include <kj/async.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "supervisor/backoff.h"
#include "supervisor/spawner.h"

namespace mayfly::supervisor {

struct PoolOptions {
  size_t blanks = 4;
  size_t maxWaiting = 256;
  kj::Duration maxWait = 10 * kj::SECONDS;
  kj::Duration quiet = 3 * kj::MILLISECONDS;  // after the last lease, and between two blanks
  SandboxOrder order;                         // of a blank: the default memory budget
};

class BlankPool final : private kj::TaskSet::ErrorHandler {
public:
  BlankPool(Spawner& spawner, kj::Timer& timer, PoolOptions options);
  ~BlankPool() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(BlankPool);

  // A budget above the blanks' own needs a fork of its own and waits for it outside of the queue.
  kj::Promise<kj::Own<SandboxProcess>> take(uint64_t memoryBytes);

  size_t idleCount() const { return idle.size(); }
  size_t waitingCount() const { return waiting.size(); }

private:
  using Fulfiller = kj::PromiseFulfiller<kj::Own<SandboxProcess>>;
  static constexpr size_t MAX_FORKING = 4;  // asked of the zygote at once

  struct Waiter {
    uint64_t memoryBytes;
    kj::Own<Fulfiller> fulfiller;
  };
  struct Blank {
    kj::Own<SandboxProcess> sandbox;
    kj::Promise<void> watch;  // replaces it if it dies here
  };

  bool fitsBlank(uint64_t memoryBytes) const { return memoryBytes <= options.order.memoryBytes; }
  kj::Maybe<kj::Own<SandboxProcess>> takeIdle();
  kj::Promise<kj::Own<SandboxProcess>> expire(kj::Promise<kj::Own<SandboxProcess>> promise);

  void refillWhenDue();
  void refillSoon();
  void refill();
  bool wantsBlank() const { return idle.size() + forking < options.blanks + waiting.size(); }
  kj::Promise<void> refillQuietly();
  kj::Promise<void> forkBlank();
  kj::Promise<void> forkFor(uint64_t memoryBytes, kj::Own<Fulfiller> fulfiller);
  void admit(kj::Own<SandboxProcess> sandbox);
  void serve(Waiter waiter, kj::Own<SandboxProcess> sandbox);
  void forkFailed(kj::Exception&& why);
  kj::Promise<void> watchIdle(SandboxProcess& sandbox);
  void dropAbandoned();
  void taskFailed(kj::Exception&& exception) override;

  Spawner& spawner;
  kj::Timer& timer;
  const PoolOptions options;
  Backoff backoff{Backoff::Pace{
      .shortest = 5 * kj::MILLISECONDS, .longest = 1 * kj::SECONDS, .steady = 1 * kj::SECONDS}};
  kj::TimePoint lastFailure;
  bool paused = false;  // after a failure, until the pause is over

  std::deque<Blank> idle;  // oldest first
  std::deque<Waiter> waiting;
  size_t forking = 0;
  bool refillScheduled = false;
  kj::Promise<void> refilling = nullptr;
  kj::TimePoint lastLease;
  bool refillsQuietly = false;
  kj::Promise<void> quietRefilling = nullptr;
  kj::TaskSet tasks;
};

}  // namespace mayfly::supervisor
