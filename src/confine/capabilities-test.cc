#include "confine/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::confine {
namespace {

// Any user holds every capability in a user namespace of its own.
void becomeCapable() {
  if (unshare(CLONE_NEWUSER) != 0) _exit(90);
}

bool holdsAny() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  syscall(SYS_capget, &header, sets);
  unsigned all = 0;
  for (auto& set : sets)
    all |= set.effective | set.permitted | set.inheritable;
  return all != 0;
}

TEST(CapabilitiesTest, NoneAreLeft) {
  EXPECT_EXIT(
      {
        becomeCapable();
        if (!holdsAny()) _exit(91);
        renounceCapabilities();
        dropCapabilities();
        _exit(holdsAny() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(CapabilitiesTest, TheBoundingSetIsEmpty) {
  EXPECT_EXIT(
      {
        becomeCapable();
        renounceCapabilities();
        int bounded = 0;
        for (int capability = 0; capability < 64; ++capability)
          bounded += prctl(PR_CAPBSET_READ, capability) == 1;
        _exit(bounded);
      },
      testing::ExitedWithCode(0), "");
}

TEST(CapabilitiesTest, SecurebitsAreLocked) {
  EXPECT_EXIT(
      {
        becomeCapable();
        renounceCapabilities();
        bool locked = prctl(PR_GET_SECUREBITS) == 0x2f && prctl(PR_SET_SECUREBITS, 0) != 0;
        _exit(locked ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mayfly::confine
