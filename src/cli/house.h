// Everything that runs behind a command: zygotes, pool, network, logs, constructed in one place and taken down in
// the opposite order.
//
// Contract   Zygotes start at once, side by side; whoever needs one waits for it, or for all with untilReady(). A command that needs no parent
//            workers (or no pool) does not pay for them.
// Ownership  The AsyncIoContext, the clocks and the sink must outlive it; so must it whatever it is asked for.
//            Destroying it kills every process it started and returns when the kernel has ended them.
// Threads    The event loop.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/tls.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "config/mayfly-options.h"
#include "egress/network-entrypoint.h"
#include "observe/operator-log.h"
#include "supervisor/blank-pool.h"
#include "supervisor/cpu-clock.h"
#include "supervisor/lease-queue.h"
#include "supervisor/parent-worker.h"
#include "supervisor/spawner.h"
#include "supervisor/zygote-keeper.h"

namespace mayfly::cli {

// The absolute path of a program that was installed beside this one.
kj::String findSibling(kj::StringPtr program);

// Whether to go on where the machine allows no namespaces (grade B or C).
enum class MissingNamespaces : uint8_t { REFUSE, ACCEPT };

class House final {
public:
  House(kj::AsyncIoContext& io, observe::OperatorLog& log, const config::MayflyOptions& options,
        MissingNamespaces missingNamespaces = MissingNamespaces::REFUSE);
  ~House() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(House);

  // Starts a zygote for parent workers, one for dynamic workers, and the pool.
  void openForParents();

  // After openForParents(): resolves when both zygotes stand, rejects with the error of one that cannot be started.
  kj::Promise<void> untilReady();

  // Of sandboxes without a pool, for `mayfly run`. Starts the dynamic workers' zygote only.
  supervisor::Spawner& dynamicSpawner();

  // After openForParents().
  supervisor::ParentGrants parentGrants();

  const supervisor::LimitPolicy& limits() const { return limitPolicy; }

private:
  // One zygote and what forks from it.
  struct Wing {
    supervisor::ZygoteKeeper keeper;
    supervisor::ZygoteSpawner spawner;
    Wing(House& house, kj::StringPtr label);
  };

  kj::AsyncIoContext& io;
  observe::OperatorLog& log;
  supervisor::LimitPolicy limitPolicy;
  const uint32_t blankSandboxes;
  const supervisor::LeaseCaps leaseCaps;
  const uint32_t idleMs;
  const MissingNamespaces missingNamespaces;

  supervisor::KernelCpuClocks cpuClocks;
  supervisor::LeaseQueue leaseQueue;
  supervisor::Reaper reaper;  // holds the clocks of children whose exit is not collected yet
  kj::Own<egress::Resolver> resolver;
  kj::TlsContext tls;
  egress::AddressPolicy addressPolicy;
  egress::OutboundNetwork outbound;

  kj::Maybe<kj::Own<Wing>> parents;
  kj::Maybe<kj::Own<Wing>> dynamic;
  kj::Maybe<kj::Own<supervisor::BlankPool>> pool;
};

}  // namespace mayfly::cli
