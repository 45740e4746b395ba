// `.dev.vars`: KEY=value lines with what does not belong into the configuration.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "config/worker-config.h"

namespace mayfly::config {

// Values are unquoted (a ` #` begins a comment), 'literal', "with \n escapes" or `literal`; quoted ones may span
// lines. `export ` before a name is skipped. A later line wins. Throws `config.syntax` with the line, but never
// the value.
kj::Vector<VariableBinding> parseSecrets(kj::StringPtr text, kj::StringPtr file);

}  // namespace mayfly::config
