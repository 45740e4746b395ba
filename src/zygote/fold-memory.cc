#include "zygote/fold-memory.h"

#include <sys/mman.h>

#include <cstdint>

#include "confine/memory-map.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace mayfly::zygote {
namespace {

constexpr uintptr_t PAGE = 4096;
constexpr uintptr_t HUGE_PAGE = 2 << 20;

// Private writable memory without a file behind it.
bool isCandidate(const confine::Mapping& mapping) {
  return mapping.inode == 0 && mapping.permissions[1] == 'w' && mapping.permissions[3] == 'p' &&
         mapping.name != "[stack]";
}

// Untouched memory must not be filled with zeroes only to be folded.
bool isMostlyResident(uintptr_t begin) {
  constexpr size_t PAGES = HUGE_PAGE / PAGE;
  unsigned char resident[PAGES];
  if (mincore(reinterpret_cast<void*>(begin), HUGE_PAGE, resident) != 0) return false;
  size_t count = 0;
  for (unsigned char page : resident)
    count += page & 1;
  return count >= PAGES / 2;
}

}  // namespace

size_t foldMemory() {
  size_t folded = 0;
  for (const confine::Mapping& range : confine::readMemoryMap()) {
    if (!isCandidate(range)) continue;
    uintptr_t first = (range.begin + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    for (uintptr_t at = first; at + HUGE_PAGE <= range.end; at += HUGE_PAGE) {
      if (isMostlyResident(at) &&
          madvise(reinterpret_cast<void*>(at), HUGE_PAGE, MADV_COLLAPSE) == 0)
        folded += HUGE_PAGE;
    }
  }
  return folded;
}

}  // namespace mayfly::zygote
