#include "supervisor/lease-queue.h"

#include <kj/debug.h>

#include <algorithm>
#include <utility>

namespace mayfly::supervisor {

LeaseSlot::LeaseSlot(kj::Own<LeaseTenant> of) : tenant(kj::mv(of)) { tenant->take(); }

LeaseSlot::~LeaseSlot() noexcept(false) {
  if (tenant.get() != nullptr) tenant->giveBack();
}

// One who waits; leaves the queue when its promise is dropped or it is served.
class LeaseTenant::Waiter {
public:
  Waiter(kj::PromiseFulfiller<LeaseSlot>& fulfiller, LeaseTenant& tenant)
      : fulfiller(fulfiller), tenant(tenant) {
    tenant.waiters.push_back(this);
  }
  ~Waiter() noexcept(false) {
    bool abandoned = waiting;
    leave();
    if (abandoned && tenant.queue.waiting() > 0) tenant.queue.askForIdleOnes(tenant);
  }
  KJ_DISALLOW_COPY_AND_MOVE(Waiter);

  void serve() {
    leave();
    fulfiller.fulfill(LeaseSlot(kj::addRef(tenant)));
  }

private:
  void leave() {
    if (waiting) tenant.waiters.remove(this);
    waiting = false;
  }

  kj::PromiseFulfiller<LeaseSlot>& fulfiller;
  LeaseTenant& tenant;
  bool waiting = true;
};

LeaseQueue::~LeaseQueue() noexcept(false) = default;

kj::Own<LeaseTenant> LeaseQueue::newTenant() { return kj::refcounted<LeaseTenant>(*this); }

size_t LeaseQueue::waiting() const {
  size_t sum = 0;
  for (auto* tenant : tenants)
    sum += tenant->waiting();
  return sum;
}

void LeaseQueue::serve() {
  while (taken < caps.total) {
    auto next = std::ranges::find_if(tenants, [](LeaseTenant* tenant) {
      return tenant->waiting() > 0 && !tenant->atItsShare();
    });
    if (next == tenants.end()) return;
    auto* tenant = *next;
    tenants.splice(tenants.end(), tenants, next);
    tenant->waiters.front()->serve();
  }
}

void LeaseQueue::askForIdleOnes(LeaseTenant& onBehalfOf) {
  if (onBehalfOf.atItsShare()) return onBehalfOf.ask();
  for (auto* tenant : tenants)
    tenant->ask();
}

LeaseTenant::LeaseTenant(LeaseQueue& queue) : queue(queue) { queue.tenants.push_back(this); }

LeaseTenant::~LeaseTenant() noexcept(false) { queue.tenants.remove(this); }

kj::Promise<LeaseSlot> LeaseTenant::acquire() {
  // Whoever may have one gets it at once: those who wait, of this tenant or of others, wait for what it does not take.
  if (queue.taken < queue.caps.total && !atItsShare()) return LeaseSlot(kj::addRef(*this));
  if (waiters.size() >= queue.caps.maxWaiting) {
    return KJ_EXCEPTION(OVERLOADED,
                        kj::str("ERR_TENANT_LIMIT: this worker holds ", taken, " sandboxes, and ",
                                waiters.size(), " loads wait for another one already"));
  }
  auto slot = kj::newAdaptedPromise<LeaseSlot, Waiter>(*this);
  queue.askForIdleOnes(*this);
  return slot
      .exclusiveJoin(queue.timer.afterDelay(queue.caps.maxWait).then([this]() -> LeaseSlot {
        kj::throwFatalException(overdue());
      }))
      .attach(kj::addRef(*this));
}

kj::Exception LeaseTenant::overdue() const {
  auto seconds = static_cast<double>(queue.caps.maxWait / kj::MILLISECONDS) / 1000;
  if (atItsShare()) {
    return KJ_EXCEPTION(
        OVERLOADED,
        kj::str("ERR_TENANT_LIMIT: this worker holds ", taken,
                " sandboxes, as many as it may; none became free within ", seconds, " s"));
  }
  return KJ_EXCEPTION(OVERLOADED,
                      kj::str("ERR_OVERLOADED: all ", queue.taken,
                              " sandboxes are taken; none became free within ", seconds, " s"));
}

kj::Promise<uint32_t> LeaseTenant::shortage() {
  if (asked > 0) return std::exchange(asked, 0);
  auto paf = kj::newPromiseAndFulfiller<uint32_t>();
  listeners.add(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

void LeaseTenant::ask() {
  if (taken == 0) return;
  asked = static_cast<uint32_t>(kj::min(asked + 1, kj::min(taken, queue.waiting())));
  // Each of its loaders may listen; any can give back what any has taken.
  auto told = kj::mv(listeners);
  for (auto& listener : told) {
    if (asked == 0 || !listener->isWaiting()) continue;
    listener->fulfill(std::exchange(asked, 0));
  }
}

void LeaseTenant::fellIdle() {
  if (waiters.empty() && (queue.taken < queue.caps.total || queue.waiting() == 0)) return;
  ask();
}

void LeaseTenant::take() {
  ++taken;
  ++queue.taken;
}

void LeaseTenant::giveBack() {
  --taken;
  --queue.taken;
  queue.serve();
}

}  // namespace mayfly::supervisor
