#include "confine/capabilities.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "capabilities";
constexpr const char* REMEDY =
    "Start the supervisor as root or allow user namespaces, so that the zygote holds "
    "CAP_SETPCAP while it confines itself";

constexpr unsigned SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
static_assert(SECUREBITS == 0x2f);

}  // namespace

void renounceCapabilities() {
  require(prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0), WALL, "prctl(PR_SET_SECUREBITS)", REMEDY);
  require(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), WALL, "prctl(PR_CAP_AMBIENT)",
          REMEDY);
  // The running kernel may know more capabilities than the headers we were built with: ask it.
  for (int capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0) break;
    require(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), WALL, "prctl(PR_CAPBSET_DROP)", REMEDY);
  }
}

void dropCapabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  require(syscall(SYS_capset, &header, none), WALL, "capset", REMEDY);
}

}  // namespace mayfly::confine
