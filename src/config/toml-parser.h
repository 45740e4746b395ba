// TOML, as a tree of the same shape that JSON gives.
#pragma once

#include "config/config-value.h"

namespace mayfly::config {

// Throws OperatorError `config.syntax` with line and column. Dates become strings as they are written.
ConfigValue parseToml(kj::StringPtr text, kj::StringPtr file);

}  // namespace mayfly::config
