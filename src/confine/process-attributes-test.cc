#include "confine/process-attributes.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/prctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;

TEST(ProcessAttributesTest, NewPrivilegesStayForbidden) {
  EXPECT_EXIT(
      {
        forbidNewPrivileges();
        _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                      prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0
                  ? 0
                  : 1);
      },
      ExitedWithCode(0), "");
}

TEST(ProcessAttributesTest, TheProcessIsNotDumpable) {
  EXPECT_EXIT(
      {
        becomeUndumpable();
        _exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
      },
      ExitedWithCode(0), "");
}

TEST(ProcessAttributesTest, MemoryCannotBecomeExecutable) {
  EXPECT_EXIT(
      {
        void* page =
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (!forbidNewExecutableMemory())
          _exit(EACCES);  // a kernel before 6.3: the filter stands alone
        _exit(mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0);
      },
      ExitedWithCode(EACCES), "");
}

TEST(ProcessAttributesTest, AChildDiesWithItsParent) {
  int lifeline[2];  // its write end is open as long as the grandchild lives
  ASSERT_EQ(pipe(lifeline), 0);
  EXPECT_EXIT(
      {
        int ready[2];
        if (pipe(ready) != 0) _exit(90);
        if (fork() == 0) {
          dieWithParent();
          (void)!write(ready[1], "r", 1);
          for (;;)
            pause();
        }
        char byte;
        _exit(read(ready[0], &byte, 1) == 1 ? 0 : 91);
      },
      ExitedWithCode(0), "");
  close(lifeline[1]);
  pollfd waiting = {.fd = lifeline[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&waiting, 1, 10'000), 1);
  EXPECT_TRUE(waiting.revents & POLLHUP);
  close(lifeline[0]);
}

}  // namespace
}  // namespace mayfly::confine
