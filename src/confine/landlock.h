// Landlock: no files, no TCP, and no signals or abstract sockets across the border of a sandbox.
//
// The zygote enters a domain with every right handled and none granted. Each sandbox enters one more of its own,
// so that its siblings, forked from the same zygote, are strangers to it.
#pragma once

namespace mayfly::confine {

// The kernel's Landlock version; 0 if it has none or it is switched off.
int landlockAbi();

// In the zygote, after forbidNewPrivileges(). Enters the base domain. Cannot be undone. Throws WallFailure.
void enterLandlockBase(int abi);

// In the zygote: makes the rule set that each sandbox enters and puts it on descriptor `fd`. Throws WallFailure.
void prepareLandlockOfSandboxes(int abi, int fd);

// In a sandbox: enters its own domain, by the rule set on descriptor `fd`. Throws WallFailure.
void enterLandlockOfSandbox(int fd);

}  // namespace mayfly::confine
