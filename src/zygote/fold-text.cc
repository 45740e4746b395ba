#include "zygote/fold-text.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "confine/memory-map.h"

namespace mayfly::zygote {
namespace {

constexpr uintptr_t HUGE_PAGE = 2 << 20;

// The executable mapping of the library, if it is loaded.
const confine::Mapping* findText(const std::vector<confine::Mapping>& mappings,
                                 std::string_view library) {
  for (const confine::Mapping& mapping : mappings) {
    auto slash = mapping.name.rfind('/');
    if (std::string_view(mapping.permissions) == "r-xp" && slash != std::string::npos &&
        std::string_view(mapping.name).substr(slash + 1).starts_with(library)) {
      return &mapping;
    }
  }
  return nullptr;
}

}  // namespace

size_t foldText(const char* library) {
  auto mappings = confine::readMemoryMap();
  const confine::Mapping* text = findText(mappings, library);
  if (text == nullptr) return 0;
  uintptr_t begin = (text->begin + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  uintptr_t end = text->end & ~(HUGE_PAGE - 1);
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
