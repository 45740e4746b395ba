#include "supervisor/parent-worker.h"

#include <capnp/rpc-twoparty.h>
#include <gtest/gtest.h>
#include <string.h>

#include "supervisor/fake-outbound.h"
#include "supervisor/fake-worker.h"
#include "supervisor/fake-zygote.h"
#include "supervisor/listening-socket.h"
#include "supervisor/service-relay.h"

namespace mayfly::supervisor {
namespace {

class ParentWorkerTest : public testing::Test {
public:
  ~ParentWorkerTest() noexcept override {}

protected:
  ParentPlan plan() {
    ParentPlan plan;
    plan.name = kj::str("shop");
    plan.fillProgram = [](schema::Program::Builder program) { program.setMainModule("main.js"); };
    return plan;
  }
  ParentGrants grants() {
    return {.spawner = loop.spawner,
            .io = *loop.io.lowLevelProvider,
            .timer = loop.timer,
            .log = loop.log,
            .outbound = outbound.network,
            .loaders = {.pool = pool,
                        .log = loop.log,
                        .outbound = outbound.network,
                        .queue = queue,
                        .policy = {}}};
  }
  kj::String namesOf(ParentWorker& worker) {
    auto running = loop.wait(worker.worker());
    auto response = loop.wait(running.testsRequest().send().dropPipeline());
    return kj::strArray(response.getNames(), ", ");
  }
  kj::String pidOf(ParentWorker& worker) {
    auto running = loop.wait(worker.worker());
    return kj::str(loop.wait(running.invokeRequest().send().dropPipeline()).getResult().getJson());
  }
  void crash(ParentWorker& worker) {
    auto request = loop.wait(worker.worker()).testRequest();
    request.setName("crash");
    EXPECT_THROW(loop.wait(request.send().ignoreResult()), kj::Exception);
    EXPECT_TRUE(loop.waitUntil([&]() { return loop.log.contains("crashed (SIGABRT)"); }));
    loop.log.lines.clear();
  }

  SupervisorFixture loop{behaveAsWorker};
  FakeOutbound outbound{loop.io, loop.timer};
  BlankPool pool{loop.spawner, loop.timer, {.blanks = 0}};
  LeaseQueue queue{loop.timer, {}};
};

TEST_F(ParentWorkerTest, TheProgramFindsItsBindings) {
  auto described = plan();
  described.variables = kj::heapArrayBuilder<ParentPlan::Variable>(0).finish();
  auto variables = kj::heapArrayBuilder<ParentPlan::Variable>(1);
  variables.add(ParentPlan::Variable{kj::str("GREETING"), kj::str("\"hi\"")});
  described.variables = variables.finish();
  described.loaders = kj::arr(kj::str("LOADER"));
  described.services.add(ParentPlan::Service{
      kj::str("SELF"),
      newServiceRelay([]() -> ParentWorker& { KJ_UNREACHABLE; }, nullptr, nullptr)});
  ParentWorker worker(grants(), kj::mv(described));
  loop.wait(worker.start());
  EXPECT_STREQ(namesOf(worker).cStr(), "main.js, json GREETING, loader LOADER, service SELF");
}

TEST_F(ParentWorkerTest, TheListeningSocketTravelsToIt) {
  ListeningSocket socket("127.0.0.1:0");
  ParentWorker worker(grants(), plan());
  loop.wait(worker.start(socket.fd()));
  EXPECT_STREQ(namesOf(worker).cStr(), "main.js, listening");
}

TEST_F(ParentWorkerTest, AProgramThatDoesNotStartIsAnOperatorError) {
  loop.settle();
  loop.zygote().behaviour = behaveAsBrokenWorker;
  ParentWorker worker(grants(), plan());
  try {
    loop.wait(worker.start());
    FAIL() << "it should not have started";
  } catch (const kj::Exception& e) {
    EXPECT_STREQ(e.getDescription().cStr(),
                 "error[serve.program]: worker \"shop\" does not start\n"
                 "  why    Error: Failed to start Worker:\n"
                 "         Uncaught \\x1b[31mSyntaxError\n"
                 "  fix    correct the program and start again");
  }
}

TEST_F(ParentWorkerTest, ACrashedParentIsStartedAgainAndServesTheSameSocket) {
  ListeningSocket socket("127.0.0.1:0");
  ParentWorker worker(grants(), plan());
  loop.wait(worker.start(socket.fd()));
  auto before = pidOf(worker);
  crash(worker);
  EXPECT_STRNE(pidOf(worker).cStr(), before.cStr());
  EXPECT_STREQ(namesOf(worker).cStr(), "main.js, listening");
}

TEST_F(ParentWorkerTest, OneThatKeepsCrashingIsStartedWithPauses) {
  ParentWorker worker(grants(), plan());
  loop.wait(worker.start());
  crash(worker);
  pidOf(worker);
  crash(worker);
  auto next = worker.worker();
  EXPECT_FALSE(next.poll(loop.io.waitScope));
  loop.advance(50 * kj::MILLISECONDS);
  loop.wait(kj::mv(next));
}

TEST_F(ParentWorkerTest, AServiceBindingFollowsItsTargetThroughARestart) {
  ParentWorker target(grants(), plan());
  auto relay = newServiceRelay([&]() -> ParentWorker& { return target; }, nullptr, nullptr);
  auto early = relay.callRequest().send();  // before the target was ever started
  loop.wait(target.start());
  auto first = kj::str(loop.wait(early.dropPipeline()).getReply().getFailure().getMessage());
  EXPECT_STREQ(first.cStr(), pidOf(target).cStr());
  crash(target);
  auto second = kj::str(
      loop.wait(relay.callRequest().send().dropPipeline()).getReply().getFailure().getMessage());
  EXPECT_STRNE(second.cStr(), first.cStr());
  EXPECT_STREQ(second.cStr(), pidOf(target).cStr());
}

TEST_F(ParentWorkerTest, AServiceBindingNamesItsEntrypointAndItsProps) {
  ParentWorker target(grants(), plan());
  loop.wait(target.start());
  auto toTarget = [&]() -> ParentWorker& { return target; };
  for (auto props : {R"({"tenant":7})", ""}) {
    auto relay = newServiceRelay(toTarget, kj::str("Orders"), kj::str(props));
    loop.wait(relay.callRequest().send().ignoreResult());
  }
  EXPECT_STREQ(namesOf(target).cStr(),
               R"(main.js, entrypoint Orders {"tenant":7}, entrypoint Orders without props)");
}

// As in life: the caller is at the far end of a connection of its own.
TEST_F(ParentWorkerTest, AFetchThatItsCallerCancelsIsCancelledAtTheTarget) {
  ParentWorker target(grants(), plan());
  loop.wait(target.start());
  auto pipe = kj::newTwoWayPipe();
  capnp::TwoPartyClient near(
      *pipe.ends[0], newServiceRelay([&]() -> ParentWorker& { return target; }, nullptr, nullptr),
      capnp::rpc::twoparty::Side::SERVER);
  capnp::TwoPartyClient far(*pipe.ends[1]);
  auto binding = far.bootstrap().castAs<schema::Entrypoint>();
  {
    auto fetch = binding.fetchRequest().send();
    ASSERT_TRUE(loop.waitUntil([&]() { return namesOf(target) == "main.js, fetch begun"; }));
  }
  EXPECT_TRUE(
      loop.waitUntil([&]() { return namesOf(target) == "main.js, fetch begun, fetch cancelled"; }));
}

TEST_F(ParentWorkerTest, ADrainedParentIsNotStartedAgain) {
  ParentWorker worker(grants(), plan());
  loop.wait(worker.start());
  loop.wait(worker.drain());
  auto forks = loop.zygote().forkCount;
  worker.abort(EndReason::RETIRED);
  loop.advance(60 * kj::SECONDS);
  EXPECT_EQ(loop.zygote().forkCount, forks);
}

TEST(ListeningSocketTest, PortZeroIsAFreePortAndTheUrlNamesIt) {
  ListeningSocket socket("127.0.0.1:0");
  EXPECT_TRUE(socket.url().startsWith("http://127.0.0.1:"));
  EXPECT_FALSE(socket.url().endsWith(":0"));
}

TEST(ListeningSocketTest, ABusyPortIsAClearError) {
  ListeningSocket first("127.0.0.1:0");
  try {
    ListeningSocket second(first.url().slice(strlen("http://")));
    FAIL() << "the port is taken";
  } catch (const kj::Exception& e) {
    EXPECT_TRUE(e.getDescription().startsWith("error[serve.port-in-use]"))
        << e.getDescription().cStr();
  }
}

TEST(ListeningSocketTest, AnAddressWithoutAPortIsRefused) {
  for (auto address : {"localhost", ":", "127.0.0.1:", ":80", "127.0.0.1:http-ish"}) {
    EXPECT_THROW(ListeningSocket{address}, kj::Exception) << address;
  }
}

}  // namespace
}  // namespace mayfly::supervisor
