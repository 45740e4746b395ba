// The long system-call filter: installed once, in the zygote, and inherited by every sandbox.
//
// Contract   Whatever is not listed ends the process with SIGSYS: calls of other architectures, calls newer than
//            this list, everything that reaches files, sockets by address, processes, namespaces or devices.
//            The list is what a sandbox needs, plus what a parent worker's sandbox needs, plus what forking needs.
//            The short filter of each sandbox (seccomp-child-filter.h) takes the surplus away again.
// Cost       Proportional to its length at each installation, which is why it happens before the fork.
#pragma once

namespace mayfly::confine {

enum class ExecutableMemory { ALLOWED, FORBIDDEN };  // FORBIDDEN: V8 runs with --jitless

// Cannot be undone. Sets no_new_privs if that has not happened. Throws WallFailure.
void installZygoteFilter(ExecutableMemory executableMemory);

}  // namespace mayfly::confine
