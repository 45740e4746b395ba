#include "supervisor/parent-worker.h"

#include <kj/debug.h>

#include "base/error.h"
#include "base/text-escape.h"
#include "supervisor/listening-socket.h"

namespace mayfly::supervisor {

namespace {

constexpr auto FAREWELL = 1 * kj::SECONDS;

}  // namespace

// One process of the worker. Members are destroyed last to first: capabilities, then connection, then process.
struct ParentWorker::Incarnation {
  kj::Own<SandboxProcess> process;
  kj::Own<SandboxConnection> connection;
  schema::Worker::Client worker;
};

ParentWorker::ParentWorker(const ParentGrants& grants, ParentPlan plan, Backoff backoff)
    : grants(grants),
      plan(kj::mv(plan)),
      backoff(backoff),
      tenant(grants.loaders.queue.newTenant()),
      wentUp(nullptr) {
  goDown();
}

ParentWorker::~ParentWorker() noexcept(false) = default;

kj::Promise<void> ParentWorker::start(kj::Maybe<int> socket) {
  listeningSocket = socket;
  goUp(co_await incarnate());
  keeping = keep().eagerlyEvaluate(
      [](kj::Exception&& e) { KJ_LOG(ERROR, "a parent worker is no longer kept", e); });
}

kj::Promise<schema::Worker::Client> ParentWorker::worker() {
  while (!up)
    co_await wentUp.addBranch();
  co_return KJ_ASSERT_NONNULL(running)->worker;
}

void ParentWorker::abort(EndReason reason) {
  if (!up) return;
  goDown();
  KJ_ASSERT_NONNULL(running)->process->kill(reason);
}

kj::Promise<void> ParentWorker::drain() {
  draining = true;
  if (up) co_await KJ_ASSERT_NONNULL(running)->worker.drainRequest().send().ignoreResult();
}

void ParentWorker::goUp(kj::Own<Incarnation> incarnation) {
  running = kj::mv(incarnation);
  up = true;
  wentUpFulfiller->fulfill();
}

void ParentWorker::goDown() {
  up = false;
  auto paf = kj::newPromiseAndFulfiller<void>();
  wentUp = paf.promise.fork();
  wentUpFulfiller = kj::mv(paf.fulfiller);
}

kj::Promise<void> ParentWorker::keep() {
  for (;;) {
    auto startedAt = grants.timer.now();
    auto& incarnation = *KJ_ASSERT_NONNULL(running);
    // Its connection tells first: whoever asks from then on waits for the next one.
    co_await incarnation.connection->onDisconnect().exclusiveJoin(
        incarnation.process->onEnd().ignoreResult());
    if (up) goDown();
    // Should the process live on without its connection, it has no purpose any more.
    auto impatience = grants.timer.afterDelay(FAREWELL)
                          .then([&]() { incarnation.process->kill(EndReason::VIOLATION); })
                          .eagerlyEvaluate(nullptr);
    auto ending = co_await incarnation.process->onEnd();
    impatience = nullptr;
    running = nullptr;
    if (draining) co_return;
    grants.log.system(observe::Level::ERROR,
                      kj::str("worker ", plan.name, " ended and is started anew: ",
                              nameOf(ending.reason), " (", ending.detail, ")"));
    ended = kj::mv(ending);
    auto lifetime = grants.timer.now() - startedAt;
    do {
      auto pause = backoff.pauseAfter(lifetime);
      if (pause > 0 * kj::SECONDS) co_await grants.timer.afterDelay(pause);
      lifetime = 0 * kj::SECONDS;
    } while (!co_await tryIncarnate());
  }
}

kj::Promise<bool> ParentWorker::tryIncarnate() {
  try {
    goUp(co_await incarnate());
    co_return true;
  } catch (...) {
    auto why = kj::getCaughtExceptionAsKj();
    grants.log.system(observe::Level::ERROR, describeForOperator(why));
  }
  co_return false;
}

kj::Promise<kj::Own<ParentWorker::Incarnation>> ParentWorker::incarnate() {
  auto process = co_await grants.spawner.spawn(
      {.role = zygote::Role::PARENT, .memoryBytes = grants.memoryBytes});
  auto log = kj::refcounted<SharedLog>(grants.log.openSandbox(plan.name));
  process->assign(kj::mv(log), grants.outbound);
  KJ_IF_MAYBE (cpuMs, plan.cpuMs)
    process->limitOwnInvocations({.cpuMs = *cpuMs, .wallMs = UINT32_MAX, .memoryMb = 0});
  auto connection =
      kj::heap<SandboxConnection>(grants.io, process->takeLoaderSocket(), Descriptors::OUTGOING);

  auto start = connection->bootstrap().castAs<schema::Blank>().startRequest();
  auto program = start.initProgram();
  plan.fillProgram(program);
  program.getOutbound().setHost();
  KJ_IF_MAYBE (most, plan.subrequests) program.setSubrequests(static_cast<int32_t>(*most));
  program.getLoaded().setSubrequests(grants.loaders.policy.subrequests);
  program.getLoaded().setMaxSubrequests(grants.loaders.policy.maxSubrequests);
  fillBindings(program);
  auto tails = program.initTails(plan.tails.size());
  for (auto i : kj::indices(plan.tails))
    tails.set(i, plan.tails[i]);
  schema::Worker::Client worker = start.send().getWorker();

  // A program that failed to start answers every call with the reason; this call asks for nothing else.
  auto probe = co_await worker.testsRequest().send();
  if (probe.hasFailure() && probe.getFailure().getName() != "") {
    auto failure = probe.getFailure();
    OperatorError{.code = kj::str("serve.program"),
                  .what = kj::str("worker \"", plan.name, "\" does not start"),
                  .where = kj::String(),
                  // The message names file and line; the stack is that of the built-ins.
                  .why = escapeLines(kj::str(failure.getName(), ": ", failure.getMessage())),
                  .fix = kj::str("correct the program and start again")}
        .raise();
  }
  KJ_IF_MAYBE (fd, listeningSocket) {
    auto listen = worker.listenRequest();
    listen.setSocket(newListenSocketCapability(*fd));
    listen.setLogRequests(grants.logRequests);
    listen.setCountRequests(plan.cpuMs != nullptr);
    co_await listen.send().ignoreResult();
  }
  co_return kj::heap<Incarnation>(Incarnation{kj::mv(process), kj::mv(connection), kj::mv(worker)});
}

void ParentWorker::fillBindings(schema::Program::Builder program) {
  auto bindings = program.getEnv().initBindings(plan.variables.size() + plan.loaders.size() +
                                                plan.services.size());
  unsigned index = 0;
  for (auto& variable : plan.variables) {
    auto binding = bindings[index++];
    binding.setName(variable.name);
    binding.setJson(variable.json);
  }
  for (auto& loader : plan.loaders) {
    auto binding = bindings[index++];
    binding.setName(loader);
    binding.setIdleMs(grants.loaders.idleMs);
    binding.setLoader(kj::heap<LoaderService>(grants.loaders, plan.name, kj::addRef(*tenant)));
  }
  for (auto& service : plan.services) {
    auto binding = bindings[index++];
    binding.setName(service.name);
    binding.setService(service.entrypoint);
  }
}

}  // namespace mayfly::supervisor
