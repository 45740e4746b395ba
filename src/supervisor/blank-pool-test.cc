#include "supervisor/blank-pool.h"

#include <gtest/gtest.h>

#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

constexpr uint64_t BUDGET = 128 << 20;

class BlankPoolTest : public testing::Test {
public:
  ~BlankPoolTest() noexcept override {}

protected:
  void open(size_t blanks, size_t maxWaiting = 256) {
    pool = kj::heap<BlankPool>(
        loop.spawner, loop.timer,
        PoolOptions{.blanks = blanks, .maxWaiting = maxWaiting, .order = {.memoryBytes = BUDGET}});
    loop.settle();
  }

  SupervisorFixture loop;
  kj::Own<BlankPool> pool;
};

TEST_F(BlankPoolTest, FillsAheadOfNeedAndRefillsWhatWasTaken) {
  open(3);
  EXPECT_EQ(pool->idleCount(), 3u);
  auto taken = pool->take(BUDGET);
  EXPECT_EQ(pool->idleCount(), 2u);  // refilling comes after the answer
  auto sandbox = loop.wait(kj::mv(taken));
  loop.advance(3 * kj::MILLISECONDS);
  EXPECT_EQ(pool->idleCount(), 3u);
  EXPECT_EQ(loop.zygote().forkCount, 4u);
  EXPECT_TRUE(sandbox->alive());
}

TEST_F(BlankPoolTest, WhileHalfIsLeftRefillingWaitsForAQuietMoment) {
  open(4);
  auto first = loop.wait(pool->take(BUDGET));
  loop.advance(2 * kj::MILLISECONDS);
  auto second = loop.wait(pool->take(BUDGET));
  loop.advance(2 * kj::MILLISECONDS);
  EXPECT_EQ(pool->idleCount(), 2u);
  EXPECT_EQ(loop.zygote().forkCount, 4u);
  loop.advance(1 * kj::MILLISECONDS);
  EXPECT_EQ(pool->idleCount(), 3u);  // one at a time
  loop.advance(2 * kj::MILLISECONDS);
  EXPECT_EQ(pool->idleCount(), 3u);
  loop.advance(1 * kj::MILLISECONDS);
  EXPECT_EQ(pool->idleCount(), 4u);
  loop.advance(1 * kj::SECONDS);
  EXPECT_EQ(loop.zygote().forkCount, 6u);
}

TEST_F(BlankPoolTest, BelowHalfRefillingBeginsAtOnce) {
  open(4);
  auto first = loop.wait(pool->take(BUDGET));
  auto second = loop.wait(pool->take(BUDGET));
  auto third = loop.wait(pool->take(BUDGET));
  loop.settle();
  EXPECT_EQ(pool->idleCount(), 4u);
}

TEST_F(BlankPoolTest, WhoWaitsIsNotLeftToAQuietMoment) {
  open(2);
  auto first = loop.wait(pool->take(BUDGET));
  loop.zygote().held = true;  // what would refill the pool is on its way when the next ones come
  auto second = loop.wait(pool->take(BUDGET));
  auto third = pool->take(BUDGET);
  auto fourth = pool->take(BUDGET);
  auto fifth = pool->take(BUDGET);
  loop.settle();
  EXPECT_EQ(loop.zygote().forkCount, 6u);  // as many at once as are asked of the zygote
  for (auto* waiting : {&third, &fourth, &fifth}) {
    loop.zygote().releaseOne();
    EXPECT_TRUE(waiting->poll(loop.io.waitScope));
  }
}

TEST_F(BlankPoolTest, ABlankThatDiesIsReplaced) {
  open(2);
  EXPECT_EQ(loop.zygote().forkCount, 2u);
  loop.zygote().killChildren();
  EXPECT_TRUE(
      loop.waitUntil([&]() { return loop.zygote().forkCount == 4 && pool->idleCount() == 2; },
                     100 * kj::MILLISECONDS));
  EXPECT_TRUE(loop.wait(pool->take(BUDGET))->alive());
}

TEST_F(BlankPoolTest, LeasesAreServedInTheOrderInWhichTheyCame) {
  open(0);
  loop.zygote().held = true;
  auto first = pool->take(BUDGET);
  auto second = pool->take(BUDGET);
  loop.settle();
  EXPECT_EQ(pool->waitingCount(), 2u);
  loop.zygote().releaseOne();
  EXPECT_TRUE(first.poll(loop.io.waitScope));
  EXPECT_FALSE(second.poll(loop.io.waitScope));
  loop.zygote().releaseOne();
  EXPECT_TRUE(second.poll(loop.io.waitScope));
}

TEST_F(BlankPoolTest, TheQueueIsBounded) {
  open(0, /*maxWaiting=*/2);
  loop.zygote().held = true;
  auto first = pool->take(BUDGET);
  auto second = pool->take(BUDGET);
  try {
    loop.wait(pool->take(BUDGET));
    FAIL() << "the third should have been refused";
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), kj::Exception::Type::OVERLOADED);
    EXPECT_TRUE(e.getDescription().startsWith("ERR_OVERLOADED"));
  }
}

TEST_F(BlankPoolTest, WhoGaveUpLeavesTheQueue) {
  open(0, /*maxWaiting=*/1);
  loop.zygote().held = true;
  auto first = pool->take(BUDGET);
  first = nullptr;
  auto second = pool->take(BUDGET);
  loop.settle();
  loop.zygote().releaseOne();
  EXPECT_TRUE(second.poll(loop.io.waitScope));
}

TEST_F(BlankPoolTest, WaitingHasAnEnd) {
  open(0);
  loop.zygote().held = true;
  auto taken = pool->take(BUDGET);
  loop.advance(10 * kj::SECONDS);
  EXPECT_THROW(loop.wait(kj::mv(taken)), kj::Exception);
}

TEST_F(BlankPoolTest, ALargerBudgetGetsAForkOfItsOwn) {
  open(1);
  auto large = loop.wait(pool->take(2 * BUDGET));
  EXPECT_EQ(large->order().memoryBytes, 2 * BUDGET);
  EXPECT_EQ(pool->idleCount(), 1u);
}

TEST_F(BlankPoolTest, ASmallerBudgetIsNeverSilentlyTheLargerOne) {
  open(1);  // the fake zygote reports no base size, so a limit cannot be lowered
  auto small = loop.wait(pool->take(BUDGET / 2));
  EXPECT_EQ(small->order().memoryBytes, BUDGET / 2);
}

TEST_F(BlankPoolTest, AForkThatFailsIsToldToTheOneWhoseTurnItWas) {
  open(0);
  loop.zygote().refusal = KJ_EXCEPTION(OVERLOADED, "ERR_OVERLOADED: no process left");
  EXPECT_THROW(loop.wait(pool->take(BUDGET)), kj::Exception);
  loop.zygote().refusal = nullptr;
  auto next = pool->take(BUDGET);
  loop.advance(1 * kj::SECONDS);
  EXPECT_TRUE(next.poll(loop.io.waitScope));
}

TEST_F(BlankPoolTest, WhoWaitsOutlivesTheZygote) {
  open(0);
  loop.zygote().held = true;
  auto taken = pool->take(BUDGET);
  loop.settle();
  loop.zygote().die();
  loop.settle();
  loop.advance(1 * kj::SECONDS);
  EXPECT_EQ(loop.zygotesStarted, 2u);
  ASSERT_TRUE(taken.poll(loop.io.waitScope));
  EXPECT_TRUE(loop.wait(kj::mv(taken))->alive());
}

TEST_F(BlankPoolTest, BlanksOfAnEndingZygoteAreNotHandedOut) {
  open(2);
  loop.zygote().hungUp = true;  // the blanks still live, and nobody has announced a death
  auto taken = pool->take(BUDGET);
  loop.advance(1 * kj::SECONDS);
  EXPECT_FALSE(taken.poll(loop.io.waitScope));
  loop.zygote().die();
  loop.advance(1 * kj::SECONDS);
  EXPECT_EQ(loop.zygotesStarted, 2u);
  EXPECT_TRUE(loop.wait(kj::mv(taken))->alive());
}

TEST_F(BlankPoolTest, BlanksOfADeadZygoteAreNotHandedOut) {
  open(2);
  loop.zygote().die();
  loop.settle();
  auto taken = pool->take(BUDGET);
  loop.advance(1 * kj::SECONDS);
  EXPECT_TRUE(loop.wait(kj::mv(taken))->alive());
}

}  // namespace
}  // namespace mayfly::supervisor
