#include "supervisor/limits.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include "supervisor/backoff.h"

namespace mayfly::supervisor {
namespace {

class LimitPolicyTest : public testing::Test {
public:
  ~LimitPolicyTest() noexcept override {}

protected:
  capnp::MallocMessageBuilder message;
  schema::Limits::Builder wish = message.initRoot<schema::Limits>();
  LimitPolicy policy{.defaults = {.cpuMs = 100, .wallMs = 1000, .memoryMb = 64},
                     .caps = {.cpuMs = 500, .wallMs = 5000, .memoryMb = 256}};
};

TEST_F(LimitPolicyTest, ZeroMeansTheDefault) {
  auto limits = policy.forLease(wish);
  EXPECT_EQ(limits.cpuMs, 100u);
  EXPECT_EQ(limits.wallMs, 1000u);
  EXPECT_EQ(limits.memoryMb, 64u);
}

TEST_F(LimitPolicyTest, WishesAreLoweredToTheCap) {
  wish.setCpuMs(0xffffffff);
  wish.setWallMs(6000);
  wish.setMemoryMb(0xffffffff);
  auto limits = policy.forLease(wish);
  EXPECT_EQ(limits.cpuMs, 500u);
  EXPECT_EQ(limits.wallMs, 5000u);
  EXPECT_EQ(limits.memoryMb, 256u);
}

TEST_F(LimitPolicyTest, AnInvocationFallsBackToItsLeaseAndKeepsItsMemory) {
  wish.setCpuMs(20);
  wish.setMemoryMb(200);
  auto limits = policy.forInvocation(wish, {.cpuMs = 300, .wallMs = 400, .memoryMb = 32});
  EXPECT_EQ(limits.cpuMs, 20u);
  EXPECT_EQ(limits.wallMs, 400u);
  EXPECT_EQ(limits.memoryMb, 32u);
}

TEST(BackoffTest, FirstRestartIsImmediateAndPausesDouble) {
  Backoff backoff({.shortest = 50 * kj::MILLISECONDS,
                   .longest = 150 * kj::MILLISECONDS,
                   .steady = 10 * kj::SECONDS});
  EXPECT_EQ(backoff.pauseAfter(0 * kj::SECONDS), 0 * kj::SECONDS);
  EXPECT_EQ(backoff.pauseAfter(0 * kj::SECONDS), 50 * kj::MILLISECONDS);
  EXPECT_EQ(backoff.pauseAfter(0 * kj::SECONDS), 100 * kj::MILLISECONDS);
  EXPECT_EQ(backoff.pauseAfter(0 * kj::SECONDS), 150 * kj::MILLISECONDS);
  EXPECT_EQ(backoff.pauseAfter(0 * kj::SECONDS), 150 * kj::MILLISECONDS);
}

TEST(BackoffTest, ALongLifeIsForgiven) {
  Backoff backoff;
  backoff.pauseAfter(0 * kj::SECONDS);
  backoff.pauseAfter(0 * kj::SECONDS);
  EXPECT_EQ(backoff.pauseAfter(11 * kj::SECONDS), 0 * kj::SECONDS);
}

}  // namespace
}  // namespace mayfly::supervisor
