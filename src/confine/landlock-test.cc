#include "confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/process-attributes.h"

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;

constexpr int RULESET_FD = 20;

// These tests say what Landlock does where there is Landlock. A kernel without it runs them all the same: they
// then state that Mayfly knows it has none.
bool kernelHasNone() {
  if (landlockAbi() > 0) return false;
  EXPECT_NE(access("/sys/kernel/security/landlock", F_OK), 0);
  return true;
}

TEST(LandlockTest, NoFileOpensInTheBaseDomain) {
  if (kernelHasNone()) return;
  EXPECT_EXIT(
      {
        forbidNewPrivileges();
        enterLandlockBase(landlockAbi());
        _exit(open("/etc/passwd", O_RDONLY) < 0 ? errno : 0);
      },
      ExitedWithCode(EACCES), "");
}

TEST(LandlockTest, SiblingsAreStrangers) {
  if (landlockAbi() < 6)
    return;  // scopes came with version 6; older kernels are reported as partial
  EXPECT_EXIT(
      {
        forbidNewPrivileges();
        prepareLandlockOfSandboxes(landlockAbi(), RULESET_FD);
        enterLandlockBase(landlockAbi());
        pid_t sibling = fork();
        if (sibling == 0) {
          enterLandlockOfSandbox(RULESET_FD);
          pause();
        }
        pid_t attacker = fork();
        if (attacker == 0) {
          enterLandlockOfSandbox(RULESET_FD);
          _exit(kill(sibling, 0) < 0 ? errno : 0);
        }
        int status;
        waitpid(attacker, &status, 0);
        kill(sibling, SIGKILL);
        _exit(WEXITSTATUS(status));
      },
      ExitedWithCode(EPERM), "");
}

}  // namespace
}  // namespace mayfly::confine
