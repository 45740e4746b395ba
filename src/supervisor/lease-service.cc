#include "supervisor/lease-service.h"

#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

// Loops and big arrays are everyday mistakes; a forbidden call or a crash is not.
observe::Level gravityOf(EndReason reason) {
  switch (reason) {
    case EndReason::VIOLATION:
    case EndReason::CRASHED:
      return observe::Level::ERROR;
    case EndReason::CPU_LIMIT:
    case EndReason::STARTUP_CPU_LIMIT:
    case EndReason::WALL_LIMIT:
    case EndReason::MEMORY_LIMIT:
    case EndReason::RETIRED:
    case EndReason::EXITED:
      return observe::Level::WARN;
    case EndReason::RELEASED:
      break;
  }
  return observe::Level::DEBUG;
}

}  // namespace

LeaseService::LeaseService(kj::Own<SandboxProcess> sandboxParam, kj::Own<SharedLog> log,
                           LeaseSlot slot, LimitPolicy policy, Limits limits)
    : sandbox(kj::mv(sandboxParam)),
      log(kj::mv(log)),
      slot(kj::mv(slot)),
      policy(policy),
      limits(limits),
      telling(tellOperator().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, e); })) {}

capnp::Capability::Server::DispatchCallResult LeaseService::dispatchCall(
    uint64_t interfaceId, uint16_t methodId,
    capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) {
  auto result = schema::Lease::Server::dispatchCall(interfaceId, methodId, context);
  result.allowCancellation = true;
  return result;
}

kj::Promise<void> LeaseService::began(BeganContext context) {
  if (!sandbox->alive()) return kj::READY_NOW;  // ended() says why; the call itself will fail
  if (!sandbox->began(policy.forInvocation(context.getParams().getLimits(), limits))) {
    return KJ_EXCEPTION(OVERLOADED,
                        "ERR_OVERLOADED: too many invocations in flight in one sandbox");
  }
  return kj::READY_NOW;
}

kj::Promise<void> LeaseService::finished(FinishedContext) {
  if (!sandbox->alive()) return kj::READY_NOW;
  KJ_REQUIRE(sandbox->finished(), "no invocation is in flight in this sandbox");
  return kj::READY_NOW;
}

kj::Promise<void> LeaseService::ended(EndedContext context) {
  auto ending = co_await sandbox->onEnd();
  auto result = context.getResults().initEnding();
  result.setReason(ending.reason);
  result.setDetail(ending.detail);
}

kj::Promise<void> LeaseService::tellOperator() {
  auto ending = co_await sandbox->onEnd();
  log->log->notice(gravityOf(ending.reason),
                   kj::str("sandbox ended: ", nameOf(ending.reason), " (", ending.detail, "), ",
                           ending.cpuMicros / 1000, " ms CPU"));
}

}  // namespace mayfly::supervisor
