#include "confine/memory-map.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace mayfly::confine {

bool Mapping::isKernels() const {
  return name.starts_with("[vvar") || name == "[vdso]" || name == "[vsyscall]";
}

std::vector<Mapping> readMemoryMap() {
  std::vector<Mapping> mappings;
  FILE* file = fopen("/proc/self/maps", "re");
  if (file == nullptr) return mappings;
  char line[4608];
  while (fgets(line, sizeof line, file) != nullptr) {
    Mapping mapping;
    int name = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %" SCNu64 " %n", &mapping.begin,
               &mapping.end, mapping.permissions, &mapping.inode, &name) != 4) {
      continue;
    }
    if (name > 0) mapping.name.assign(line + name, strcspn(line + name, "\n"));
    mappings.push_back(std::move(mapping));
  }
  fclose(file);
  return mappings;
}

}  // namespace mayfly::confine
