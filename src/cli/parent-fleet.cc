#include "cli/parent-fleet.h"

#include <kj/debug.h>

#include "supervisor/service-relay.h"

namespace mayfly::cli {

using supervisor::ParentPlan;
using supervisor::ParentWorker;

kj::Promise<void> ParentFleet::build(kj::ArrayPtr<const config::WorkerConfig> workers,
                                     config::Bundler& bundler,
                                     const supervisor::ParentGrants& grants) {
  auto loads = KJ_MAP(worker, workers) { return config::loadProgram(worker, bundler); };
  auto sources = co_await kj::joinPromisesFailFast(kj::mv(loads));
  for (auto i : kj::indices(workers))
    add(workers[i], kj::mv(sources[i]), grants);
}

void ParentFleet::add(const config::WorkerConfig& worker, config::ProgramSource source,
                      const supervisor::ParentGrants& grants) {
  ParentPlan plan;
  plan.name = kj::str(worker.name);
  plan.fillProgram = [source = kj::mv(source)](schema::Program::Builder program) {
    config::fillProgram(program, source);
  };
  auto variables = kj::heapArrayBuilder<ParentPlan::Variable>(worker.vars.size());
  for (auto& variable : worker.vars)
    variables.add(kj::str(variable.name), kj::str(variable.json));
  plan.variables = variables.finish();
  auto loaders = kj::heapArrayBuilder<kj::String>(worker.loaders.size());
  for (auto& loader : worker.loaders)
    loaders.add(kj::str(loader.name));
  plan.loaders = loaders.finish();
  plan.subrequests = worker.subrequests;
  plan.cpuMs = worker.cpuMs;
  for (auto& service : worker.services) {
    plan.services.add(kj::str(service.name),
                      relayTo(service.service, service.entrypoint, service.propsJson));
  }
  for (auto& consumer : worker.tailConsumers)
    plan.tails.add(relayTo(consumer.service, ""_kj, ""_kj));
  parents.add(kj::heap<ParentWorker>(grants, kj::mv(plan)));
}

schema::Entrypoint::Client ParentFleet::relayTo(kj::StringPtr worker, kj::StringPtr entrypoint,
                                                kj::StringPtr propsJson) {
  auto findTarget = [this, name = kj::str(worker)]() -> ParentWorker& { return find(name); };
  return supervisor::newServiceRelay(kj::mv(findTarget), kj::str(entrypoint), kj::str(propsJson));
}

kj::Promise<void> ParentFleet::start(kj::Maybe<int> socket) {
  kj::Vector<kj::Promise<void>> starts;
  for (auto& parent : parents) {
    starts.add(parent->start(socket));
    socket = nullptr;
  }
  return kj::joinPromisesFailFast(starts.releaseAsArray());
}

kj::Promise<void> ParentFleet::drain() {
  // One after the other: while the first one finishes its requests it still needs the services of the rest.
  for (auto& parent : parents) {
    try {
      co_await parent->drain();
    } catch (...) {
      // Its process is gone, so there is nothing left to finish.
      KJ_LOG(INFO, "a worker ended while it was drained", kj::getCaughtExceptionAsKj());
    }
  }
}

ParentWorker& ParentFleet::find(kj::StringPtr name) {
  for (auto& parent : parents) {
    if (parent->name() == name) return *parent;
  }
  KJ_FAIL_REQUIRE("no worker of this name; the configuration's reader refuses such services", name);
}

}  // namespace mayfly::cli
