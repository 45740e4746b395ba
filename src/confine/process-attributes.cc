#include "confine/process-attributes.h"

#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "confine/wall-failure.h"

namespace mayfly::confine {

void forbidNewPrivileges() {
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges", "prctl(PR_SET_NO_NEW_PRIVS)",
          "Linux 3.5 or newer is needed");
}

void becomeUndumpable() {
  require(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "not dumpable", "prctl(PR_SET_DUMPABLE)",
          "Linux 2.4 or newer is needed");
}

bool forbidNewExecutableMemory() {
  if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0) return true;
  if (errno == EINVAL) return false;
  throw WallFailure{"no new executable memory", "prctl(PR_SET_MDWE)", errno,
                    "Linux 6.3 or newer is needed"};
}

void dieWithParent() {
  require(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "death with parent", "prctl(PR_SET_PDEATHSIG)",
          "Linux 2.4 or newer is needed");
}

}  // namespace mayfly::confine
