// The top-level key `mayfly`, as config/mayfly-options.h documents it.
#pragma once

#include <kj/string.h>

#include "config/mayfly-options.h"
#include "config/object-reader.h"

namespace mayfly::config {

// `directory` is that of the configuration file: `workers` are relative to it.
MayflyOptions readMayflyOptions(ObjectReader& mayfly, kj::StringPtr directory);

}  // namespace mayfly::config
