// What the supervisor does for one sandbox: the server behind its descriptor 3 (schema/host.capnp).
//
// Contract   A blank sandbox gets nothing: what it says is dropped and the network refuses. assign() opens its
//            log and, if its lease allows, the network; revoke() closes both for good, so that a message still
//            under way when the sandbox was killed has no effect.
// Ownership  The clock, the OperatorLog and the OutboundNetwork must outlive it and every capability obtained through it.
// Threads    The supervisor's event loop.
// Trust      Every argument was written by hostile code. It is bounded here and escaped by the log.
#pragma once

#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "egress/network-entrypoint.h"
#include "observe/operator-log.h"
#include "schema/host.capnp.h"
#include "supervisor/invocation-clock.h"
#include "supervisor/limits.h"

namespace mayfly::supervisor {

// The log of one sandbox, shared by those who write about it.
class SharedLog final : public kj::Refcounted {
public:
  explicit SharedLog(kj::Own<observe::SandboxLog> log) : log(kj::mv(log)) {}
  kj::Own<observe::SandboxLog> log;
};

class HostService final : public schema::Host::Server {
public:
  explicit HostService(InvocationClock& clock) : clock(clock) {}

  // Once, when the sandbox is handed out. `outbound` null: no network.
  void assign(kj::Own<SharedLog> log, kj::Maybe<const egress::OutboundNetwork&> outbound);
  void revoke();

  // A parent worker that keeps the books of its own invocations is held to `limits`.
  void limitOwnInvocations(const Limits& limits) { ownLimits = limits; }

  kj::Promise<void> log(LogContext context) override;
  kj::Promise<void> outbound(OutboundContext context) override;
  kj::Promise<void> started(StartedContext context) override;
  kj::Promise<void> served(ServedContext context) override;
  kj::Promise<void> began(BeganContext context) override;
  kj::Promise<void> finished(FinishedContext context) override;

private:
  InvocationClock& clock;
  bool revoked = false;
  kj::Maybe<Limits> ownLimits;
  kj::Maybe<kj::Own<SharedLog>> sandboxLog;
  schema::Entrypoint::Client network = egress::newRefusingEntrypoint();
};

}  // namespace mayfly::supervisor
