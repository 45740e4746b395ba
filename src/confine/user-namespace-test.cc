#include "confine/user-namespace.h"

#include <errno.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/capabilities.h"
#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

// Runs `inside` in a process with a user namespace of its own, whose ids this process maps. Gives its exit status.
template <typename Inside>
int runMapped(Inside inside) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) return 90;
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);  // or we would wait for ever for a parent that failed
    char byte = 0;
    if (unshare(CLONE_NEWUSER) != 0) _exit(91);
    if (write(ends[1], &byte, 1) != 1 || read(ends[1], &byte, 1) != 1) _exit(92);
    try {
      _exit(inside());
    } catch (const WallFailure& failure) {
      _exit(93);
    }
  }
  close(ends[1]);
  char byte;
  if (read(ends[0], &byte, 1) != 1) return 94;
  mapIdsFromParent(pid);
  if (write(ends[0], &byte, 1) != 1) return 95;
  int status;
  waitpid(pid, &status, 0);
  close(ends[0]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}

// Gives up root, if we are root, so that the test says something about ordinary users.
void becomeOrdinary() {
  if (geteuid() == 0 &&
      (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
    _exit(97);
  // A change of ids makes a process undumpable, and its children's id maps unwritable.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) _exit(98);
}

TEST(UserNamespaceTest, TheFirstIdInsideIsRoot) {
  EXPECT_EQ(runMapped([] { return geteuid() == 0 && getegid() == 0 ? 0 : 1; }), 0);
}

TEST(UserNamespaceTest, StartedByRootItHasAnUnprivilegedId) {
  if (geteuid() != 0) {
    EXPECT_EQ(runMapped([] { return hasUnprivilegedId() ? 1 : 0; }), 0);  // by nobody else
    return;
  }
  EXPECT_EQ(runMapped([] {
              if (!hasUnprivilegedId()) return 1;
              renounceCapabilities();
              takeUnprivilegedId();
              dropCapabilities();
              gid_t groups[4];
              bool alone = getgroups(4, groups) == 0;
              return geteuid() == UNPRIVILEGED_ID && getegid() == UNPRIVILEGED_ID && alone &&
                             setresuid(0, 0, 0) != 0
                         ? 0
                         : 2;
            }),
            0);
}

TEST(UserNamespaceTest, StartedByAnOrdinaryUserItHasOneIdAndFrozenGroups) {
  EXPECT_EXIT(
      {
        becomeOrdinary();
        _exit(runMapped([] {
          if (hasUnprivilegedId()) return 1;
          gid_t none = 0;
          return setgroups(1, &none) != 0 && errno == EPERM ? 0 : 2;
        }));
      },
      testing::ExitedWithCode(0), "");
}

TEST(UserNamespaceTest, NoFurtherNamespaceCanBeMadeInside) {
  EXPECT_EQ(runMapped([] {
              if (!forbidNestedUserNamespaces()) return 1;
              return unshare(CLONE_NEWUSER) != 0 ? errno : 0;
            }),
            ENOSPC);
}

}  // namespace
}  // namespace mayfly::confine
