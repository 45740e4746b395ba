#include "supervisor/sandbox-process.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

const Limits GENEROUS = {.cpuMs = 30'000, .wallMs = 30'000, .memoryMb = 128};

class SandboxProcessTest : public testing::Test {
public:
  ~SandboxProcessTest() noexcept override {}

protected:
  kj::Own<SandboxProcess> spawn(FakeZygote::Behaviour behaviour) {
    loop.settle();
    loop.zygote().behaviour = behaviour;
    return loop.wait(loop.spawner.spawn({.memoryBytes = 128 << 20}));
  }
  EndReason endOf(SandboxProcess& sandbox) { return loop.wait(sandbox.onEnd()).reason; }

  SupervisorFixture loop;
};

TEST_F(SandboxProcessTest, AnEndlessLoopIsKilledOnItsCpuClock) {
  auto sandbox = spawn([](int, int) {
    for (;;)
      asm volatile("");
  });
  ASSERT_EQ(sandbox->began(0, {.cpuMs = 20, .wallMs = 30'000, .memoryMb = 128}), Admission::BEGUN);
  auto ending = loop.wait(sandbox->onEnd());
  EXPECT_EQ(ending.reason, EndReason::CPU_LIMIT);
  EXPECT_GE(ending.cpuMicros, 15'000u);
  EXPECT_LE(ending.cpuMicros, 120'000u);  // the limit + 100 ms
}

TEST_F(SandboxProcessTest, ASleeperIsKilledOnTheWallClock) {
  auto sandbox = spawn(FakeZygote::waitForHangUp);
  ASSERT_EQ(sandbox->began(0, {.cpuMs = 1000, .wallMs = 500, .memoryMb = 128}), Admission::BEGUN);
  loop.advance(499 * kj::MILLISECONDS);
  EXPECT_TRUE(sandbox->alive());
  loop.advance(1 * kj::MILLISECONDS);
  EXPECT_FALSE(sandbox->alive());
  EXPECT_EQ(endOf(*sandbox), EndReason::WALL_LIMIT);
}

TEST_F(SandboxProcessTest, OutOfMemoryExitIsAMemoryLimit) {
  auto sandbox = spawn([](int, int) { _exit(77); });
  EXPECT_EQ(endOf(*sandbox), EndReason::MEMORY_LIMIT);
}

TEST_F(SandboxProcessTest, GarbageOnDescriptorThreeKillsIt) {
  auto sandbox = spawn([](int host, int) {
    char garbage[4096];
    memset(garbage, 0xff, sizeof garbage);
    if (write(host, garbage, sizeof garbage) < 0) _exit(1);
    pause();
  });
  EXPECT_EQ(endOf(*sandbox), EndReason::VIOLATION);
}

TEST_F(SandboxProcessTest, AMessageLargerThanTheBoundKillsItBeforeItIsRead) {
  auto sandbox = spawn([](int host, int) {
    uint32_t header[2] = {0, 0x7fffffff};  // one segment of 16 GiB
    if (write(host, header, sizeof header) < 0) _exit(1);
    pause();
  });
  EXPECT_EQ(endOf(*sandbox), EndReason::VIOLATION);
}

TEST_F(SandboxProcessTest, WhoClosesDescriptorThreeAndLivesOnIsKilled) {
  auto sandbox = spawn([](int host, int) {
    close(host);
    pause();
  });
  auto ended = sandbox->onEnd();
  ASSERT_TRUE(
      loop.waitUntil([&]() { return ended.poll(loop.io.waitScope); }, 100 * kj::MILLISECONDS));
  EXPECT_EQ(loop.wait(kj::mv(ended)).reason, EndReason::VIOLATION);
}

TEST_F(SandboxProcessTest, OnlyTheFirstReasonCounts) {
  auto sandbox = spawn(FakeZygote::waitForHangUp);
  sandbox->kill(EndReason::WALL_LIMIT);
  sandbox->kill(EndReason::RELEASED);
  EXPECT_EQ(endOf(*sandbox), EndReason::WALL_LIMIT);
}

TEST_F(SandboxProcessTest, DestroyingItKillsTheProcessAndTheReaperCollectsIt) {
  auto sandbox = spawn([](int, int) {
    for (;;)
      pause();
  });
  pid_t pid = sandbox->pid();
  sandbox = nullptr;
  loop.wait(loop.reaper.onEmpty());
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(SandboxProcessTest, ZygoteDeathRetiresIt) {
  auto sandbox = spawn(FakeZygote::waitForHangUp);
  loop.zygote().die();
  EXPECT_EQ(endOf(*sandbox), EndReason::RETIRED);
}

TEST_F(SandboxProcessTest, BooksOfADeadProcessDoNoHarm) {
  auto sandbox = spawn([](int, int) { _exit(77); });
  endOf(*sandbox);
  EXPECT_EQ(sandbox->began(0, GENEROUS), Admission::BEGUN);
  EXPECT_TRUE(sandbox->finished(0));
  sandbox->kill(EndReason::RELEASED);
}

}  // namespace
}  // namespace mayfly::supervisor
