// A parent worker: an application's own worker, in a sandbox with more grants than a dynamic one.
//
// Contract   After start() there is a running process or, after a crash, one on its way: it is started anew, with
//            pauses that grow while it keeps crashing. The listening socket stays open meanwhile, so clients wait
//            in its backlog instead of being refused. Everything the process held (leases, stubs) died with it.
// Ownership  Everything in ParentGrants must outlive it. Destroying it kills the process.
// Threads    The supervisor's event loop.
// Trust      The process is trusted for its own application only; what it sends is treated as hostile.
// Errors     start() rejects with an OperatorError if the program does not start the first time (`serve.program`).
//            A program that fails after a restart is logged and tried again.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/timer.h>

#include "schema/worker.capnp.h"
#include "supervisor/backoff.h"
#include "supervisor/loader-service.h"
#include "supervisor/spawner.h"

namespace mayfly::supervisor {

// One worker, as its configuration describes it.
struct ParentPlan {
  struct Variable {
    kj::String name;
    kj::String json;
  };
  struct Service {
    kj::String name;                        // in `env`
    schema::Entrypoint::Client entrypoint;  // of another parent: a ServiceRelay
  };

  kj::String name;
  kj::Function<void(schema::Program::Builder)>
      fillProgram;  // all but `env` and `outbound`; called at each start
  kj::Array<Variable> variables;
  kj::Array<kj::String> loaders;
  kj::Maybe<uint32_t> subrequests;  // of one of its own invocations; null: the default
  kj::Maybe<uint32_t> cpuMs;        // CPU time that one HTTP request may use; null: no limit
  kj::Vector<Service> services;
  kj::Vector<schema::Entrypoint::Client> tails;  // of other parents, who hear of its invocations
};

struct ParentGrants {
  Spawner& spawner;  // of the parents' own zygote
  kj::LowLevelAsyncIoProvider& io;
  kj::Timer& timer;
  observe::OperatorLog& log;
  const egress::OutboundNetwork& outbound;
  LoaderGrant loaders;
  bool logRequests = false;
  uint64_t memoryBytes = uint64_t{2}
                         << 30;  // an application, not a snippet: a bound against run-away growth
};

class ParentWorker final {
public:
  ParentWorker(const ParentGrants& grants, ParentPlan plan, Backoff backoff = Backoff());
  ~ParentWorker() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(ParentWorker);

  // Once. Resolves when the program runs and, if `socket` is given, serves HTTP on it. `socket` is a listening
  // descriptor that must stay open as long as this object lives.
  kj::Promise<void> start(kj::Maybe<int> socket = nullptr);

  // The running worker, as soon as there is one.
  kj::Promise<schema::Worker::Client> worker();

  // Kills the process it has at the moment; another one is started.
  void abort(EndReason reason);

  // How its latest process ended; null while the first one lives.
  const kj::Maybe<Ending>& lastEnding() const { return ended; }

  // Lets requests in flight finish. No restart from now on.
  kj::Promise<void> drain();

  kj::StringPtr name() const { return plan.name; }

private:
  struct Incarnation;

  kj::Promise<kj::Own<Incarnation>> incarnate();
  void fillBindings(schema::Program::Builder program);
  kj::Promise<void> keep();
  kj::Promise<bool> tryIncarnate();
  void goUp(kj::Own<Incarnation> incarnation);
  void goDown();

  const ParentGrants grants;
  ParentPlan plan;
  Backoff backoff;
  kj::Maybe<int> listeningSocket;
  kj::Own<LeaseTenant> tenant;

  kj::Maybe<kj::Own<Incarnation>> running;  // or ending
  bool up = false;                          // whether it can be called
  bool draining = false;
  kj::Maybe<Ending> ended;
  kj::ForkedPromise<void> wentUp;
  kj::Own<kj::PromiseFulfiller<void>> wentUpFulfiller;
  kj::Promise<void> keeping = nullptr;
};

}  // namespace mayfly::supervisor
