#include "confine/resource-limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "resource limits";
constexpr rlim_t STACK_BYTES = 8 << 20;
constexpr rlim_t SANDBOX_DESCRIPTORS = 65536;
constexpr rlim_t ZYGOTE_CHILDREN = 16384;
constexpr rlim_t ZYGOTE_SIGNALS = 64;

constexpr char INHERITED[] =
    "The limits inherited from the service manager (ulimit -H) must not be lower than Mayfly's own";

// The plain system call, because the C library's setrlimit goes through prlimit64, which can aim at other
// processes and which the filter therefore forbids.
void setLimit(int resource, const char* call, rlim_t soft, rlim_t hard) {
  rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
  require(syscall(SYS_setrlimit, resource, &limit), WALL, call, INHERITED);
}

rlim_t hardLimit(int resource) {
  rlimit limit;
  require(syscall(SYS_getrlimit, resource, &limit), WALL, "getrlimit", "Linux is needed");
  return limit.rlim_max;
}

void lower(int resource, const char* call, rlim_t value) { setLimit(resource, call, value, value); }

void lowerUnlessLower(int resource, const char* call, rlim_t value) {
  lower(resource, call, std::min(value, hardLimit(resource)));
}

}  // namespace

SandboxCeiling limitZygote() {
  lower(RLIMIT_CORE, "setrlimit(RLIMIT_CORE)", 0);
  lower(RLIMIT_MEMLOCK, "setrlimit(RLIMIT_MEMLOCK)", 0);
  lower(RLIMIT_MSGQUEUE, "setrlimit(RLIMIT_MSGQUEUE)", 0);
  lowerUnlessLower(RLIMIT_SIGPENDING, "setrlimit(RLIMIT_SIGPENDING)", ZYGOTE_SIGNALS);
  lowerUnlessLower(RLIMIT_NPROC, "setrlimit(RLIMIT_NPROC)", ZYGOTE_CHILDREN);
  lowerUnlessLower(RLIMIT_STACK, "setrlimit(RLIMIT_STACK)", STACK_BYTES);
  rlim_t hard = hardLimit(RLIMIT_NOFILE);
  // The kernel holds descriptors in flight between all processes of a user against this limit of the sender. The
  // zygote sends one for each fork, so a sandbox must never be able to use up what it has.
  setLimit(RLIMIT_NOFILE, "setrlimit(RLIMIT_NOFILE)", hard, hard);
  return {.descriptors = static_cast<uint32_t>(std::min<rlim_t>(hard / 2, SANDBOX_DESCRIPTORS)),
          .dataBytes = hardLimit(RLIMIT_DATA)};
}

void limitSandbox(const SandboxLimits& limits) {
  rlimit data = {.rlim_cur = limits.dataBytes, .rlim_max = limits.dataBytes};
  bool set = syscall(SYS_setrlimit, RLIMIT_DATA, &data) == 0;
  bool lowered = !set && errno == EPERM && limits.dataBytes <= limits.mostDataBytes;
  if (!lowered) require(set ? 0 : -1, WALL, "setrlimit(RLIMIT_DATA)", INHERITED);
  if (limits.cpuSeconds > 0) {
    // SIGXCPU at the soft limit can be caught or ignored; the hard limit one second later cannot.
    setLimit(RLIMIT_CPU, "setrlimit(RLIMIT_CPU)", limits.cpuSeconds, limits.cpuSeconds + 1);
  }
  lower(RLIMIT_NOFILE, "setrlimit(RLIMIT_NOFILE)", limits.descriptors);
  lower(RLIMIT_NPROC, "setrlimit(RLIMIT_NPROC)", 0);
}

bool volunteerForOomKiller() {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool written = write(fd, "500", 3) == 3;
  close(fd);
  return written;
}

}  // namespace mayfly::confine
