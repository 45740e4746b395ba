// One configuration file: the keys of spec/worker-loader.md §9, and `mayfly`.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "base/error.h"
#include "config/config-value.h"
#include "config/mayfly-options.h"
#include "config/worker-config.h"

namespace mayfly::config {

struct ConfigFile {
  WorkerConfig worker;
  kj::Maybe<MayflyOptions> mayfly;  // null if the file has no such key
};

// Reads the file at an absolute path. Adds a warning for each key that has no effect here.
ConfigFile readConfigFile(kj::StringPtr path, kj::Vector<OperatorError>& warnings);

}  // namespace mayfly::config
