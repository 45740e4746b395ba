// `mayfly doctor`: which walls are up on this machine, with evidence, and the grade.
#pragma once

#include <kj/async-io.h>

#include "cli/command-line.h"

namespace mayfly::cli {

// Returns the exit status.
int doctor(kj::AsyncIoContext& io, const DoctorOptions& options);

}  // namespace mayfly::cli
