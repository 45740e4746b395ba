// `mayfly serve`: a project's workers, the first of them behind a listening socket.
#pragma once

#include <kj/async-io.h>

#include "cli/command-line.h"

namespace mayfly::cli {

// Call captureServeSignals() before the event loop exists. Returns the exit status.
void captureServeSignals();
int serve(kj::AsyncIoContext& io, const ServeOptions& options);

}  // namespace mayfly::cli
