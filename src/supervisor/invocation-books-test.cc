#include "supervisor/invocation-books.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

constexpr auto MS = kj::MILLISECONDS;
const kj::TimePoint START = kj::origin<kj::TimePoint>();

Limits limits(uint32_t cpuMs, uint32_t wallMs) {
  return {.cpuMs = cpuMs, .wallMs = wallMs, .memoryMb = 128};
}

int64_t cpuDeadlineMs(const InvocationBooks& books) {
  return KJ_ASSERT_NONNULL(books.cpuDeadline()) / kj::MILLISECONDS;
}
int64_t wallDeadlineMs(const InvocationBooks& books) {
  return (KJ_ASSERT_NONNULL(books.wallDeadline()) - START) / kj::MILLISECONDS;
}

bool finish(InvocationBooks& books, uint32_t number, int64_t cpuMs = 0) {
  return books.finished(number, [=]() { return cpuMs * MS; });
}

TEST(InvocationBooksTest, NothingInFlightHasNoDeadline) {
  InvocationBooks books;
  EXPECT_TRUE(books.cpuDeadline() == nullptr);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
  EXPECT_FALSE(finish(books, 0));
}

TEST(InvocationBooksTest, OneInvocationIsExact) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 300), 7 * MS, START + 1 * MS), Admission::BEGUN);
  EXPECT_EQ(cpuDeadlineMs(books), 57);
  EXPECT_EQ(wallDeadlineMs(books), 301);
}

TEST(InvocationBooksTest, InvocationsInFlightShareUpToFourBudgets) {
  InvocationBooks books;
  for (uint32_t number = 0; number < 6; ++number)
    ASSERT_EQ(books.began(number, limits(50, 300), 10 * MS, START), Admission::BEGUN);
  EXPECT_EQ(cpuDeadlineMs(books), 10 + 4 * 50);
}

TEST(InvocationBooksTest, TheSharedBudgetIsThatOfTheFourOldest) {
  InvocationBooks books;
  for (uint32_t number = 0; number < 6; ++number)
    ASSERT_EQ(books.began(number, limits(10 << number, 300), 0 * MS, START), Admission::BEGUN);
  EXPECT_EQ(cpuDeadlineMs(books), 10 + 20 + 40 + 80);
  ASSERT_TRUE(finish(books, 1));
  EXPECT_EQ(cpuDeadlineMs(books), 10 + 40 + 80 + 160);
}

TEST(InvocationBooksTest, TheOneThatFinishedIsTakenOffTheBooks) {
  for (uint32_t finished : {0, 1}) {
    InvocationBooks books;
    ASSERT_EQ(books.began(0, limits(50, 300), 0 * MS, START), Admission::BEGUN);
    ASSERT_EQ(books.began(1, limits(60, 400), 40 * MS, START + 100 * MS), Admission::BEGUN);
    EXPECT_EQ(cpuDeadlineMs(books), 110);
    EXPECT_EQ(wallDeadlineMs(books), 300);
    ASSERT_TRUE(finish(books, finished, 40));
    EXPECT_EQ(cpuDeadlineMs(books), finished == 0 ? 100 : 50);
    EXPECT_EQ(wallDeadlineMs(books), finished == 0 ? 500 : 300);
  }
}

TEST(InvocationBooksTest, TheCpuClockIsReadOnlyForThoseWhoAreOlder) {
  InvocationBooks books;
  int reads = 0;
  auto readCpu = [&]() {
    ++reads;
    return 0 * MS;
  };
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(2, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(books.finished(0, readCpu));
  EXPECT_EQ(reads, 0);
  ASSERT_TRUE(books.finished(2, readCpu));
  EXPECT_EQ(reads, 1);
  ASSERT_TRUE(books.finished(1, readCpu));
  EXPECT_EQ(reads, 1);
}

TEST(InvocationBooksTest, ALongWaiterIsNotChargedWithNeighboursThatAreOver) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  int64_t cpuMs = 0;
  for (uint32_t number = 1; number <= 7; ++number) {
    ASSERT_EQ(books.began(number, limits(50, 1000), cpuMs * MS, START), Admission::BEGUN);
    cpuMs += 20;
    ASSERT_TRUE(finish(books, number, cpuMs));
    EXPECT_EQ(cpuDeadlineMs(books), cpuMs + 50);
  }
}

TEST(InvocationBooksTest, CreditIsAtMostTheLimitOfTheOneThatEnds) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(10, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(finish(books, 1, 40));
  EXPECT_EQ(cpuDeadlineMs(books), 50 + 10);
}

TEST(InvocationBooksTest, CreditIsAtMostThreeLimitsOfTheOneCredited) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  for (uint32_t number = 1; number <= 10; ++number) {
    ASSERT_EQ(books.began(number, limits(1000, 1000), 0 * MS, START), Admission::BEGUN);
    ASSERT_TRUE(finish(books, number, 40 * number));
  }
  EXPECT_EQ(cpuDeadlineMs(books), 50 + 3 * 50);
}

TEST(InvocationBooksTest, OnlyOlderOnesAreCredited) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(2, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(finish(books, 1, 30));
  ASSERT_TRUE(finish(books, 0, 30));  // what it was credited goes with it
  EXPECT_EQ(cpuDeadlineMs(books), 50);
}

TEST(InvocationBooksTest, WhoBecomesTheOldestKeepsItsCredit) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(2, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(finish(books, 2, 30));
  ASSERT_TRUE(finish(books, 0, 30));
  EXPECT_EQ(cpuDeadlineMs(books), 30 + 50);
}

TEST(InvocationBooksTest, TheEarliestWallDeadlineCounts) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 100), 0 * MS, START + 10 * MS), Admission::BEGUN);
  ASSERT_EQ(books.began(2, limits(50, 500), 0 * MS, START + 20 * MS), Admission::BEGUN);
  EXPECT_EQ(wallDeadlineMs(books), 110);
  ASSERT_TRUE(finish(books, 1));
  EXPECT_EQ(wallDeadlineMs(books), 520);
}

TEST(InvocationBooksTest, AHungCallKeepsItsWallDeadlineWhileNeighboursComeAndGo) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  for (uint32_t number = 1; number < 100; ++number) {
    ASSERT_EQ(books.began(number, limits(50, 1000), 0 * MS, START + number * MS), Admission::BEGUN);
    ASSERT_TRUE(finish(books, number));
    ASSERT_EQ(wallDeadlineMs(books), 1000);
  }
}

TEST(InvocationBooksTest, WhatTheLastOneLeftIsForTheWorkBehindIt) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(finish(books, 1));
  ASSERT_TRUE(finish(books, 0));
  EXPECT_EQ(cpuDeadlineMs(books), 50);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
  ASSERT_EQ(books.began(2, limits(50, 1000), 40 * MS, START), Admission::BEGUN);
  EXPECT_EQ(cpuDeadlineMs(books), 90);
}

TEST(InvocationBooksTest, ANumberInFlightIsTakenUntilItIsFinished) {
  InvocationBooks books;
  ASSERT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  EXPECT_EQ(books.began(7, limits(90, 10), 0 * MS, START), Admission::NUMBER_TAKEN);
  EXPECT_EQ(books.inFlight(), 1u);
  EXPECT_EQ(cpuDeadlineMs(books), 50);
  EXPECT_EQ(wallDeadlineMs(books), 1000);
  ASSERT_TRUE(finish(books, 7));
  EXPECT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
}

TEST(InvocationBooksTest, ANumberThatIsNotInFlightCannotFinish) {
  InvocationBooks books;
  ASSERT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  EXPECT_FALSE(finish(books, 8));
  EXPECT_EQ(books.inFlight(), 1u);
  ASSERT_TRUE(finish(books, 7));
  EXPECT_FALSE(finish(books, 7));
}

TEST(InvocationBooksTest, TheStartUpHasTheOnlyCpuDeadlineWhileItLasts) {
  InvocationBooks books;
  books.startUpBegan({.cpuMs = 1000, .wallMs = 5000}, 2 * MS, START);
  ASSERT_EQ(books.began(1, limits(50, 30'000), 3 * MS, START), Admission::BEGUN);
  EXPECT_TRUE(books.startingUp());
  EXPECT_EQ(cpuDeadlineMs(books), 1002);
  EXPECT_EQ(wallDeadlineMs(books), 5000);
}

TEST(InvocationBooksTest, InvocationsBegunDuringTheStartUpAreChargedFromItsEnd) {
  InvocationBooks books;
  books.startUpBegan({.cpuMs = 1000, .wallMs = 5000}, 0 * MS, START);
  ASSERT_EQ(books.began(1, limits(50, 30'000), 3 * MS, START), Admission::BEGUN);
  books.startUpEnded(700 * MS);
  EXPECT_FALSE(books.startingUp());
  EXPECT_EQ(cpuDeadlineMs(books), 750);
}

TEST(InvocationBooksTest, AStartedProgramThatIsNotCalledHasWhatItsStartUpLeft) {
  InvocationBooks books;
  books.startUpBegan({.cpuMs = 1000, .wallMs = 5000}, 0 * MS, START);
  books.startUpEnded(7 * MS);
  EXPECT_EQ(cpuDeadlineMs(books), 1000);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
}

TEST(InvocationBooksTest, FullBooksRefuse) {
  InvocationBooks books;
  for (uint32_t number = 0; number < InvocationBooks::MAX_IN_FLIGHT; ++number)
    ASSERT_EQ(books.began(number, limits(1, 1), 0 * MS, START), Admission::BEGUN);
  uint32_t next = InvocationBooks::MAX_IN_FLIGHT;
  EXPECT_EQ(books.began(next, limits(1, 1), 0 * MS, START), Admission::FULL);
  ASSERT_TRUE(finish(books, 17));
  EXPECT_EQ(books.began(next, limits(1, 1), 0 * MS, START), Admission::BEGUN);
}

}  // namespace
}  // namespace mayfly::supervisor
