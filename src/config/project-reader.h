// Reads the configuration: wrangler.jsonc, wrangler.json or wrangler.toml, the files it names, and `.dev.vars` (or
// else `.env`) beside each of them.
//
// Contract   What is returned is complete and consistent: every required key is there, every path exists, every
//            service names a worker of the project, no binding name is used twice.
// Threads    Reads files at once, on the calling thread.
// Errors     Throws the first error as an OperatorError `config.…` with file and line. What is merely not
//            supported is listed in `warnings`, never passed over in silence.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "base/error.h"
#include "config/mayfly-options.h"
#include "config/worker-config.h"

namespace mayfly::config {

struct Project {
  kj::Vector<WorkerConfig> workers;  // the first is the one that gets the listening socket
  MayflyOptions mayfly;
  kj::Vector<OperatorError> warnings;
};

// `path` names the file, or the directory that holds it.
Project readProject(kj::StringPtr path);

// Finds the file in a directory: wrangler.jsonc, wrangler.json, wrangler.toml, in this order.
kj::String findConfigFile(kj::StringPtr directory);

}  // namespace mayfly::config
