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
  bool begin(uint32_t number, const Limits& limits) {
    return clock.began(number, limits) == Admission::BEGUN;
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
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  EXPECT_EQ(cpu.deadline, 53 * MS);
  cpu.now = 53 * MS;
  clock.cpuDeadlinePassed();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::CPU_LIMIT);
}

TEST_F(InvocationClockTest, WorkBehindAnInvocationCountsAgainstItsLimit) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  ASSERT_TRUE(clock.finished(0));
  cpu.now = 50 * MS;
  clock.cpuDeadlinePassed();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::CPU_LIMIT);
}

TEST_F(InvocationClockTest, FinishingTheLastOneCostsNoSystemCall) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  EXPECT_EQ(cpu.armings, 1);
  ASSERT_TRUE(clock.finished(0));
  EXPECT_EQ(cpu.armings, 1);
}

TEST_F(InvocationClockTest, ADeadlineThatMovedAwayIsArmedAgainWhenTheOldOneFires) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  ASSERT_TRUE(clock.finished(0));
  cpu.now = 40 * MS;
  ASSERT_TRUE(begin(0, limits(50, 1000)));  // until 90, while 50 is armed
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
  ASSERT_TRUE(begin(0, limits(1000, 1000)));
  ASSERT_TRUE(clock.finished(0));
  ASSERT_TRUE(begin(0, limits(20, 1000)));
  EXPECT_EQ(cpu.deadline, 20 * MS);
}

TEST_F(InvocationClockTest, WallLimitIsReachedByTimeAlone) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  advance(999 * MS);
  EXPECT_EQ(reached.size(), 0u);
  advance(1 * MS);
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::WALL_LIMIT);
}

TEST_F(InvocationClockTest, WallClockStandsStillBetweenInvocations) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  advance(600 * MS);
  ASSERT_TRUE(clock.finished(0));
  advance(5000 * MS);
  EXPECT_EQ(reached.size(), 0u);
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  advance(999 * MS);
  EXPECT_EQ(reached.size(), 0u);
  advance(1 * MS);
  EXPECT_EQ(reached.size(), 1u);
}

TEST_F(InvocationClockTest, EarlierWallDeadlineOfALaterInvocationCounts) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  advance(100 * MS);
  ASSERT_TRUE(begin(1, limits(50, 200)));
  advance(200 * MS);
  EXPECT_EQ(reached.size(), 1u);
}

TEST_F(InvocationClockTest, AHungCallMeetsItsOwnWallLimitWhileNeighboursComeAndGo) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  for (uint32_t number = 1; number <= 99; ++number) {
    ASSERT_TRUE(begin(number, limits(50, 1000)));
    advance(10 * MS);
    ASSERT_TRUE(clock.finished(number));
  }
  ASSERT_TRUE(begin(100, limits(50, 1000)));
  advance(9 * MS);
  EXPECT_EQ(reached.size(), 0u);
  advance(1 * MS);
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::WALL_LIMIT);
}

TEST_F(InvocationClockTest, ABusySandboxWhoseCallsEndInAnyOrderReachesNoLimit) {
  ASSERT_TRUE(begin(0, limits(50, 100)));
  ASSERT_TRUE(begin(1, limits(50, 100)));
  for (uint32_t number = 2; number < 40; number += 2) {
    ASSERT_TRUE(begin(number, limits(50, 100)));
    ASSERT_TRUE(begin(number + 1, limits(50, 100)));
    cpu.now += 20 * MS;
    advance(40 * MS);
    ASSERT_TRUE(clock.finished(number - 1));  // the younger one first
    ASSERT_TRUE(clock.finished(number - 2));
    clock.cpuDeadlinePassed();
    ASSERT_EQ(reached.size(), 0u) << number;
  }
}

TEST_F(InvocationClockTest, ANeighbourThatEndsTakesWhatItDidNotUseAlong) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  EXPECT_EQ(cpu.deadline, 50 * MS);
  cpu.now = 30 * MS;
  ASSERT_TRUE(begin(1, limits(50, 1000)));
  cpu.now = 50 * MS;
  clock.cpuDeadlinePassed();
  EXPECT_EQ(reached.size(), 0u);
  EXPECT_EQ(cpu.deadline, 100 * MS);
  ASSERT_TRUE(clock.finished(1));
  EXPECT_EQ(cpu.deadline, 70 * MS);  // 20 of its 50 were used
}

TEST_F(InvocationClockTest, AnHonestLongWaiterAmongShortNeighboursReachesNoLimit) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  for (uint32_t number = 1; number <= 5;
       ++number) {  // 150 ms of work in all, the waiter did none of it
    ASSERT_TRUE(begin(number, limits(50, 1000)));
    cpu.now += 30 * MS;
    clock.cpuDeadlinePassed();
    ASSERT_TRUE(clock.finished(number));
    clock.cpuDeadlinePassed();
    ASSERT_EQ(reached.size(), 0u) << number;
  }
}

TEST_F(InvocationClockTest, ALoopBesideAnOlderWaiterIsEndedAtTheSumOfTheirLimits) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  ASSERT_TRUE(begin(1, limits(50, 1000)));
  cpu.now = 100 * MS;
  clock.cpuDeadlinePassed();
  EXPECT_EQ(reached.size(), 1u);
}

TEST_F(InvocationClockTest, TheStartUpHasAReasonOfItsOwn) {
  clock.startUpBegan({.cpuMs = 100, .wallMs = 1000});
  ASSERT_TRUE(begin(1, limits(50, 1000)));
  EXPECT_EQ(cpu.deadline, 100 * MS);
  cpu.now = 100 * MS;
  clock.cpuDeadlinePassed();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::STARTUP_CPU_LIMIT);
}

TEST_F(InvocationClockTest, AShortInvocationLimitIsArmedWhenTheStartUpIsOver) {
  clock.startUpBegan({.cpuMs = 1000, .wallMs = 1000});
  ASSERT_TRUE(begin(1, limits(50, 1000)));
  cpu.now = 10 * MS;
  clock.startUpEnded();
  EXPECT_EQ(cpu.deadline, 60 * MS);
  cpu.now = 60 * MS;
  clock.startUpEnded();  // said again, it changes nothing
  clock.cpuDeadlinePassed();
  ASSERT_EQ(reached.size(), 1u);
  EXPECT_EQ(reached[0], EndReason::CPU_LIMIT);
}

TEST_F(InvocationClockTest, WhatIsRefusedArmsNothing) {
  ASSERT_TRUE(begin(0, limits(50, 1000)));
  EXPECT_EQ(clock.began(0, limits(10, 10)), Admission::NUMBER_TAKEN);
  EXPECT_FALSE(clock.finished(1));
  EXPECT_EQ(cpu.armings, 1);
  advance(10 * MS);
  EXPECT_EQ(reached.size(), 0u);
}

}  // namespace
}  // namespace mayfly::supervisor
