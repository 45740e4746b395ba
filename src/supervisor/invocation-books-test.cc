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
  EXPECT_FALSE(books.finished());
}

TEST(InvocationBooksTest, OneInvocationIsExact) {
  InvocationBooks books;
  ASSERT_TRUE(books.began(limits(50, 300), 7 * MS, START + 1 * MS));
  EXPECT_EQ(cpuDeadlineMs(books), 57);
  EXPECT_EQ(wallDeadlineMs(books), 301);
}

TEST(InvocationBooksTest, InvocationsInFlightShareUpToFourBudgets) {
  InvocationBooks books;
  for (int i = 0; i < 6; ++i)
    ASSERT_TRUE(books.began(limits(50, 300), 10 * MS, START));
  EXPECT_EQ(cpuDeadlineMs(books), 10 + 4 * 50);
}

TEST(InvocationBooksTest, TheOldestIsTakenOffTheBooks) {
  InvocationBooks books;
  ASSERT_TRUE(books.began(limits(50, 300), 0 * MS, START));
  ASSERT_TRUE(books.began(limits(50, 300), 40 * MS, START + 100 * MS));
  EXPECT_EQ(cpuDeadlineMs(books), 100);
  ASSERT_TRUE(books.finished());
  EXPECT_EQ(cpuDeadlineMs(books), 90);
  EXPECT_EQ(wallDeadlineMs(books), 400);
}

TEST(InvocationBooksTest, TheEarliestWallDeadlineCounts) {
  InvocationBooks books;
  ASSERT_TRUE(books.began(limits(50, 1000), 0 * MS, START));
  ASSERT_TRUE(books.began(limits(50, 100), 0 * MS, START + 10 * MS));
  EXPECT_EQ(wallDeadlineMs(books), 110);
}

TEST(InvocationBooksTest, ClocksStandStillWhenAllIsDone) {
  InvocationBooks books;
  ASSERT_TRUE(books.began(limits(50, 1000), 0 * MS, START));
  ASSERT_TRUE(books.finished());
  EXPECT_TRUE(books.cpuDeadline() == nullptr);
  EXPECT_TRUE(books.wallDeadline() == nullptr);
}

TEST(InvocationBooksTest, FullBooksRefuse) {
  InvocationBooks books;
  for (size_t i = 0; i < InvocationBooks::MAX_IN_FLIGHT; ++i)
    ASSERT_TRUE(books.began(limits(1, 1), 0 * MS, START));
  EXPECT_FALSE(books.began(limits(1, 1), 0 * MS, START));
}

}  // namespace
}  // namespace mayfly::supervisor
