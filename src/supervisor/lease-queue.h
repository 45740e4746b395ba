// Who may have a sandbox now, and who waits for one to become free.
//
// Contract   No tenant (a parent worker) holds more than its share, and all together no more than the total. Who asks for
//            more waits: first come, first served within a tenant, in turns between tenants. A wait is bounded in time, and
//            so is the number of those who wait. Who stops waiting (its promise is dropped) is out of the queue at once.
//            A slot is held from acquire() to its destruction; the next in turn gets it then.
// Shortage   A tenant may hold sandboxes that nothing runs in: kept for the next call, or loaded and not called yet. While
//            somebody waits who could use their slots, shortage() tells the tenant how many to give back; which, it
//            knows best. It is told when a wait begins, when one of its waits is given up and others remain, and whenever one
//            of its sandboxes falls idle during one, so that "all taken, none busy" does not last.
// Ownership  The queue must outlive its tenants' slots and waits. Tenants are shared by their slots.
// Threads    The supervisor's event loop.
// Errors     OVERLOADED, with ERR_TENANT_LIMIT if the tenant's own share is what it waits for, else ERR_OVERLOADED.
#pragma once

#include <kj/async.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/time.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include <cstddef>
#include <cstdint>
#include <list>

namespace mayfly::supervisor {

struct LeaseCaps {
  size_t total = 2'000;
  size_t perTenant = 1'000;
  size_t maxWaiting = 1'000;  // of one tenant
  kj::Duration maxWait = 10 * kj::SECONDS;
};

class LeaseTenant;

// The right to one sandbox.
class LeaseSlot final {
public:
  explicit LeaseSlot(kj::Own<LeaseTenant> tenant);
  LeaseSlot(LeaseSlot&&) = default;
  LeaseSlot& operator=(LeaseSlot&&) = delete;
  KJ_DISALLOW_COPY(LeaseSlot);
  ~LeaseSlot() noexcept(false);

private:
  kj::Own<LeaseTenant> tenant;
};

class LeaseQueue final {
public:
  LeaseQueue(kj::Timer& timer, LeaseCaps caps) : timer(timer), caps(caps) {}
  ~LeaseQueue() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(LeaseQueue);

  kj::Own<LeaseTenant> newTenant();

  size_t live() const { return taken; }
  size_t waiting() const;

private:
  friend class LeaseTenant;

  void serve();
  void askForIdleOnes(LeaseTenant& onBehalfOf);

  kj::Timer& timer;
  const LeaseCaps caps;
  size_t taken = 0;
  std::list<LeaseTenant*> tenants;  // whose turn it is first
};

class LeaseTenant final : public kj::Refcounted {
public:
  explicit LeaseTenant(LeaseQueue& queue);
  ~LeaseTenant() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(LeaseTenant);

  kj::Promise<LeaseSlot> acquire();

  // Resolves to a number of slots to give back, as soon as there is a reason. One that is dropped has no effect.
  kj::Promise<uint32_t> shortage();

  // Nothing runs in one of its sandboxes any more.
  void fellIdle();

  size_t live() const { return taken; }
  size_t waiting() const { return waiters.size(); }

private:
  friend class LeaseQueue;
  friend class LeaseSlot;
  class Waiter;

  bool atItsShare() const { return taken >= queue.caps.perTenant; }
  void take();
  void giveBack();
  void ask();
  kj::Exception overdue() const;

  LeaseQueue& queue;
  size_t taken = 0;
  std::list<Waiter*> waiters;  // oldest first
  uint32_t asked = 0;          // and not told yet
  kj::Vector<kj::Own<kj::PromiseFulfiller<uint32_t>>> listeners;
};

}  // namespace mayfly::supervisor
