#include "cli/house.h"

#include <kj/debug.h>
#include <limits.h>
#include <unistd.h>

#include <cstring>

namespace mayfly::cli {
namespace {

// A sandbox has one thread, so it cannot use more CPU than time passes; this is the age at which even a supervisor
// that hangs is rid of it. The limits of single invocations are far below and enforced by timers.
constexpr uint32_t CPU_BACKSTOP_SECONDS = 15 * 60;

supervisor::LimitPolicy limitPolicyFrom(const config::MayflyOptions& options) {
  return {.defaults = {.cpuMs = options.cpuMs.byDefault,
                       .wallMs = options.wallMs.byDefault,
                       .memoryMb = options.memoryMb.byDefault},
          .caps = {.cpuMs = options.cpuMs.max,
                   .wallMs = options.wallMs.max,
                   .memoryMb = options.memoryMb.max},
          .startUpCpuMs = options.startupCpuMs,
          .subrequests = options.subRequests.byDefault,
          .maxSubrequests = options.subRequests.max};
}

supervisor::LeaseCaps leaseCapsFrom(const config::MayflyOptions& options) {
  return {.total = options.maxSandboxes,
          .perTenant = kj::min(options.maxSandboxesPerWorker, options.maxSandboxes),
          .maxWaiting = options.maxWaitingLoads,
          .maxWait = options.loadWaitMs * kj::MILLISECONDS};
}

egress::AddressPolicy addressPolicyFrom(const config::MayflyOptions& options) {
  egress::AddressPolicy policy;
  for (auto& rule : options.egressAllow)
    policy.allow(rule.text, rule.where);
  return policy;
}

kj::Own<egress::Resolver> resolverFrom(const config::MayflyOptions& options) {
  KJ_IF_MAYBE (server, options.nameServer)
    return egress::newSystemResolver(egress::readNameServer(server->text, server->where));
  return egress::newSystemResolver();
}

}  // namespace

kj::String findSibling(kj::StringPtr program) {
  char path[PATH_MAX];
  ssize_t size;
  KJ_SYSCALL(size = readlink("/proc/self/exe", path, sizeof path - 1));
  path[size] = 0;
  char* slash = strrchr(path, '/');
  KJ_ASSERT(slash != nullptr);
  *slash = 0;
  return kj::str(path, "/", program);
}

House::Wing::Wing(House& house, kj::StringPtr label)
    : keeper(
          kj::str(label),
          [&house, label]() {
            return supervisor::startZygote(
                house.io.unixEventPort, *house.io.lowLevelProvider,
                {.binary = findSibling("mayfly-zygote"),
                 .v8Flags = nullptr,
                 .label = label,
                 .acceptMissingNamespaces = house.missingNamespaces == MissingNamespaces::ACCEPT});
          },
          house.io.provider->getTimer(), house.log),
      spawner(keeper, house.reaper, house.cpuClocks, house.io.unixEventPort,
              *house.io.lowLevelProvider, house.io.provider->getTimer()) {}

House::House(kj::AsyncIoContext& io, observe::OperatorLog& log,
             const config::MayflyOptions& options, MissingNamespaces missingNamespaces)
    : io(io),
      log(log),
      limitPolicy(limitPolicyFrom(options)),
      blankSandboxes(options.blankSandboxes),
      leaseCaps(leaseCapsFrom(options)),
      idleMs(options.idleMs),
      missingNamespaces(missingNamespaces),
      cpuClocks(io.unixEventPort),
      leaseQueue(io.provider->getTimer(), leaseCaps),
      resolver(resolverFrom(options)),
      addressPolicy(addressPolicyFrom(options)),
      outbound{.network = io.provider->getNetwork(),
               .timer = io.provider->getTimer(),
               .resolver = *resolver,
               .tls = tls,
               .policy = addressPolicy,
               .limits = {}} {}

House::~House() noexcept(false) = default;

void House::openForParents() {
  parents = kj::heap<Wing>(*this, "parents");
  pool = kj::heap<supervisor::BlankPool>(
      dynamicSpawner(), io.provider->getTimer(),
      supervisor::PoolOptions{.blanks = blankSandboxes,
                              .maxWaiting = leaseCaps.total,  // whoever waits here has a slot
                              .order = {.role = zygote::Role::DYNAMIC,
                                        .memoryBytes = limitPolicy.defaults.memoryBytes(),
                                        .cpuSeconds = CPU_BACKSTOP_SECONDS}});
}

kj::Promise<void> House::untilReady() {
  auto standing = kj::heapArrayBuilder<kj::Promise<void>>(2);
  standing.add(KJ_ASSERT_NONNULL(parents)->keeper.current().ignoreResult());
  standing.add(KJ_ASSERT_NONNULL(dynamic)->keeper.current().ignoreResult());
  return kj::joinPromisesFailFast(standing.finish());
}

supervisor::Spawner& House::dynamicSpawner() {
  if (dynamic == nullptr) dynamic = kj::heap<Wing>(*this, "standard");
  return KJ_ASSERT_NONNULL(dynamic)->spawner;
}

supervisor::ParentGrants House::parentGrants() {
  return {.spawner = KJ_ASSERT_NONNULL(parents)->spawner,
          .io = *io.lowLevelProvider,
          .timer = io.provider->getTimer(),
          .log = log,
          .outbound = outbound,
          .loaders = {.pool = *KJ_ASSERT_NONNULL(pool),
                      .log = log,
                      .outbound = outbound,
                      .queue = leaseQueue,
                      .policy = limitPolicy,
                      .idleMs = idleMs}};
}

}  // namespace mayfly::cli
