#include "confine/user-namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "user namespace";
constexpr const char* REMEDY =
    "Run as a user that may create user namespaces (user.max_user_namespaces > 0, no AppArmor "
    "restriction), "
    "or as root with CAP_SETUID and CAP_SETGID";

// The kernel accepts an id map only as one single write.
void writeWhole(const char* path, const char* text) {
  int fd = require(open(path, O_WRONLY | O_CLOEXEC), WALL, "open id map", REMEDY);
  ssize_t written = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  if (written != static_cast<ssize_t>(strlen(text)))
    throw WallFailure{WALL, "write id map", error, REMEDY};
}

// Whether `id` exists in the user namespace of this process, according to `map` (uid_map or gid_map).
bool isMapped(const char* map, unsigned long id) {
  FILE* file = fopen(map, "re");
  if (file == nullptr)
    throw WallFailure{WALL, "read own id map", errno, "Mount /proc where Mayfly starts"};
  bool found = false;
  unsigned long inside, outside, count;
  while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
    if (id >= inside && id - inside < count) found = true;
  }
  fclose(file);
  return found;
}

}  // namespace

bool hasUnprivilegedId() {
  return isMapped("/proc/self/uid_map", UNPRIVILEGED_ID) &&
         isMapped("/proc/self/gid_map", UNPRIVILEGED_ID);
}

void mapIdsFromParent(pid_t pid) {
  char path[64], map[96];
  const bool twoIds = geteuid() == 0 && hasUnprivilegedId();
  // With setgroups permitted a process could drop a group that denies it something, so an ordinary user must
  // give it up before the kernel accepts the group map. Root's zygote empties its groups instead.
  if (!twoIds) {
    snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
    writeWhole(path, "deny");
  }
  struct {
    const char* file;
    unsigned outside;
  } maps[] = {{"uid_map", geteuid()}, {"gid_map", getegid()}};
  for (auto& m : maps) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, m.file);
    if (twoIds) {
      snprintf(map, sizeof map, "0 %u 1\n%u %u 1\n", m.outside, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    } else {
      snprintf(map, sizeof map, "0 %u 1\n", m.outside);
    }
    writeWhole(path, map);
  }
}

bool forbidNestedUserNamespaces() {
  int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool written = write(fd, "0", 1) == 1;
  close(fd);
  return written;
}

void takeUnprivilegedId() {
  require(setgroups(0, nullptr), WALL, "setgroups", REMEDY);
  require(setresgid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID), WALL, "setresgid", REMEDY);
  require(setresuid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID), WALL, "setresuid", REMEDY);
}

}  // namespace mayfly::confine
