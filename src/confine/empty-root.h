// An empty, read-only file system as the whole world: one directory, no entries, room for none.
#pragma once

namespace mayfly::confine {

// Requires a mount namespace of our own and CAP_SYS_ADMIN in it. Open descriptors stay as they are.
// Cannot be undone. Throws WallFailure.
void enterEmptyRoot();

}  // namespace mayfly::confine
