// The judging half of canary.h, which the supervisor links without the attempting half.
#include <signal.h>
#include <sys/wait.h>

#include "zygote/canary.h"

namespace mayfly::zygote {

bool endedAsExpected(const CanarySpecies& species, int waitStatus) {
  switch (species.ending) {
    case CanaryEnding::KILLED:
      return WIFSIGNALED(waitStatus) && WTERMSIG(waitStatus) == SIGSYS;
    case CanaryEnding::TRAPPED:
      return WIFSIGNALED(waitStatus) &&
             (WTERMSIG(waitStatus) == SIGSYS || WTERMSIG(waitStatus) == SIGSEGV);
    case CanaryEnding::REFUSED:
      return WIFEXITED(waitStatus) && WEXITSTATUS(waitStatus) == EXIT_CANARY_REFUSED;
  }
  return false;
}

}  // namespace mayfly::zygote
