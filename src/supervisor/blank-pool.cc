#include "supervisor/blank-pool.h"

#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

kj::Exception overloaded(kj::StringPtr why) {
  return KJ_EXCEPTION(OVERLOADED, kj::str("ERR_OVERLOADED: ", why));
}

void logFault(kj::Exception&& e) { KJ_LOG(ERROR, "the pool of blank sandboxes failed", e); }

}  // namespace

BlankPool::BlankPool(Spawner& spawner, kj::Timer& timer, PoolOptions options)
    : spawner(spawner),
      timer(timer),
      options(kj::mv(options)),
      lastFailure(timer.now()),
      lastLease(timer.now()),
      tasks(*this) {
  refillSoon();
}

BlankPool::~BlankPool() noexcept(false) = default;

kj::Promise<kj::Own<SandboxProcess>> BlankPool::take(uint64_t memoryBytes) {
  auto paf = kj::newPromiseAndFulfiller<kj::Own<SandboxProcess>>();
  if (!fitsBlank(memoryBytes)) {
    if (forking >= MAX_FORKING + options.maxWaiting)
      return overloaded("too many sandboxes are being started");
    ++forking;
    tasks.add(forkFor(memoryBytes, kj::mv(paf.fulfiller)));
    return expire(kj::mv(paf.promise));
  }
  KJ_IF_MAYBE (sandbox, takeIdle()) {
    lastLease = timer.now();
    refillWhenDue();
    serve({memoryBytes, kj::mv(paf.fulfiller)}, kj::mv(*sandbox));
    return kj::mv(paf.promise);
  }
  dropAbandoned();
  if (waiting.size() >= options.maxWaiting)
    return overloaded("too many loads are waiting for a sandbox");
  waiting.push_back({memoryBytes, kj::mv(paf.fulfiller)});
  refillSoon();
  return expire(kj::mv(paf.promise));
}

kj::Maybe<kj::Own<SandboxProcess>> BlankPool::takeIdle() {
  while (!idle.empty()) {
    auto sandbox = kj::mv(idle.front().sandbox);
    idle.pop_front();
    if (sandbox->alive()) return kj::mv(sandbox);
  }
  return nullptr;
}

kj::Promise<kj::Own<SandboxProcess>> BlankPool::expire(
    kj::Promise<kj::Own<SandboxProcess>> promise) {
  return promise.exclusiveJoin(
      timer.afterDelay(options.maxWait).then([]() -> kj::Own<SandboxProcess> {
        kj::throwFatalException(overloaded("no sandbox became free in time"));
      }));
}

void BlankPool::refillWhenDue() {
  if (!waiting.empty() || idle.size() * 2 < options.blanks) {
    refillSoon();
  } else if (!refillsQuietly) {
    refillsQuietly = true;
    quietRefilling = refillQuietly().eagerlyEvaluate(logFault);
  }
}

// Moments without a lease, each used for one blank, until the pool is full.
kj::Promise<void> BlankPool::refillQuietly() {
  KJ_DEFER(refillsQuietly = false);
  auto lastFork = lastLease;
  while (wantsBlank() && !paused) {
    auto quietFrom = kj::max(lastLease, lastFork) + options.quiet;
    if (timer.now() < quietFrom) {
      co_await timer.atTime(quietFrom);
      continue;
    }
    ++forking;
    co_await forkBlank();
    lastFork = timer.now();
  }
}

void BlankPool::refillSoon() {
  if (refillScheduled) return;
  refillScheduled = true;
  refilling = kj::evalLast([this]() {
                refillScheduled = false;
                refill();
              }).eagerlyEvaluate(logFault);
}

void BlankPool::refill() {
  if (paused) return;
  while (forking < MAX_FORKING && wantsBlank()) {
    ++forking;
    tasks.add(forkBlank());
  }
}

kj::Promise<void> BlankPool::forkBlank() {
  try {
    auto sandbox = co_await spawner.spawn(options.order);
    --forking;
    admit(kj::mv(sandbox));
  } catch (...) {
    --forking;
    forkFailed(kj::getCaughtExceptionAsKj());
  }
}

kj::Promise<void> BlankPool::forkFor(uint64_t memoryBytes, kj::Own<Fulfiller> fulfiller) {
  KJ_DEFER(--forking);
  auto order = options.order;
  order.memoryBytes = memoryBytes;
  try {
    fulfiller->fulfill(co_await spawner.spawn(order));
  } catch (...) {
    fulfiller->reject(kj::getCaughtExceptionAsKj());
  }
  refillWhenDue();
}

void BlankPool::admit(kj::Own<SandboxProcess> sandbox) {
  dropAbandoned();
  if (!waiting.empty()) {
    auto first = kj::mv(waiting.front());
    waiting.pop_front();
    serve(kj::mv(first), kj::mv(sandbox));
  } else {
    auto watch = watchIdle(*sandbox).eagerlyEvaluate(logFault);
    idle.push_back({kj::mv(sandbox), kj::mv(watch)});
  }
  refillWhenDue();
}

void BlankPool::serve(Waiter waiter, kj::Own<SandboxProcess> sandbox) {
  bool fits = waiter.memoryBytes == sandbox->order().memoryBytes ||
              sandbox->lowerMemoryBudget(waiter.memoryBytes);
  if (fits) {
    waiter.fulfiller->fulfill(kj::mv(sandbox));
  } else {
    ++forking;
    tasks.add(forkFor(waiter.memoryBytes, kj::mv(waiter.fulfiller)));
  }
}

// A zygote that died is replaced by its keeper, and those who wait go on waiting for the next one. Any other
// failure is told to the one whose turn it was; the others may be luckier after a pause.
void BlankPool::forkFailed(kj::Exception&& why) {
  dropAbandoned();
  if (why.getType() != kj::Exception::Type::DISCONNECTED && !waiting.empty()) {
    auto first = kj::mv(waiting.front());
    waiting.pop_front();
    first.fulfiller->reject(kj::mv(why));
  }
  if (paused) return;
  paused = true;
  auto pause = backoff.pauseAfter(timer.now() - lastFailure);
  lastFailure = timer.now();
  tasks.add(timer.afterDelay(kj::max(pause, 5 * kj::MILLISECONDS)).then([this]() {
    paused = false;
    refillSoon();
  }));
}

kj::Promise<void> BlankPool::watchIdle(SandboxProcess& sandbox) {
  co_await sandbox.onEnd();
  for (auto blank = idle.begin(); blank != idle.end(); ++blank) {
    if (blank->sandbox.get() != &sandbox) continue;
    // This coroutine is part of what is erased, so its end is left to a task of its own.
    tasks.add(kj::evalLater([dead = kj::mv(*blank)]() {}));
    idle.erase(blank);
    break;
  }
  // A blank that dies by itself, again and again, must not become a fork storm.
  forkFailed(KJ_EXCEPTION(DISCONNECTED, "a blank sandbox died"));
}

void BlankPool::dropAbandoned() {
  std::erase_if(waiting, [](Waiter& waiter) { return !waiter.fulfiller->isWaiting(); });
}

void BlankPool::taskFailed(kj::Exception&& exception) { logFault(kj::mv(exception)); }

}  // namespace mayfly::supervisor
