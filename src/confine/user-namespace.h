// The user namespace: the zygote is nobody outside of it, and nothing inside once its capabilities are gone.
//
// Started by root, the namespace has two ids: 0, as which the zygote boots (its libraries may lie where only
// root can read), and 65534, which it becomes before the first fork. Started by anyone else it has one id, 0
// inside and the caller's outside, and supplementary groups are frozen.
#pragma once

#include <sys/types.h>

namespace mayfly::confine {

constexpr uid_t UNPRIVILEGED_ID = 65534;

// In the parent of the new process `pid`, which waits meanwhile: writes its uid and gid maps. Throws WallFailure.
void mapIdsFromParent(pid_t pid);

// Inside, while still capable: no further user namespace can be made from here. False if the kernel does not let
// us say so (a read-only /proc/sys); the system-call filter refuses them all the same.
bool forbidNestedUserNamespaces();

// Inside: whether the namespace has UNPRIVILEGED_ID. Requires /proc. Throws WallFailure.
bool hasUnprivilegedId();

// Inside, with capabilities kept across the change of ids (see capabilities.h): becomes UNPRIVILEGED_ID and leaves all
// groups. Throws WallFailure.
void takeUnprivilegedId();

}  // namespace mayfly::confine
