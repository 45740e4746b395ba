// JSON with comments and trailing commas.
#pragma once

#include "config/config-value.h"

namespace mayfly::config {

// Throws OperatorError `config.syntax` or `config.duplicate-key`, with line and column. `file` is for messages.
ConfigValue parseJsonc(kj::StringPtr text, kj::StringPtr file);

// Replaces comments and trailing commas by blanks, so that every other character keeps its line and column.
// A comment that never ends is left as it is.
kj::String blankCommentsAndTrailingCommas(kj::StringPtr text);

}  // namespace mayfly::config
