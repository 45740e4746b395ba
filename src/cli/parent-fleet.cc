#include "cli/parent-fleet.h"

#include <kj/debug.h>

#include "base/error.h"
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
  ParentPlan plan = {.name = kj::str(worker.name),
                     .fillProgram =
                         [source = kj::mv(source)](schema::Program::Builder program) {
                           config::fillProgram(program, source);
                         },
                     .variables = KJ_MAP(variable, worker.vars){return ParentPlan::Variable{
                         .name = kj::str(variable.name), .json = kj::str(variable.json)};
}
, .loaders = KJ_MAP(loader, worker.loaders) { return kj::str(loader.name); }
, .services = {},
};  // namespace mayfly::cli
for (auto& service : worker.services) {
  if (service.propsJson != "") {
    // Props narrow what a binding may do: to leave them out would widen it.
    OperatorError{.code = kj::str("serve.service-props"),
                  .what = kj::str("service binding \"", service.name,
                                  "\" has `props`, which are not supported"),
                  .where = kj::str(service.where),
                  .why = kj::String(),
                  .fix = kj::str("remove `props`, or export an entrypoint of its own for this use")}
        .raise();
  }
  plan.services.add(ParentPlan::Service{
      .name = kj::str(service.name),
      .entrypoint = supervisor::newServiceRelay(
          [this, target = kj::str(service.service)]() -> ParentWorker& { return find(target); },
          kj::str(service.entrypoint))});
}
parents.add(kj::heap<ParentWorker>(grants, kj::mv(plan)));
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
