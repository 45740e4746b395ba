// `mayfly test`: the tests that a project's worker, or test files, export.
#pragma once

#include <kj/async-io.h>

#include "cli/command-line.h"

namespace mayfly::cli {

// Returns the exit status.
int test(kj::AsyncIoContext& io, const TestOptions& options);

}  // namespace mayfly::cli
