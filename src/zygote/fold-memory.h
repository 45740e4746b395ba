// Makes the zygote cheap to fork. A fork copies one page-table entry for each resident page, 25 µs for each MiB of
// them; memory in huge pages has one entry for 512 times as much. A sandbox that writes to such a page splits its own
// table and copies 4 KiB, so that its private memory does not grow.
#pragma once

#include <cstddef>

namespace mayfly::zygote {

// Collapses the well-filled parts of this process's private memory into huge pages. Does what the kernel permits:
// nothing depends on it but speed. Requires /proc. Gives the bytes that are in huge pages now because of it.
size_t foldMemory();

}  // namespace mayfly::zygote
