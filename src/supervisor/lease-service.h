// A lease: one sandbox in the hands of a parent worker (schema/host.capnp).
//
// Contract   Owns its sandbox: when the last reference to the capability goes, be it dropped or lost with the parent's
//            process, the sandbox is killed.
// Trust      A parent keeps the books of its own sandboxes; at worst it cheats itself. Calls that make no sense are
//            refused, not obeyed.
// Threads    The supervisor's event loop.
#pragma once

#include <kj/memory.h>
#include <kj/refcount.h>

#include "schema/host.capnp.h"
#include "supervisor/host-service.h"
#include "supervisor/limits.h"
#include "supervisor/sandbox-process.h"

namespace mayfly::supervisor {

// How many leases one parent holds or waits for.
class LeaseCount final : public kj::Refcounted {
public:
  size_t live = 0;
};

// One of them, counted from the request to the end of the lease.
class LeaseSlot final {
public:
  explicit LeaseSlot(kj::Own<LeaseCount> of) : count(kj::mv(of)) { ++count->live; }
  LeaseSlot(LeaseSlot&&) = default;
  KJ_DISALLOW_COPY(LeaseSlot);
  ~LeaseSlot() noexcept(false) {
    if (count.get() != nullptr) --count->live;
  }

private:
  kj::Own<LeaseCount> count;
};

class LeaseService final : public schema::Lease::Server {
public:
  LeaseService(kj::Own<SandboxProcess> sandbox, kj::Own<SharedLog> log, LeaseSlot slot,
               LimitPolicy policy, Limits limits);

  kj::Maybe<int> getFd() override { return sandbox->loaderSocketFd(); }

  kj::Promise<void> began(BeganContext context) override;
  kj::Promise<void> finished(FinishedContext context) override;
  kj::Promise<void> ended(EndedContext context) override;

private:
  kj::Promise<void> tellOperator();

  kj::Own<SandboxProcess> sandbox;
  kj::Own<SharedLog> log;
  LeaseSlot slot;
  const LimitPolicy policy;
  const Limits limits;
  kj::Promise<void> telling;
};

}  // namespace mayfly::supervisor
