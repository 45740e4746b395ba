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

TEST(InvocationBooksTest, NothingInFlightHasNoDeadline) {
  InvocationBooks books;
  EXPECT_TRUE(books.cpuDeadline() == nullptr);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
  EXPECT_FALSE(books.finished(FIRST_INVOCATION));
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
  ASSERT_TRUE(books.finished(1));
  EXPECT_EQ(cpuDeadlineMs(books), 10 + 40 + 80 + 160);
}

TEST(InvocationBooksTest, TheOneThatFinishedIsTakenOffTheBooks) {
  for (uint32_t finished : {0, 1}) {
    InvocationBooks books;
    ASSERT_EQ(books.began(0, limits(50, 300), 0 * MS, START), Admission::BEGUN);
    ASSERT_EQ(books.began(1, limits(60, 400), 40 * MS, START + 100 * MS), Admission::BEGUN);
    EXPECT_EQ(cpuDeadlineMs(books), 110);
    EXPECT_EQ(wallDeadlineMs(books), 300);
    ASSERT_TRUE(books.finished(finished));
    EXPECT_EQ(cpuDeadlineMs(books), finished == 0 ? 100 : 50);
    EXPECT_EQ(wallDeadlineMs(books), finished == 0 ? 500 : 300);
  }
}

TEST(InvocationBooksTest, TheEarliestWallDeadlineCounts) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 100), 0 * MS, START + 10 * MS), Admission::BEGUN);
  ASSERT_EQ(books.began(2, limits(50, 500), 0 * MS, START + 20 * MS), Admission::BEGUN);
  EXPECT_EQ(wallDeadlineMs(books), 110);
  ASSERT_TRUE(books.finished(1));
  EXPECT_EQ(wallDeadlineMs(books), 520);
}

TEST(InvocationBooksTest, AHungCallKeepsItsWallDeadlineWhileNeighboursComeAndGo) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  for (uint32_t number = 1; number < 100; ++number) {
    ASSERT_EQ(books.began(number, limits(50, 1000), 0 * MS, START + number * MS), Admission::BEGUN);
    ASSERT_TRUE(books.finished(number));
    ASSERT_EQ(wallDeadlineMs(books), 1000);
  }
}

TEST(InvocationBooksTest, ClocksStandStillWhenAllIsDone) {
  InvocationBooks books;
  ASSERT_EQ(books.began(0, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_EQ(books.began(1, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  ASSERT_TRUE(books.finished(1));
  ASSERT_TRUE(books.finished(0));
  EXPECT_TRUE(books.cpuDeadline() == nullptr);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
}

TEST(InvocationBooksTest, ANumberInFlightIsTakenUntilItIsFinished) {
  InvocationBooks books;
  ASSERT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  EXPECT_EQ(books.began(7, limits(90, 10), 0 * MS, START), Admission::NUMBER_TAKEN);
  EXPECT_EQ(books.inFlight(), 1u);
  EXPECT_EQ(cpuDeadlineMs(books), 50);
  EXPECT_EQ(wallDeadlineMs(books), 1000);
  ASSERT_TRUE(books.finished(7));
  EXPECT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
}

TEST(InvocationBooksTest, ANumberThatIsNotInFlightCannotFinish) {
  InvocationBooks books;
  ASSERT_EQ(books.began(7, limits(50, 1000), 0 * MS, START), Admission::BEGUN);
  EXPECT_FALSE(books.finished(8));
  EXPECT_EQ(books.inFlight(), 1u);
  ASSERT_TRUE(books.finished(7));
  EXPECT_FALSE(books.finished(7));
}

TEST(InvocationBooksTest, FullBooksRefuse) {
  InvocationBooks books;
  for (uint32_t number = 0; number < InvocationBooks::MAX_IN_FLIGHT; ++number)
    ASSERT_EQ(books.began(number, limits(1, 1), 0 * MS, START), Admission::BEGUN);
  uint32_t next = InvocationBooks::MAX_IN_FLIGHT;
  EXPECT_EQ(books.began(next, limits(1, 1), 0 * MS, START), Admission::FULL);
  ASSERT_TRUE(books.finished(17));
  EXPECT_EQ(books.began(next, limits(1, 1), 0 * MS, START), Admission::BEGUN);
}

}  // namespace
}  // namespace mayfly::supervisor
