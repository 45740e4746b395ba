// No capabilities, and no way to get any: not by a change of ids, not by an exec.
#pragma once

namespace mayfly::confine {

// Locks securebits (no privileged root, no fixups on a change of ids, no keep-caps) and empties the bounding and
// ambient sets. Requires CAP_SETPCAP. What the process holds stays effective until dropCapabilities().
// Cannot be undone. Throws WallFailure.
void renounceCapabilities();

// Empties the effective, permitted and inheritable sets. Cannot be undone. Throws WallFailure.
void dropCapabilities();

}  // namespace mayfly::confine
