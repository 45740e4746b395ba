#include "confine/empty-root.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "empty root";
constexpr const char* REMEDY =
    "The root file system must be an ordinary mount (not an initramfs), and mounting in a user "
    "namespace must be "
    "allowed (AppArmor, SELinux and container profiles can forbid it)";

// Two inodes is the least tmpfs takes: its root and none to give away.
constexpr const char* SIZE = "size=4k,nr_inodes=2,mode=0555";
constexpr unsigned long FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC;

}  // namespace

void enterEmptyRoot() {
  // Nothing that happens here may travel back to the host's mount table.
  require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), WALL,
          "mount --make-rprivate /", REMEDY);
  // The new root needs some directory to stand on until it is the root. Any will do; /usr exists everywhere.
  require(mount("none", "/usr", "tmpfs", FLAGS, SIZE), WALL, "mount tmpfs", REMEDY);
  require(chdir("/usr"), WALL, "chdir", REMEDY);
  // pivot_root(".", ".") puts the old root on top of the new one, where "." can be detached.
  require(syscall(SYS_pivot_root, ".", "."), WALL, "pivot_root", REMEDY);
  require(umount2(".", MNT_DETACH), WALL, "umount2 of the old root", REMEDY);
  require(chdir("/"), WALL, "chdir /", REMEDY);
  require(mount(nullptr, "/", nullptr, FLAGS | MS_REMOUNT | MS_RDONLY, SIZE), WALL,
          "remount read-only", REMEDY);
}

}  // namespace mayfly::confine
