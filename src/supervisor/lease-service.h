// A lease: one sandbox in the hands of a parent worker (schema/host.capnp).
//
// Contract   Owns its sandbox: when the last reference to the capability goes, be it dropped or lost with the parent's
//            process, the sandbox is killed.
// Trust      A parent keeps the books of its own sandboxes; at worst it cheats itself. Calls that make no sense are
//            refused, not obeyed.
// Threads    The supervisor's event loop.
#pragma once

#include <kj/memory.h>

#include "schema/host.capnp.h"
#include "supervisor/host-service.h"
#include "supervisor/lease-queue.h"
#include "supervisor/limits.h"
#include "supervisor/sandbox-process.h"

namespace mayfly::supervisor {

class LeaseService final : public schema::Lease::Server {
public:
  LeaseService(kj::Own<SandboxProcess> sandbox, kj::Own<SharedLog> log, kj::Own<LeaseTenant> holder,
               LeaseSlot slot, LimitPolicy policy, Limits limits);

  kj::Maybe<int> getFd() override { return sandbox->loaderSocketFd(); }

  kj::Promise<void> began(BeganContext context) override;
  kj::Promise<void> finished(FinishedContext context) override;
  kj::Promise<void> ended(EndedContext context) override;

private:
  kj::Promise<void> tellOperator();

  kj::Own<LeaseTenant> holder;
  kj::Maybe<LeaseSlot> slot;  // until the sandbox has ended
  kj::Own<SandboxProcess> sandbox;
  kj::Own<SharedLog> log;
  const LimitPolicy policy;
  const Limits limits;
  kj::Promise<void> telling;
};

}  // namespace mayfly::supervisor
