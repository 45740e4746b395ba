#include "zygote/canary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>

namespace mayfly::zygote {
namespace {

// An attempt gives 0 if it succeeded, else the errno of the refusal. Most are not expected to come back at all.
struct Attempt {
  const char* name;   // as in CANARIES
  int expectedError;  // 0: no error is good enough
  int (*make)();
};

int outcome(long result) { return result == -1 ? errno : 0; }

template <typename... Arguments>
int call(long number, Arguments... arguments) {
  return outcome(syscall(number, arguments...));
}

constexpr size_t MORE_THAN_ANY_BUDGET = size_t(1) << 45;

constexpr Attempt ATTEMPTS[] = {
    {"io_uring_setup", 0,
     [] {
       char parameters[128] = {};
       return call(SYS_io_uring_setup, 1, parameters);
     }},
    {"socket", 0, [] { return call(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"connect", 0,
     [] {
       sockaddr_in loopback = {
           .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(INADDR_LOOPBACK)}};
       return call(SYS_connect, 3, &loopback, sizeof loopback);
     }},
    {"ptrace", 0, [] { return call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"unshare of a user namespace", 0, [] { return call(SYS_unshare, CLONE_NEWUSER); }},
    {"mount", 0, [] { return call(SYS_mount, "none", "/", "tmpfs", 0, 0); }},
    {"execve", 0,
     [] {
       char* nothing[] = {nullptr};
       return call(SYS_execve, "/bin/sh", nothing, nothing);
     }},
    {"fork", 0, [] { return call(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"fork, as the zygote does it", 0,
     [] {
       int pidfd;
       return call(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
     }},
    {"kill of the zygote", 0, [] { return call(SYS_kill, 1, SIGKILL); }},
    {"sendmsg", 0,
     [] {
       msghdr message = {};
       return call(SYS_sendmsg, 3, &message, MSG_DONTWAIT);
     }},
    {"recvmsg", 0,
     [] {
       msghdr message = {};
       return call(SYS_recvmsg, 3, &message, MSG_DONTWAIT);
     }},
    {"seccomp", 0,
     [] {
       sock_filter allowAll = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
       sock_fprog program = {.len = 1, .filter = &allowAll};
       return call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
     }},
    {"setrlimit", 0,
     [] {
       rlimit none = {};
       return call(SYS_setrlimit, RLIMIT_CORE, &none);
     }},
    {"memfd_create", 0, [] { return call(SYS_memfd_create, "", 0); }},
    {"userfaultfd", 0, [] { return call(SYS_userfaultfd, 0); }},
    {"mmap of shared memory", 0,
     [] {
       return call(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
     }},
    {"a call newer than the list", 0, [] { return call(9999); }},
    {"a call by x32 numbers", 0, [] { return call(0x40000000 | SYS_getpid); }},
    {"a call by int 0x80", 0,
     [] {
       long result;
       asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");  // 20: getpid on i386
       return 0;
     }},
    {"openat of /", ENOENT, [] { return call(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY); }},
    {"prctl(PR_SET_DUMPABLE)", EPERM, [] { return call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"memory beyond the budget", ENOMEM,
     [] {
       return call(SYS_mmap, 0, MORE_THAN_ANY_BUDGET, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
     }},
};

constexpr bool everySpeciesHasItsAttempt() {
  if (sizeof ATTEMPTS / sizeof ATTEMPTS[0] != CANARY_COUNT) return false;
  for (size_t i = 0; i < CANARY_COUNT; ++i) {
    if (std::string_view(ATTEMPTS[i].name) != CANARIES[i].name) return false;
    if ((ATTEMPTS[i].expectedError != 0) != (CANARIES[i].ending == CanaryEnding::REFUSED))
      return false;
  }
  return true;
}
static_assert(everySpeciesHasItsAttempt());

}  // namespace

void tryForbiddenThing(uint32_t index) {
  if (index >= CANARY_COUNT) _exit(EXIT_CANARY_ALIVE);
  const Attempt& attempt = ATTEMPTS[index];
  const int error = attempt.make();
  _exit(error != 0 && error == attempt.expectedError ? EXIT_CANARY_REFUSED : EXIT_CANARY_ALIVE);
}

}  // namespace mayfly::zygote
