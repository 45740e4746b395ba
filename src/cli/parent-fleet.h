// The parent workers of one project, from configuration to running processes.
#pragma once

#include <kj/memory.h>
#include <kj/vector.h>

#include "config/bundler.h"
#include "config/program-source.h"
#include "config/worker-config.h"
#include "supervisor/parent-worker.h"

namespace mayfly::cli {

// Ownership  The grants' references must outlive it. Destroying it kills the processes.
// Threads    The event loop.
class ParentFleet final {
public:
  ParentFleet() = default;
  KJ_DISALLOW_COPY_AND_MOVE(ParentFleet);

  // Loads every worker's program and makes a parent of it; nothing is started. All three must outlive the promise.
  // Throws OperatorErrors.
  kj::Promise<void> build(kj::ArrayPtr<const config::WorkerConfig> workers,
                          config::Bundler& bundler, const supervisor::ParentGrants& grants);

  // Starts all of them side by side; a call to one that is not up yet waits for it. The first one serves `socket`.
  kj::Promise<void> start(kj::Maybe<int> socket);

  kj::Promise<void> drain();

  supervisor::ParentWorker& first() { return *parents.front(); }

private:
  void add(const config::WorkerConfig& worker, config::ProgramSource source,
           const supervisor::ParentGrants& grants);
  supervisor::ParentWorker& find(kj::StringPtr name);
  schema::Entrypoint::Client relayTo(kj::StringPtr worker, kj::StringPtr entrypoint,
                                     kj::StringPtr propsJson);

  kj::Vector<kj::Own<supervisor::ParentWorker>> parents;
};

}  // namespace mayfly::cli
