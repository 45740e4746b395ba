#include "zygote/fold-memory.h"

#include <sys/mman.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace mayfly::zygote {
namespace {

constexpr uintptr_t PAGE = 4096;
constexpr uintptr_t HUGE_PAGE = 2 << 20;

struct Range {
  uintptr_t begin, end;
};

// Private writable memory without a file behind it. Read whole before anything is changed.
std::vector<Range> readCandidates() {
  std::vector<Range> ranges;
  FILE* file = fopen("/proc/self/maps", "re");
  if (file == nullptr) return ranges;
  char line[4608];
  while (fgets(line, sizeof line, file) != nullptr) {
    Range range;
    char permissions[5];
    uint64_t inode;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %" SCNu64, &range.begin, &range.end,
               permissions, &inode) != 4)
      continue;
    if (inode != 0 || permissions[1] != 'w' || permissions[3] != 'p' ||
        strstr(line, "[stack]") != nullptr)
      continue;
    ranges.push_back(range);
  }
  fclose(file);
  return ranges;
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
  for (Range range : readCandidates()) {
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
