#include "confine/fork-hygiene.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "confine/memory-map.h"
#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "fork hygiene";
constexpr const char* PROC = "Mount /proc where Mayfly starts";

}  // namespace

void requireSingleThread() {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) throw WallFailure{WALL, "open /proc/self/task", errno, PROC};
  int count = 0;
  while (dirent* entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(tasks);
  if (count != 1) {
    throw WallFailure{
        WALL, "the zygote has more than one thread", 0,
        "This is a defect: start V8 with --single-threaded and a platform without workers"};
  }
}

void makeMemoryForkable() {
  auto mappings = readMemoryMap();
  if (mappings.empty()) throw WallFailure{WALL, "read /proc/self/maps", errno, PROC};
  for (const Mapping& m : mappings) {
    if (m.isKernels()) continue;
    // A mapping that was there a moment ago may have been merged or freed by our own reading; those of V8 are not.
    int result = madvise(reinterpret_cast<void*>(m.begin), m.end - m.begin, MADV_DOFORK);
    if (result != 0 && errno != ENOMEM)
      throw WallFailure{WALL, "madvise(MADV_DOFORK)", errno, "Report this"};
  }
}

uint64_t measureDataBytes() {
  FILE* file = fopen("/proc/self/status", "re");
  if (file == nullptr) throw WallFailure{WALL, "open /proc/self/status", errno, PROC};
  char line[256];
  uint64_t kilobytes = 0;
  while (fgets(line, sizeof line, file) != nullptr &&
         sscanf(line, "VmData: %" SCNu64, &kilobytes) != 1) {
  }
  fclose(file);
  if (kilobytes == 0) throw WallFailure{WALL, "find VmData in /proc/self/status", 0, PROC};
  return kilobytes * 1024;
}

void closeDescriptorsFrom(unsigned first) {
  require(syscall(SYS_close_range, first, ~0u, 0), WALL, "close_range",
          "Linux 5.9 or newer is needed");
}

void moveDescriptor(int from, int to) {
  if (from == to) return;
  require(dup3(from, to, O_CLOEXEC), WALL, "dup3", "Report this");
  require(close(from), WALL, "close", "Report this");
}

}  // namespace mayfly::confine
