// The right of one parent worker to have sandboxes (schema/host.capnp).
//
// Contract   Knows its parent by being its capability, never by anything said. Applies the operator's caps and the
//            parent's share of sandboxes, then hands out a blank one with its clocks running.
// Ownership  Pool, log and network must outlive it and its leases.
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
  LimitPolicy policy;
  size_t maxLeases = 1'000;  // held by one parent at a time
};

class LoaderService final : public schema::Loader::Server {
public:
  LoaderService(const LoaderGrant& grant, kj::StringPtr parentName, kj::Own<LeaseCount> count);

  kj::Promise<void> lease(LeaseContext context) override;

private:
  const LoaderGrant grant;
  const kj::String parentName;
  kj::Own<LeaseCount> count;
};

}  // namespace mayfly::supervisor
