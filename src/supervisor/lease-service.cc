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
    case EndReason::ABORTED:
      return observe::Level::WARN;
    case EndReason::RELEASED:
      break;
  }
  return observe::Level::DEBUG;
}

}  // namespace

LeaseService::LeaseService(kj::Own<SandboxProcess> sandboxParam, kj::Own<SharedLog> log,
                           kj::Own<LeaseTenant> holder, LeaseSlot slot, LimitPolicy policy,
                           Limits limits)
    : holder(kj::mv(holder)),
      slot(kj::mv(slot)),
      sandbox(kj::mv(sandboxParam)),
      log(kj::mv(log)),
      policy(policy),
      limits(limits),
      telling(tellOperator().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, e); })) {}

kj::Promise<void> LeaseService::began(BeganContext context) {
  if (!sandbox->alive()) return kj::READY_NOW;  // ended() says why; the call itself will fail
  auto params = context.getParams();
  auto number = params.getInvocation();
  switch (sandbox->began(number, policy.forInvocation(params.getLimits(), limits))) {
    case Admission::BEGUN:
      return kj::READY_NOW;
    case Admission::FULL:
      return KJ_EXCEPTION(OVERLOADED,
                          "ERR_OVERLOADED: too many invocations in flight in one sandbox");
    case Admission::NUMBER_TAKEN:
      break;
  }
  KJ_FAIL_REQUIRE("an invocation of this number is in flight in this sandbox", number);
}

kj::Promise<void> LeaseService::finished(FinishedContext context) {
  if (!sandbox->alive()) return kj::READY_NOW;
  auto number = context.getParams().getInvocation();
  KJ_REQUIRE(sandbox->finished(number), "no invocation of this number is in flight in this sandbox",
             number);
  if (sandbox->inFlight() == 0) holder->fellIdle();
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
  slot = nullptr;
  log->log->notice(gravityOf(ending.reason),
                   kj::str("sandbox ended: ", nameOf(ending.reason), " (", ending.detail, "), ",
                           ending.cpuMicros / 1000, " ms CPU"));
}

}  // namespace mayfly::supervisor
