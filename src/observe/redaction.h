// What a log line hides of a URL: runs that look like identifiers (worker-loader.md §6.6).
//
// Contract   At least 32 hexadecimal digits, separators allowed; at least 21 characters with two or more digits, upper-case and
//            lower-case letters each; 13 to 19 digits that pass Luhn's check: each such run becomes `REDACTED`. The same rules
//            hold for trace items (builtins/trace/redaction.ts).
// Threads    Pure; any thread.
#pragma once

#include <kj/string.h>

namespace mayfly::observe {

kj::String redactUrl(kj::ArrayPtr<const char> url);

}  // namespace mayfly::observe
