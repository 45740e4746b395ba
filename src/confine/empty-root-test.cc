#include "confine/empty-root.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;

void enterInOwnNamespace() {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(90);
  try {
    enterEmptyRoot();
  } catch (const WallFailure& failure) {
    char text[480];
    failure.describe(text, sizeof text);
    (void)!write(STDERR_FILENO, text, __builtin_strlen(text));
    _exit(91);
  }
}

TEST(EmptyRootTest, NothingOfTheHostIsThere) {
  EXPECT_EXIT(
      {
        enterInOwnNamespace();
        for (const char* path : {"/etc", "/proc", "/usr", "/dev/null", "../etc", "/../etc"}) {
          if (open(path, O_RDONLY) >= 0 || errno != ENOENT) _exit(1);
        }
        _exit(0);
      },
      ExitedWithCode(0), "");
}

TEST(EmptyRootTest, NothingCanBeMade) {
  EXPECT_EXIT(
      {
        enterInOwnNamespace();
        if (mkdir("/made", 0700) == 0) _exit(1);
        _exit(errno);
      },
      ExitedWithCode(EROFS), "");
}

TEST(EmptyRootTest, OpenDescriptorsSurvive) {
  EXPECT_EXIT(
      {
        int null = open("/dev/null", O_WRONLY);
        enterInOwnNamespace();
        _exit(write(null, "x", 1) == 1 ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

TEST(EmptyRootTest, RefusesToPretendWithoutPrivilege) {
  EXPECT_EXIT(
      {
        // In a namespace of its own, but without the capabilities that would let it mount.
        if (unshare(CLONE_NEWUSER) != 0) _exit(90);
        try {
          enterEmptyRoot();
        } catch (const WallFailure& failure) {
          _exit(failure.error);
        }
        _exit(0);
      },
      ExitedWithCode(EPERM), "");
}

}  // namespace
}  // namespace mayfly::confine
