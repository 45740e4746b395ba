// The zygote's life after its walls stand: it forks on request and reports how the forks ended. Nothing else.
#pragma once

#include "sandbox/sandbox.h"
#include "zygote/walls.h"

namespace mayfly::zygote {

// Serves the control socket until the supervisor hangs up. Never returns: in the zygote it ends the process, in
// each fork it becomes the sandbox.
[[noreturn]] void serveForks(sandbox::Sandbox& sandbox, const SandboxGround& ground);

}  // namespace mayfly::zygote
