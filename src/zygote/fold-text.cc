#include "zygote/fold-text.h"

#include <sys/mman.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace mayfly::zygote {
namespace {

constexpr uintptr_t HUGE_PAGE = 2 << 20;

struct Range {
  uintptr_t begin = 0, end = 0;
};

Range findText(const char* library) {
  Range found;
  FILE* file = fopen("/proc/self/maps", "re");
  if (file == nullptr) return found;
  char line[4608];
  while (fgets(line, sizeof line, file) != nullptr) {
    Range range;
    char permissions[5];
    int path = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %*u %n", &range.begin, &range.end,
               permissions, &path) != 3) {
      continue;
    }
    const char* name = path == 0 ? nullptr : strrchr(line + path, '/');
    if (strcmp(permissions, "r-xp") == 0 && name != nullptr &&
        strncmp(name + 1, library, strlen(library)) == 0) {
      found = range;
    }
  }
  fclose(file);
  return found;
}

}  // namespace

size_t foldText(const char* library) {
  Range text = findText(library);
  uintptr_t begin = (text.begin + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  uintptr_t end = text.end & ~(HUGE_PAGE - 1);
  if (begin >= end) return 0;
  size_t size = end - begin;

  // One huge page more, so that an aligned part can be cut out.
  void* room =
      mmap(nullptr, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return 0;
  uintptr_t start = reinterpret_cast<uintptr_t>(room);
  uintptr_t copy = (start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  if (copy > start) munmap(room, copy - start);
  if (uintptr_t rest = start + HUGE_PAGE - copy; rest > 0)
    munmap(reinterpret_cast<void*>(copy + size), rest);
  void* fresh = reinterpret_cast<void*>(copy);

  // Without huge pages the copy would cost more than it saves: a fork would copy every one of its small ones.
  if (madvise(fresh, size, MADV_HUGEPAGE) != 0) {
    munmap(fresh, size);
    return 0;
  }
  memcpy(fresh, reinterpret_cast<void*>(begin), size);
  if (mprotect(fresh, size, PROT_READ | PROT_EXEC) != 0 ||
      mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, reinterpret_cast<void*>(begin)) ==
          MAP_FAILED) {
    munmap(fresh, size);
    return 0;
  }
  return size;
}

}  // namespace mayfly::zygote
