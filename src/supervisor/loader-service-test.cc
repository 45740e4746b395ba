#include "supervisor/loader-service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "supervisor/fake-outbound.h"
#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

class LoaderServiceTest : public testing::Test {
public:
  ~LoaderServiceTest() noexcept override {}

protected:
  LoaderServiceTest() { loop.settle(); }

  auto request(kj::StringPtr profile = "") {
    auto request = loader.leaseRequest();
    request.setProfile(profile);
    request.setLabel("report");
    return request;
  }
  schema::Lease::Client lease() { return loop.wait(request().send().dropPipeline()).getLease(); }

  void begin(schema::Lease::Client& held, uint32_t number, uint32_t wallMs = 0) {
    auto request = held.beganRequest();
    request.setInvocation(number);
    request.initLimits().setWallMs(wallMs);
    loop.wait(request.send().ignoreResult());
  }
  void finish(schema::Lease::Client& held, uint32_t number) {
    auto request = held.finishedRequest();
    request.setInvocation(number);
    loop.wait(request.send().ignoreResult());
  }

  SupervisorFixture loop;
  FakeOutbound outbound{loop.io, loop.timer};
  BlankPool pool{loop.spawner, loop.timer, {.blanks = 1, .order = {.memoryBytes = 128 << 20}}};
  LeaseQueue queue{loop.timer, {.perTenant = 2}};
  LoaderGrant grant{
      .pool = pool, .log = loop.log, .outbound = outbound.network, .queue = queue, .policy = {}};
  kj::Own<LeaseTenant> tenant = queue.newTenant();
  schema::Loader::Client loader = kj::heap<LoaderService>(grant, "shop", kj::addRef(*tenant));
};

kj::Exception refusal(kj::Function<void()> action) {
  KJ_IF_MAYBE (e, kj::runCatchingExceptions([&]() { action(); })) return kj::mv(*e);
  return KJ_EXCEPTION(FAILED, "was not refused");
}

TEST_F(LoaderServiceTest, ALeaseCarriesTheFarEndOfDescriptorFour) {
  auto held = lease();
  int fd = KJ_ASSERT_NONNULL(loop.wait(held.getFd()));
  struct stat info{};
  ASSERT_EQ(fstat(fd, &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
}

TEST_F(LoaderServiceTest, AnUnknownProfileIsRefusedByItsCode) {
  auto e = refusal([&]() { loop.wait(request("hardened").send().ignoreResult()); });
  EXPECT_TRUE(e.getDescription().startsWith("ERR_PROFILE_UNSUPPORTED"))
      << e.getDescription().cStr();
}

TEST_F(LoaderServiceTest, TheStandardProfileMayBeNamed) {
  EXPECT_NO_THROW(loop.wait(request("standard").send().ignoreResult()));
}

TEST_F(LoaderServiceTest, AParentHasAShareAndMoreLeasesWaitForIt) {
  auto first = lease();
  kj::Maybe<schema::Lease::Client> second = lease();
  auto third = request().send();
  loop.settle();
  EXPECT_FALSE(third.poll(loop.io.waitScope));
  EXPECT_EQ(tenant->waiting(), 1u);
  second = nullptr;
  loop.wait(third.dropPipeline());
}

TEST_F(LoaderServiceTest, WhoWaitsTooLongForItsShareIsRefusedByItsCode) {
  auto first = lease();
  auto second = lease();
  begin(first, 1, 60'000);
  begin(second, 1, 60'000);
  auto third = request().send();
  loop.settle();
  loop.advance(10 * kj::SECONDS);
  auto e = refusal([&]() { loop.wait(third.ignoreResult()); });
  EXPECT_EQ(e.getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_TRUE(e.getDescription().startsWith("ERR_TENANT_LIMIT")) << e.getDescription().cStr();
}

TEST_F(LoaderServiceTest, ASandboxThatEndedNoLongerCountsThoughItsLeaseIsHeld) {
  auto first = lease();
  auto second = lease();
  begin(first, 1, 100);
  auto third = request().send();
  loop.settle();
  loop.advance(100 * kj::MILLISECONDS);
  loop.wait(third.dropPipeline());
}

TEST_F(LoaderServiceTest, AParentWithIdleSandboxesIsToldOfAShortage) {
  auto first = lease();
  auto second = lease();
  begin(first, 1);
  begin(second, 1);
  auto shortage = loader.shortageRequest().send();
  loop.settle();
  EXPECT_FALSE(shortage.poll(loop.io.waitScope));
  auto third = request().send();
  EXPECT_EQ(loop.wait(shortage.dropPipeline()).getLeases(), 1u);
  auto again = loader.shortageRequest().send();
  loop.settle();
  EXPECT_FALSE(again.poll(loop.io.waitScope));
  finish(second, 1);
  EXPECT_EQ(loop.wait(again.dropPipeline()).getLeases(), 1u);
}

TEST_F(LoaderServiceTest, TheStartUpIsBoundedInTime) {
  auto held = lease();
  auto ended = held.endedRequest().send();
  loop.advance(30 * kj::SECONDS);
  EXPECT_EQ(loop.wait(ended.dropPipeline()).getEnding().getReason(),
            schema::Ending::Reason::WALL_LIMIT);
}

TEST_F(LoaderServiceTest, InvocationsAreKnownByTheirNumbers) {
  auto held = lease();
  begin(held, 5);
  EXPECT_THROW(begin(held, 5), kj::Exception);
  EXPECT_THROW(finish(held, 6), kj::Exception);
  finish(held, 5);
  EXPECT_THROW(finish(held, 5), kj::Exception);
}

TEST_F(LoaderServiceTest, TooManyInvocationsInFlightAreRefusedByTheirCode) {
  auto held = lease();
  for (uint32_t number = 0; number < InvocationBooks::MAX_IN_FLIGHT; ++number)
    begin(held, number);
  auto e = refusal([&]() { begin(held, InvocationBooks::MAX_IN_FLIGHT); });
  EXPECT_EQ(e.getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_TRUE(e.getDescription().startsWith("ERR_OVERLOADED")) << e.getDescription().cStr();
}

TEST_F(LoaderServiceTest, AHungCallMeetsItsOwnWallLimitWhileNeighboursComeAndGo) {
  auto held = lease();
  begin(held, 0);  // and never finishes
  auto ended = held.endedRequest().send();
  for (uint32_t number = 1; number <= 30; ++number) {
    EXPECT_FALSE(ended.poll(loop.io.waitScope)) << number;
    begin(held, number);
    loop.advance(1 * kj::SECONDS);
    if (number < 30) finish(held, number);
  }
  ASSERT_TRUE(loop.waitUntil([&]() { return ended.poll(loop.io.waitScope); }));
  EXPECT_EQ(loop.wait(ended.dropPipeline()).getEnding().getReason(),
            schema::Ending::Reason::WALL_LIMIT);
}

TEST_F(LoaderServiceTest, TheWallLimitOfALeaseEndsItAndSaysWhy) {
  auto ask = request();
  ask.initLimits().setWallMs(200);
  auto held = loop.wait(ask.send().dropPipeline()).getLease();
  begin(held, 0);
  auto ended = held.endedRequest().send();
  loop.advance(200 * kj::MILLISECONDS);
  auto ending = loop.wait(ended.dropPipeline());
  EXPECT_EQ(ending.getEnding().getReason(), schema::Ending::Reason::WALL_LIMIT);
  EXPECT_TRUE(loop.log.contains("[shop/report] sandbox ended: wallLimit"));
}

TEST_F(LoaderServiceTest, AnInvocationMayHaveALowerLimitThanItsLease) {
  auto held = lease();
  begin(held, 1, 100);
  auto ended = held.endedRequest().send();
  loop.advance(100 * kj::MILLISECONDS);
  EXPECT_EQ(loop.wait(ended.dropPipeline()).getEnding().getReason(),
            schema::Ending::Reason::WALL_LIMIT);
}

TEST_F(LoaderServiceTest, DroppingTheLeaseKillsTheSandboxEvenWithAQuestionPending) {
  auto held = lease();
  auto ended = held.endedRequest().send();
  loop.settle();
  EXPECT_EQ(tenant->live(), 1u);
  {
    auto dropped = kj::mv(ended);
    auto lastReference = kj::mv(held);
  }
  loop.settle();
  EXPECT_EQ(tenant->live(), 0u);
}

TEST_F(LoaderServiceTest, WhoStopsWaitingForALeaseGivesItsShareBack) {
  loop.zygote().held = true;
  auto held = lease();  // the last blank there was
  auto next = request().send();
  loop.settle();
  EXPECT_EQ(tenant->live(), 2u);
  {
    auto dropped = kj::mv(next);
  }
  loop.settle();
  EXPECT_EQ(tenant->live(), 1u);
}

TEST_F(LoaderServiceTest, ABlankWhoseZygoteDiedOnTheWayIsExchangedForOneOfTheNext) {
  loop.zygote().held = true;
  auto first = lease();
  auto next = request().send();
  loop.settle();
  ASSERT_EQ(pool.waitingCount(), 1u);
  loop.zygote().releaseOne();
  // Turn by turn: the pool has given the sandbox away, and the loader has not seen it yet.
  for (int turn = 0; turn < 1'000 && pool.waitingCount() > 0; ++turn)
    loop.io.waitScope.poll(1);
  ASSERT_EQ(pool.waitingCount(), 0u);
  loop.zygote().die();
  ASSERT_TRUE(
      loop.waitUntil([&]() { return next.poll(loop.io.waitScope); }, 10 * kj::MILLISECONDS));
  auto held = loop.wait(next.dropPipeline()).getLease();
  EXPECT_EQ(loop.zygotesStarted, 2u);
  auto ended = held.endedRequest().send();
  loop.advance(1 * kj::SECONDS);
  EXPECT_FALSE(ended.poll(loop.io.waitScope));
}

TEST_F(LoaderServiceTest, ADeadZygoteRetiresItsLeasesAndTheNextLeaseWorks) {
  auto held = lease();
  loop.zygote().die();
  EXPECT_EQ(loop.wait(held.endedRequest().send().dropPipeline()).getEnding().getReason(),
            schema::Ending::Reason::RETIRED);
  auto next = request().send();
  loop.advance(1 * kj::SECONDS);
  loop.wait(next.ignoreResult());
}

}  // namespace
}  // namespace mayfly::supervisor
