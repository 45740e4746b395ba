#include "confine/resource-limits.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "confine/fork-hygiene.h"

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;

constexpr uint64_t BUDGET = 32 << 20;

SandboxLimits limits() {
  return {.dataBytes = measureDataBytes() + BUDGET, .cpuSeconds = 1, .descriptors = 8};
}

int errnoOfMapping(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? errno : 0;
}

TEST(ResourceLimitsTest, MemoryEndsWithTheBudget) {
  EXPECT_EXIT(
      {
        limitSandbox(limits());
        if (errnoOfMapping(BUDGET / 2) != 0) _exit(1);
        _exit(errnoOfMapping(BUDGET));
      },
      ExitedWithCode(ENOMEM), "");
}

TEST(ResourceLimitsTest, ProcessorTimeEnds) {
  EXPECT_EXIT(
      {
        limitSandbox(limits());
        signal(SIGXCPU, SIG_IGN);  // does not help
        for (volatile unsigned i = 0;; i = i + 1) {
        }
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST(ResourceLimitsTest, DescriptorsEnd) {
  EXPECT_EXIT(
      {
        closeDescriptorsFrom(3);
        limitSandbox(limits());
        int opened = 0;
        while (open("/dev/null", O_RDONLY) >= 0)
          ++opened;
        _exit(errno == EMFILE ? opened : 100);
      },
      ExitedWithCode(5), "");
}

TEST(ResourceLimitsTest, LimitsCannotBeRaised) {
  EXPECT_EXIT(
      {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(90);
        limitZygote();
        rlimit more;
        more.rlim_cur = more.rlim_max = 1;
        _exit(setrlimit(RLIMIT_CORE, &more) < 0 ? errno : 0);
      },
      ExitedWithCode(EPERM), "");
}

// Or a sandbox with many descriptors in flight could keep the zygote from answering.
TEST(ResourceLimitsTest, ABudgetThatWasLoweredMeanwhileStaysLow) {
  EXPECT_EXIT(
      {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(90);
        auto wanted = limits();
        wanted.mostDataBytes = limitZygote().dataBytes;
        rlimit low;
        low.rlim_cur = low.rlim_max = wanted.dataBytes - BUDGET / 2;
        if (setrlimit(RLIMIT_DATA, &low) != 0) _exit(91);
        limitSandbox(wanted);
        _exit(errnoOfMapping(BUDGET * 3 / 4));
      },
      ExitedWithCode(ENOMEM), "");
}

TEST(ResourceLimitsTest, TheZygoteHasRoomThatNoSandboxHas) {
  EXPECT_EXIT(
      {
        uint32_t most = limitZygote().descriptors;
        rlimit descriptors;
        getrlimit(RLIMIT_NOFILE, &descriptors);
        _exit(most >= 64 && most <= 65536 && most * 2 <= descriptors.rlim_cur ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mayfly::confine
