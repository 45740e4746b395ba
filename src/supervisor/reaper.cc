#include "supervisor/reaper.h"

#include <kj/debug.h>

namespace mayfly::supervisor {

void Reaper::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "a sandbox's exit was not collected", exception);
}

}  // namespace mayfly::supervisor
