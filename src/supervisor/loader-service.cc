#include "supervisor/loader-service.h"

#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

constexpr size_t MAX_LABEL_BYTES = 128;
constexpr size_t MAX_STILLBORN = 3;  // in a row, and then the lease says itself why it ended
constexpr kj::StringPtr STANDARD_PROFILE = "standard"_kj;

// Cuts where a character begins: the log escapes the rest.
kj::ArrayPtr<const char> cutLabel(kj::StringPtr label) {
  size_t end = kj::min(label.size(), MAX_LABEL_BYTES);
  while (end > 0 && end < label.size() && (label[end] & 0xc0) == 0x80)
    --end;
  return label.slice(0, end);
}

}  // namespace

LoaderService::LoaderService(const LoaderGrant& grant, kj::StringPtr parentName,
                             kj::Own<LeaseTenant> tenant)
    : grant(grant), parentName(kj::str(parentName)), tenant(kj::mv(tenant)) {}

kj::Promise<void> LoaderService::lease(LeaseContext context) {
  auto params = context.getParams();
  auto profile = params.getProfile();
  if (profile != "" && profile != STANDARD_PROFILE) {
    kj::throwFatalException(KJ_EXCEPTION(
        UNIMPLEMENTED,
        kj::str("ERR_PROFILE_UNSUPPORTED: no zygote of this profile runs here; profiles: ",
                STANDARD_PROFILE)));
  }
  auto limits = grant.policy.forLease(params.getLimits());
  bool outbound = params.getOutbound();
  auto label =
      kj::str(parentName, "/",
              params.getLabel() == "" ? "unnamed"_kj.asArray() : cutLabel(params.getLabel()));
  context.releaseParams();
  auto slot = co_await tenant->acquire();
  auto sandbox = co_await grant.pool.take(limits.memoryBytes());
  // Its zygote may have died while it was on its way from the pool.
  for (size_t again = 0; !sandbox->alive() && again < MAX_STILLBORN; ++again)
    sandbox = co_await grant.pool.take(limits.memoryBytes());
  auto log = kj::refcounted<SharedLog>(grant.log.openSandbox(label));
  sandbox->assign(kj::addRef(*log),
                  outbound ? kj::Maybe<const egress::OutboundNetwork&>(grant.outbound) : nullptr);
  sandbox->startUpBegan(grant.policy.startUp());
  context.getResults(capnp::MessageSize{8, 1})
      .setLease(kj::heap<LeaseService>(kj::mv(sandbox), kj::mv(log), kj::addRef(*tenant),
                                       kj::mv(slot), grant.policy, limits));
}

kj::Promise<void> LoaderService::shortage(ShortageContext context) {
  context.getResults().setLeases(co_await tenant->shortage());
}

}  // namespace mayfly::supervisor
