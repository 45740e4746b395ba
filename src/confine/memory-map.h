// This process's mappings, as /proc/self/maps lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mayfly::confine {

struct Mapping {
  uintptr_t begin, end;
  char permissions[5];  // "rwxp"
  uint64_t inode;       // 0: no file behind it
  std::string name;     // a path, "[heap]" and the like, or empty

  // The vDSO and its kin are the kernel's own: they take no advice and need none.
  bool isKernels() const;
};

// Read whole before the caller changes anything: allocating while reading would change what is read. Empty, with
// errno set, if /proc cannot be read.
std::vector<Mapping> readMemoryMap();

}  // namespace mayfly::confine
