// Attributes of the process that only ever get stricter. Each is inherited by fork. Each throws WallFailure.
#pragma once

namespace mayfly::confine {

// No exec grants anything any more (and seccomp and Landlock may be used without privilege).
void forbidNewPrivileges();

// Other processes of the same user cannot attach to this one or read its memory, and it leaves no core file.
// Any change of ids resets this: call it after the last one.
void becomeUndumpable();

// Memory cannot become executable from here on (Linux 6.3). False if the kernel does not know how.
bool forbidNewExecutableMemory();

// The process ends when its parent thread does. Reset by a change of ids or capabilities: call it after those.
void dieWithParent();

}  // namespace mayfly::confine
