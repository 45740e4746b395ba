#include "confine/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "Landlock";
constexpr const char* REMEDY =
    "Linux 6.12 or newer with CONFIG_SECURITY_LANDLOCK and landlock in lsm= is needed";

// The rights a kernel of version `abi` can handle. An older kernel refuses bits that it does not know.
landlock_ruleset_attr everything(int abi) {
  landlock_ruleset_attr attr = {};
  attr.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // version 1: execute … make_sym
  if (abi >= 2) attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 4)
    attr.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
  if (abi >= 5) attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  if (abi >= 6) attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
  return attr;
}

// Kernels before version 6 refuse a structure longer than theirs unless the rest is zero, and it is.
int createRuleset(const landlock_ruleset_attr& attr) {
  return static_cast<int>(require(syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0), WALL,
                                  "landlock_create_ruleset", REMEDY));
}

}  // namespace

int landlockAbi() {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

void enterLandlockBase(int abi) {
  int fd = createRuleset(everything(abi));
  require(syscall(SYS_landlock_restrict_self, fd, 0), WALL, "landlock_restrict_self", REMEDY);
  close(fd);
}

void prepareLandlockOfSandboxes(int abi, int fd) {
  landlock_ruleset_attr attr = everything(abi);
  if (abi >= 6) {  // the base domain handles the rest; this one only draws the border
    attr.handled_access_fs = 0;
    attr.handled_access_net = 0;
  }
  int ruleset = createRuleset(attr);
  if (ruleset == fd) return;
  require(dup3(ruleset, fd, O_CLOEXEC), WALL, "dup3 of the rule set", REMEDY);
  close(ruleset);
}

void enterLandlockOfSandbox(int fd) {
  require(syscall(SYS_landlock_restrict_self, fd, 0), WALL, "landlock_restrict_self in the sandbox",
          REMEDY);
}

}  // namespace mayfly::confine
