// `mayfly run`: one file, one fresh sandbox, no network, one result.
#pragma once

#include <kj/async-io.h>

#include "cli/command-line.h"

namespace mayfly::cli {

// Returns the exit status.
int run(kj::AsyncIoContext& io, const RunOptions& options);

}  // namespace mayfly::cli
