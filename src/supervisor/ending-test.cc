#include "supervisor/ending.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>

#include "zygote/control-protocol.h"

namespace mayfly::supervisor {
namespace {

constexpr int exited(int status) { return status << 8; }
constexpr int killedBy(int signal) { return signal; }

struct Case {
  const char* name;
  ExitFacts facts;
  EndReason expected;
};

class ClassifyExitTest : public testing::TestWithParam<Case> {};

TEST_P(ClassifyExitTest, NamesTheReason) {
  EXPECT_EQ(classifyExit(GetParam().facts).reason, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ClassifyExitTest,
    testing::Values(
        Case{"OutOfMemoryHandler", {.waitStatus = exited(77)}, EndReason::MEMORY_LIMIT},
        Case{"OutOfMemoryWinsOverOurKill",
             {.waitStatus = exited(77), .killedFor = EndReason::RELEASED},
             EndReason::MEMORY_LIMIT},
        Case{"ExitByItself", {.waitStatus = exited(0)}, EndReason::EXITED},
        Case{"ExitByAbortIsolate",
             {.waitStatus = exited(zygote::EXIT_ISOLATE_ABORTED)},
             EndReason::ABORTED},
        Case{"ExitWithStatus", {.waitStatus = exited(3)}, EndReason::EXITED},
        Case{"ExitAfterOurDoorClosed",
             {.waitStatus = exited(0), .killedFor = EndReason::RELEASED},
             EndReason::RELEASED},
        Case{"ForbiddenSystemCall", {.waitStatus = killedBy(SIGSYS)}, EndReason::VIOLATION},
        Case{"OurCpuClock",
             {.waitStatus = killedBy(SIGKILL), .killedFor = EndReason::CPU_LIMIT},
             EndReason::CPU_LIMIT},
        Case{"OurWallClock",
             {.waitStatus = killedBy(SIGKILL), .killedFor = EndReason::WALL_LIMIT},
             EndReason::WALL_LIMIT},
        Case{"OurKillBeforeTheZygoteDied",
             {.waitStatus = killedBy(SIGKILL),
              .killedFor = EndReason::CPU_LIMIT,
              .zygoteDied = true},
             EndReason::CPU_LIMIT},
        Case{"CpuBackstopHard",
             {.waitStatus = killedBy(SIGKILL), .cpuMicros = 2'000'100, .cpuBackstopSeconds = 2},
             EndReason::CPU_LIMIT},
        Case{"CpuBackstopSoft", {.waitStatus = killedBy(SIGXCPU)}, EndReason::CPU_LIMIT},
        Case{"KernelOutOfMemory",
             {.waitStatus = killedBy(SIGKILL), .maxRssKb = 140'000, .memoryBytes = 128 << 20},
             EndReason::MEMORY_LIMIT},
        Case{"SmallAndKilledByHand",
             {.waitStatus = killedBy(SIGKILL), .maxRssKb = 40'000, .memoryBytes = 128 << 20},
             EndReason::CRASHED},
        Case{"ZygoteDied",
             {.waitStatus = killedBy(SIGKILL), .zygoteDied = true},
             EndReason::RETIRED},
        Case{"SegmentationFault", {.waitStatus = killedBy(SIGSEGV)}, EndReason::CRASHED},
        Case{"CrashIsACrashEvenIfWeWereAboutToKill",
             {.waitStatus = killedBy(SIGSEGV), .killedFor = EndReason::CPU_LIMIT},
             EndReason::CRASHED},
        Case{"Trap", {.waitStatus = killedBy(SIGTRAP)}, EndReason::CRASHED},
        Case{"Abort", {.waitStatus = killedBy(SIGABRT)}, EndReason::CRASHED}),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

TEST(EndingTest, DetailNamesTheSignal) {
  EXPECT_STREQ(classifyExit({.waitStatus = SIGSEGV}).detail.cStr(), "SIGSEGV");
}

TEST(EndingTest, EveryReasonHasACodeOfItsOwn) {
  std::set<std::string> codes;
  for (int reason = 0; reason <= static_cast<int>(EndReason::ABORTED); ++reason) {
    codes.insert(textOf(static_cast<EndReason>(reason)).code.cStr());
  }
  EXPECT_EQ(codes.size(), 10u);
}

}  // namespace
}  // namespace mayfly::supervisor
