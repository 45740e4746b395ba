// Moves V8's code into huge pages. A fork inherits no page-table entries for code that lies in a file, so each sandbox
// would take a page fault for every few pages of it that it runs, well over a hundred; memory in huge pages comes with
// the fork, at one entry for two megabytes. The price is a copy of the code in each zygote (about 50 MB).
#pragma once

#include <cstddef>

namespace mayfly::zygote {

// Replaces the executable mapping of the library whose file name begins with `library` by a copy in anonymous huge
// pages, as far as it is aligned to them. Single-threaded; the caller must not be part of that library. Requires
// /proc. Does what the kernel permits: nothing depends on it but speed. Gives the bytes that lie in huge pages now.
size_t foldText(const char* library);

}  // namespace mayfly::zygote
