#include "supervisor/zygote-keeper.h"

#include <gtest/gtest.h>

#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

TEST(ZygoteKeeperTest, ADeadZygoteIsReplacedAtOnceByTheNextGeneration) {
  SupervisorFixture loop;
  auto first = loop.wait(loop.keeper.current());
  EXPECT_EQ(first->number, 1u);
  loop.zygote().die();
  auto second = loop.wait(loop.keeper.current());
  // What died a moment ago is not handed out again.
  while (second->number == 1) {
    loop.settle();
    second = loop.wait(loop.keeper.current());
  }
  EXPECT_TRUE(first->dead);
  EXPECT_EQ(second->number, 2u);
  EXPECT_TRUE(loop.log.contains("killed by the test"));
}

TEST(ZygoteKeeperTest, OneThatKeepsDyingIsStartedWithPauses) {
  SupervisorFixture loop;
  loop.wait(loop.keeper.current());
  loop.zygote().die();
  loop.settle();
  EXPECT_EQ(loop.zygotesStarted, 2u);
  loop.zygote().die();
  loop.settle();
  EXPECT_EQ(loop.zygotesStarted, 2u);
  auto waiting = loop.keeper.current();
  EXPECT_FALSE(waiting.poll(loop.io.waitScope));
  loop.advance(50 * kj::MILLISECONDS);
  EXPECT_EQ(loop.zygotesStarted, 3u);
  EXPECT_EQ(loop.wait(kj::mv(waiting))->number, 3u);
}

TEST(ZygoteKeeperTest, AFirstStartThatFailsFailsForEveryone) {
  SupervisorFixture loop;
  ZygoteKeeper keeper(
      kj::str("broken"),
      []() -> kj::Promise<kj::Own<Zygote>> {
        return KJ_EXCEPTION(FAILED, "error[zygote.no-wall]: none");
      },
      loop.timer, loop.log);
  EXPECT_THROW(loop.wait(keeper.current()), kj::Exception);
  EXPECT_THROW(loop.wait(keeper.current()), kj::Exception);
}

// A keeper whose first zygotes die `deaths` times before one is ready.
struct Stillbirths {
  SupervisorFixture loop;
  uint32_t deaths;
  uint32_t starts = 0;
  ZygoteKeeper keeper{kj::str("young"),
                      [this]() -> kj::Promise<kj::Own<Zygote>> {
                        if (++starts <= deaths) return KJ_EXCEPTION(DISCONNECTED, "killed young");
                        return kj::Own<Zygote>(kj::heap<FakeZygote>());
                      },
                      loop.timer, loop.log};
  explicit Stillbirths(uint32_t deaths) : deaths(deaths) {}
};

TEST(ZygoteKeeperTest, OneThatDiesInItsFirstStartIsStartedAgainWithPauses) {
  Stillbirths young(2);
  auto waiting = young.keeper.current();
  EXPECT_FALSE(waiting.poll(young.loop.io.waitScope));
  EXPECT_EQ(young.starts, 2u);  // the first restart is immediate
  young.loop.advance(50 * kj::MILLISECONDS);
  EXPECT_EQ(young.starts, 3u);
  EXPECT_EQ(young.loop.wait(kj::mv(waiting))->number, 1u);
  EXPECT_TRUE(young.loop.log.contains("killed young"));
}

TEST(ZygoteKeeperTest, OneThatNeverGetsReadyIsGivenUp) {
  Stillbirths young(1'000);
  auto waiting = young.keeper.current();
  for (int second = 0; second < 60; ++second)
    young.loop.advance(1 * kj::SECONDS);
  EXPECT_EQ(young.starts, ZygoteKeeper::MAX_FIRST_STARTS);
  EXPECT_THROW(young.loop.wait(kj::mv(waiting)), kj::Exception);
}

TEST(ZygoteKeeperTest, OneThatIsEndingIsNotHandedOut) {
  SupervisorFixture loop;
  auto first = loop.wait(loop.keeper.current());
  loop.zygote().hungUp = true;
  auto waiting = loop.keeper.current();
  EXPECT_FALSE(waiting.poll(loop.io.waitScope));
  loop.zygote().die();
  EXPECT_EQ(loop.wait(kj::mv(waiting))->number, 2u);
}

TEST(ZygoteKeeperTest, LaterFailuresAreTriedAgain) {
  SupervisorFixture loop;
  int starts = 0;
  FakeZygote* current = nullptr;
  ZygoteKeeper keeper(
      kj::str("shaky"),
      [&]() -> kj::Promise<kj::Own<Zygote>> {
        if (++starts == 2) return KJ_EXCEPTION(FAILED, "not now");
        auto zygote = kj::heap<FakeZygote>();
        current = zygote.get();
        return kj::Own<Zygote>(kj::mv(zygote));
      },
      loop.timer, loop.log);
  loop.wait(keeper.current());
  current->die();
  loop.settle();
  loop.advance(1 * kj::SECONDS);
  EXPECT_EQ(loop.wait(keeper.current())->number, 2u);
  EXPECT_EQ(starts, 3);
}

}  // namespace
}  // namespace mayfly::supervisor
