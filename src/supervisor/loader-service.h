// The right of one parent worker to have sandboxes (schema/host.capnp).
//
// Contract   Knows its parent by being its capability, never by anything said. Applies the operator's caps, waits for
//            the parent's turn (lease-queue.h), then hands out a blank sandbox with its clocks running.
// Ownership  Pool, log, network and queue must outlive it and its leases.
// Threads    The supervisor's event loop.
// Trust      A parent is trusted for its own sandboxes only: limits are lowered to the caps, labels cut and escaped.
// Errors     Exceptions whose description begins with a stable code: ERR_PROFILE_UNSUPPORTED, ERR_TENANT_LIMIT,
//            ERR_OVERLOADED.
#pragma once

#include <kj/memory.h>
#include <kj/string.h>

#include "egress/network-entrypoint.h"
#include "observe/operator-log.h"
#include "supervisor/blank-pool.h"
#include "supervisor/lease-service.h"

namespace mayfly::supervisor {

// What a parent's loaders have in common.
struct LoaderGrant {
  BlankPool& pool;
  observe::OperatorLog& log;
  const egress::OutboundNetwork& outbound;
  LeaseQueue& queue;
  LimitPolicy policy;
  uint32_t idleMs =
      60'000;  // how long a named worker keeps its sandbox without a call; the parent sees to it
};

class LoaderService final : public schema::Loader::Server {
public:
  LoaderService(const LoaderGrant& grant, kj::StringPtr parentName, kj::Own<LeaseTenant> tenant);

  kj::Promise<void> lease(LeaseContext context) override;
  kj::Promise<void> shortage(ShortageContext context) override;

private:
  const LoaderGrant grant;
  const kj::String parentName;
  kj::Own<LeaseTenant> tenant;
};

}  // namespace mayfly::supervisor
