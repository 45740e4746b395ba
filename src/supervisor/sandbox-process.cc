#include "supervisor/sandbox-process.h"

#include <kj/debug.h>
#include <sys/resource.h>

namespace mayfly::supervisor {
namespace {

// How long a process may live after it closed descriptor 3. One that is ending closes it a moment before its
// pidfd tells; one that goes on without us has no business left.
constexpr auto FAREWELL = 1 * kj::SECONDS;

void logFault(kj::Exception&& e) { KJ_LOG(ERROR, "watching a sandbox failed", e); }

}  // namespace

SandboxProcess::SandboxProcess(Parts parts)
    : SandboxProcess(kj::mv(parts), kj::heap<HostService>(clock)) {}

SandboxProcess::SandboxProcess(Parts parts, kj::Own<HostService> service)
    : timer(parts.timer),
      child(kj::mv(parts.child)),
      ordered(parts.order),
      loaderSocket(kj::mv(parts.loaderSocket)),
      clock(parts.timer, *child, [this](EndReason reason) { kill(reason); }),
      host(*service),
      hostClient(kj::mv(service)),
      connection(kj::heap<SandboxConnection>(parts.io, kj::mv(parts.hostSocket), hostClient)),
      connectionWatch(watchConnection().eagerlyEvaluate(logFault)) {
  KJ_ON_SCOPE_FAILURE(child->kill());  // no destructor runs for what was not constructed
  child->startCpuClock(parts.cpuClocks, [this]() { clock.cpuDeadlinePassed(); });
}

SandboxProcess::~SandboxProcess() noexcept(false) {
  child->stopCpuClock();  // its callback names this object
  child->kill();
}

void SandboxProcess::assign(kj::Own<SharedLog> log,
                            kj::Maybe<const egress::OutboundNetwork&> outbound) {
  host.assign(kj::mv(log), outbound);
}

bool SandboxProcess::lowerMemoryBudget(uint64_t memoryBytes) {
  auto base = child->generation().zygote->report().baseDataBytes;
  if (base == 0 || memoryBytes > ordered.memoryBytes) return false;
  // Lowering needs no capability; who made the user namespace of a process may do it.
  rlimit64 limit = {.rlim_cur = base + memoryBytes, .rlim_max = base + memoryBytes};
  if (prlimit64(child->pid(), RLIMIT_DATA, &limit, nullptr) != 0) return false;
  ordered.memoryBytes = memoryBytes;
  return true;
}

void SandboxProcess::kill(EndReason reason) {
  if (killedFor != nullptr) return;
  killedFor = reason;
  child->kill();
  host.revoke();
  // Not at once: this may be a call of the very connection that is to be closed.
  closing = kj::evalLater([this]() {
              connectionWatch = nullptr;
              connection = nullptr;
            }).eagerlyEvaluate(logFault);
}

kj::Promise<Ending> SandboxProcess::onEnd() {
  co_await child->onCollected();
  auto& exit = KJ_ASSERT_NONNULL(child->findExit());
  co_return classifyExit({
      .waitStatus = exit.report.waitStatus,
      .cpuMicros = exit.report.cpuMicros,
      .maxRssKb = exit.report.maxRssKb,
      .killedFor = killedFor,
      .zygoteDied = exit.zygoteDied,
      .cpuBackstopSeconds = ordered.cpuSeconds,
      .memoryBytes = ordered.memoryBytes,
  });
}

kj::Promise<void> SandboxProcess::watchConnection() {
  auto& watched = *KJ_ASSERT_NONNULL(connection);
  co_await watched.onDisconnect();
  if (watched.peerHungUp()) co_await timer.afterDelay(FAREWELL);
  if (child->alive()) kill(EndReason::VIOLATION);
}

}  // namespace mayfly::supervisor
