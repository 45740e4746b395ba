// Reading the operator's files, with errors that say which and why.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include <cstddef>

namespace mayfly::config {

// Throws OperatorError `config.no-file`, `config.unreadable` or `config.too-large`. `purpose` completes "it is …".
kj::Array<kj::byte> readFile(kj::StringPtr path, size_t maxBytes, kj::StringPtr purpose);
kj::String readTextFile(kj::StringPtr path, size_t maxBytes,
                        kj::StringPtr purpose);  // also `config.not-utf8`

bool fileExists(kj::StringPtr path);

// `path` relative to `directory`, without `.` and `..`; absolute.
kj::String resolvePath(kj::StringPtr directory, kj::StringPtr path);
kj::String parentOf(kj::StringPtr path);
kj::String fileNameOf(kj::StringPtr path);

// `path` below `directory`, with `/`; null if it is not below.
kj::Maybe<kj::String> relativeTo(kj::StringPtr directory, kj::StringPtr path);

}  // namespace mayfly::config
