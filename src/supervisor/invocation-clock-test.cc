#include "supervisor/invocation-clock.h"

#include <gtest/gtest.h>
#include <kj/async.h>
#include <kj/timer.h>
#include <kj/vector.h>

namespace mayfly::supervisor {
namespace {

constexpr auto MS = kj::MILLISECONDS;

class FakeCpuClock final : public CpuClock {
public:
  kj::Duration used() const override { return now; }
  void arm(kj::Duration newDeadline) override {
    deadline = newDeadline;
    ++armings;
  }

  kj::Duration now = 0 * MS;
  kj::Duration deadline = 0 * MS;
  int armings = 0;
};

class InvocationClockTest : public testing::Test {
public:
  ~InvocationClockTest() noexcept override {}

protected:
  Limits limits(uint32_t cpuMs, uint32_t wallMs) {
    return {.cpuMs = cpuMs, .wallMs = wallMs, .memoryMb = 128};
  }
  void advance(kj::Duration time) {
    timer.advanceTo(timer.now() + time);
    waitScope.poll();
  }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  FakeCpuClock cpu;
  kj::Vector<EndReason> reached;
  InvocationClock clock{timer, cpu, [this](EndReason reason) { reached.add(reason); }};
};

TEST_F(InvocationClockTest, CpuDeadlineIsCountedFromTheBeginning) {
  cpu.now = 3 * MS;
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  EXPECT_EQ(cpu.deadline, 53 * MS);
  cpu.now = 53 * MS;
  clock.cpuDeadlinePassed();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::CPU_LIMIT);
}

TEST_F(InvocationClockTest, CpuDeadlineOfAFinishedInvocationIsNoLimit) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  ASSERT_TRUE(clock.finished());
  cpu.now = 60 * MS;
  clock.cpuDeadlinePassed();
  EXPECT_EQ(reached.size(), 0u);
}

TEST_F(InvocationClockTest, FinishingTheLastOneCostsNoSystemCall) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  EXPECT_EQ(cpu.armings, 1);
  ASSERT_TRUE(clock.finished());
  EXPECT_EQ(cpu.armings, 1);
}

TEST_F(InvocationClockTest, ADeadlineThatMovedAwayIsArmedAgainWhenTheOldOneFires) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  ASSERT_TRUE(clock.finished());
  cpu.now = 40 * MS;
  ASSERT_TRUE(clock.began(limits(50, 1000)));  // until 90, while 50 is armed
  EXPECT_EQ(cpu.deadline, 50 * MS);
  cpu.now = 50 * MS;
  clock.cpuDeadlinePassed();
  EXPECT_EQ(reached.size(), 0u);
  EXPECT_EQ(cpu.deadline, 90 * MS);
  cpu.now = 90 * MS;
  clock.cpuDeadlinePassed();
  EXPECT_EQ(reached.size(), 1u);
}

TEST_F(InvocationClockTest, ADeadlineThatMovedCloserIsArmedAtOnce) {
  ASSERT_TRUE(clock.began(limits(1000, 1000)));
  ASSERT_TRUE(clock.finished());
  ASSERT_TRUE(clock.began(limits(20, 1000)));
  EXPECT_EQ(cpu.deadline, 20 * MS);
}

TEST_F(InvocationClockTest, WallLimitIsReachedByTimeAlone) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  advance(999 * MS);
  EXPECT_EQ(reached.size(), 0u);
  advance(1 * MS);
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::WALL_LIMIT);
}

TEST_F(InvocationClockTest, WallClockStandsStillBetweenInvocations) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  advance(600 * MS);
  ASSERT_TRUE(clock.finished());
  advance(5000 * MS);
  EXPECT_EQ(reached.size(), 0u);
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  advance(999 * MS);
  EXPECT_EQ(reached.size(), 0u);
  advance(1 * MS);
  EXPECT_EQ(reached.size(), 1u);
}

TEST_F(InvocationClockTest, EarlierWallDeadlineOfALaterInvocationCounts) {
  ASSERT_TRUE(clock.began(limits(50, 1000)));
  advance(100 * MS);
  ASSERT_TRUE(clock.began(limits(50, 200)));
  advance(200 * MS);
  EXPECT_EQ(reached.size(), 1u);
}

}  // namespace
}  // namespace mayfly::supervisor
