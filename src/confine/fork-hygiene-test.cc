#include "confine/fork-hygiene.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;

// What V8 does to its memory, and what the zygote does about it.
TEST(ForkHygieneTest, MemoryThatRefusedForkingIsForked) {
  auto* page = static_cast<char*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  page[0] = 42;
  ASSERT_EQ(madvise(page, 4096, MADV_DONTFORK), 0);
  // Asked for rather than touched: sanitizers have a handler of their own for SIGSEGV.
  EXPECT_EXIT(_exit(msync(page, 4096, MS_ASYNC) == 0 ? 0 : errno), ExitedWithCode(ENOMEM), "");
  makeMemoryForkable();
  EXPECT_EXIT(_exit(page[0]), ExitedWithCode(42), "");
}

TEST(ForkHygieneTest, DataSizeFollowsAllocations) {
  constexpr size_t SIZE = 64 << 20;
  const uint64_t before = measureDataBytes();
  void* memory = mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_GE(measureDataBytes(), before + SIZE);
  munmap(memory, SIZE);
}

TEST(ForkHygieneTest, ASecondThreadIsNoticed) {
  EXPECT_NO_THROW(requireSingleThread());
  int hold[2];
  ASSERT_EQ(pipe(hold), 0);
  std::thread second([&] {
    char byte;
    (void)!read(hold[0], &byte, 1);
  });
  EXPECT_THROW(requireSingleThread(), WallFailure);
  close(hold[1]);
  second.join();
  close(hold[0]);
}

TEST(ForkHygieneTest, DescriptorsAreClosedFromTheGivenOne) {
  EXPECT_EXIT(
      {
        int kept = open("/dev/null", O_RDONLY);
        int lost = fcntl(kept, F_DUPFD, 20);
        closeDescriptorsFrom(static_cast<unsigned>(kept) + 1);
        bool right = fcntl(kept, F_GETFD) >= 0 && fcntl(lost, F_GETFD) < 0 && errno == EBADF;
        _exit(right ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

TEST(ForkHygieneTest, AMovedDescriptorLeavesItsOldNumber) {
  EXPECT_EXIT(
      {
        int from = open("/dev/null", O_RDONLY);
        moveDescriptor(from, 30);
        bool right = fcntl(30, F_GETFD) == FD_CLOEXEC && fcntl(from, F_GETFD) < 0;
        moveDescriptor(30, 30);
        _exit(right && fcntl(30, F_GETFD) >= 0 ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mayfly::confine
