#include "confine/seccomp-zygote-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cstdint>
#include <initializer_list>

#include "confine/wall-failure.h"

#ifndef __x86_64__
#error \
    "This list is for x86-64; other machines have other calls (no open, stat, epoll_wait, …) and need their own."
#endif

namespace mayfly::confine {
namespace {

constexpr const char* WALL = "seccomp";
constexpr const char* REMEDY =
    "A kernel with CONFIG_SECCOMP_FILTER is needed; Mayfly does not run without it";

// A filter under construction. Rules for one call are alternatives; a call without a matching rule is death.
class Policy {
public:
  Policy() : filter(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (filter == nullptr) throw WallFailure{WALL, "seccomp_init", ENOMEM, REMEDY};
    // Another calling convention (int 0x80, x32) must not be a way around the numbers below.
    check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
          "seccomp_attr_set(BADARCH)");
    check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2),
          "seccomp_attr_set(OPTIMIZE)");  // a binary tree
  }
  ~Policy() { seccomp_release(filter); }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (int call : calls)
      check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0), "seccomp_rule_add");
  }
  void refuse(int error, std::initializer_list<int> calls) {
    for (int call : calls)
      check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), call, 0), "seccomp_rule_add");
  }
  // Every condition must hold. Each argument may be named once.
  template <typename... Conditions>
  void allowIf(int call, Conditions... conditions) {
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...),
          "seccomp_rule_add");
  }
  template <typename... Conditions>
  void refuseIf(int error, int call, Conditions... conditions) {
    check(
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), call, sizeof...(conditions), conditions...),
        "seccomp_rule_add");
  }
  void install() { check(seccomp_load(filter), "seccomp_load"); }

private:
  scmp_filter_ctx filter;

  static void check(int result, const char* call) {
    if (result < 0) throw WallFailure{WALL, call, -result, REMEDY};
  }
};

scmp_arg_cmp is(unsigned arg, uint64_t value) { return SCMP_CMP64(arg, SCMP_CMP_EQ, value); }
scmp_arg_cmp isNot(unsigned arg, uint64_t value) { return SCMP_CMP64(arg, SCMP_CMP_NE, value); }
// `required` is set, and nothing outside of `permitted` and `required`.
scmp_arg_cmp within(unsigned arg, uint64_t permitted, uint64_t required = 0) {
  return SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, ~permitted, required);
}

// What every sandbox does all the time.
void allowComputation(Policy& p) {
  p.allow(
      {SCMP_SYS(read),
       SCMP_SYS(write),
       SCMP_SYS(readv),
       SCMP_SYS(writev),
       SCMP_SYS(close),
       SCMP_SYS(epoll_wait),
       SCMP_SYS(epoll_pwait),
       SCMP_SYS(epoll_ctl),
       SCMP_SYS(timerfd_settime),
       SCMP_SYS(munmap),
       SCMP_SYS(brk),
       SCMP_SYS(clock_gettime),
       SCMP_SYS(clock_nanosleep),
       SCMP_SYS(getpid),
       SCMP_SYS(gettid),
       SCMP_SYS(getrandom),
       SCMP_SYS(sched_yield),
       SCMP_SYS(rt_sigprocmask),
       SCMP_SYS(rt_sigaction),
       SCMP_SYS(rt_sigreturn),
       SCMP_SYS(sigaltstack),
       SCMP_SYS(restart_syscall),
       SCMP_SYS(exit),
       SCMP_SYS(exit_group),
       SCMP_SYS(
           shutdown)});  // ends a conversation; reaches nothing that the descriptor does not reach
  // Without an address. With one, a datagram socket could speak to anyone.
  p.allowIf(SCMP_SYS(sendto), is(4, 0));
  p.allowIf(SCMP_SYS(recvfrom), is(4, 0));
  for (int op : {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET}) {
    p.allowIf(SCMP_SYS(futex), is(1, op | FUTEX_PRIVATE_FLAG));
  }
  p.allowIf(SCMP_SYS(futex), is(1, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME));
}

// Private memory that RLIMIT_DATA counts, and no other: no sharing, no files, no growing stacks, no huge pages.
void allowMemory(Policy& p, ExecutableMemory executableMemory) {
  const uint64_t protections =
      PROT_READ | PROT_WRITE |
      (executableMemory == ExecutableMemory::ALLOWED ? PROT_EXEC : PROT_NONE);
  const uint64_t flags = MAP_PRIVATE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_STACK;
  p.allowIf(SCMP_SYS(mmap), within(2, protections), within(3, flags, MAP_ANONYMOUS));
  p.allowIf(SCMP_SYS(mprotect), within(2, protections));
  p.allowIf(SCMP_SYS(pkey_mprotect), within(2, protections));
  p.allowIf(SCMP_SYS(mremap), within(3, MREMAP_MAYMOVE));
  // V8 and the allocator probe for advice and do without; advice that no kernel of today knows is death.
  constexpr int LAST_ADVICE = 25;  // MADV_COLLAPSE
  for (int advice = 0; advice <= LAST_ADVICE; ++advice) {
    switch (advice) {
      case MADV_DONTNEED:
      case MADV_FREE:
      case MADV_DONTFORK:
      case MADV_HUGEPAGE:
      case MADV_NOHUGEPAGE:
        p.allowIf(SCMP_SYS(madvise), is(2, advice));
        break;
      default:
        p.refuseIf(EINVAL, SCMP_SYS(madvise), is(2, advice));
    }
  }
}

// What libraries try and can do without. An error keeps them going where death would be a nuisance.
void refusePolitely(Policy& p) {
  p.refuse(ENOENT,
           {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(stat), SCMP_SYS(lstat),
            SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
            SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd)});
  p.refuse(EPERM, {SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(ioctl), SCMP_SYS(sysinfo),
                   SCMP_SYS(uname), SCMP_SYS(getrusage), SCMP_SYS(sched_getaffinity),
                   SCMP_SYS(membarrier), SCMP_SYS(tgkill)});
  p.refuse(ENOSYS, {SCMP_SYS(rseq), SCMP_SYS(set_robust_list)});
}

// A parent worker's sandbox accepts connections and takes and gives descriptors.
void allowParents(Policy& p) {
  p.allow({SCMP_SYS(accept4), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(getsockname),
           SCMP_SYS(getpeername)});
  for (int command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC}) {
    p.allowIf(SCMP_SYS(fcntl), is(1, command));
  }
  for (int option : {SO_TYPE, SO_ERROR, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_PEERCRED}) {
    p.allowIf(SCMP_SYS(getsockopt), is(1, SOL_SOCKET), is(2, option));
  }
  for (int option : {SO_KEEPALIVE, SO_LINGER, SO_SNDBUF, SO_RCVBUF}) {
    p.allowIf(SCMP_SYS(setsockopt), is(1, SOL_SOCKET), is(2, option));
  }
  for (int option : {TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT}) {
    p.allowIf(SCMP_SYS(setsockopt), is(1, IPPROTO_TCP), is(2, option));
  }
}

// From the request in the zygote to the short filter in the sandbox. `clone` and not `clone3`: its flags can be
// seen from here.
void allowForking(Policy& p) {
  p.allowIf(SCMP_SYS(clone), is(0, CLONE_PIDFD | SIGCHLD));
  p.allow({SCMP_SYS(waitid), SCMP_SYS(close_range), SCMP_SYS(dup3), SCMP_SYS(setrlimit),
           SCMP_SYS(landlock_restrict_self), SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2),
           SCMP_SYS(timerfd_create)});
  p.allowIf(SCMP_SYS(seccomp), is(0, SECCOMP_SET_MODE_FILTER), is(1, 0));  // no flags: no listener
  p.allowIf(SCMP_SYS(prctl), is(0, PR_SET_PDEATHSIG), is(1, SIGKILL));
  p.refuseIf(EPERM, SCMP_SYS(prctl), isNot(0, PR_SET_PDEATHSIG));
}

}  // namespace

void installZygoteFilter(ExecutableMemory executableMemory) {
  Policy policy;
  allowComputation(policy);
  allowMemory(policy, executableMemory);
  refusePolitely(policy);
  allowParents(policy);
  allowForking(policy);
  policy.install();
}

}  // namespace mayfly::confine
