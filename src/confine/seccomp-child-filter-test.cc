#include "confine/seccomp-child-filter.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>

#include "confine/seccomp-zygote-filter.h"

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;
using testing::KilledBySignal;

constexpr unsigned KILL = SECCOMP_RET_KILL_PROCESS;
constexpr unsigned REFUSE = SECCOMP_RET_ERRNO | EPERM;

struct Run {
  unsigned verdict;
  unsigned steps;
};

// Interprets a filter for one call number. Knows only what the kernel can evaluate ahead of time; anything else in a
// program fails the test.
Run run(std::span<const sock_filter> program, unsigned number) {
  unsigned accumulator = 0, steps = 0;
  for (size_t at = 0; at < program.size(); ++steps) {
    const sock_filter& i = program[at];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        accumulator = number;
        ++at;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += 1u + (accumulator >= i.k ? i.jt : i.jf);
        break;
      case BPF_RET | BPF_K:
        return {i.k, steps + 1};
      default:
        ADD_FAILURE() << "instruction " << i.code << " defeats the kernel's cache of verdicts";
        return {0, 0};
    }
  }
  ADD_FAILURE() << "the program ends without a verdict";
  return {0, 0};
}

const std::set<unsigned> ONLY_FOR_FORKING = {SYS_clone,
                                             SYS_waitid,
                                             SYS_close_range,
                                             SYS_dup3,
                                             SYS_setrlimit,
                                             SYS_seccomp,
                                             SYS_landlock_restrict_self,
                                             SYS_timerfd_create,
                                             SYS_epoll_create1,
                                             SYS_eventfd2};
const std::set<unsigned> ONLY_FOR_PARENTS = {SYS_accept4,     SYS_recvmsg,     SYS_sendmsg,
                                             SYS_getsockname, SYS_getpeername, SYS_setsockopt,
                                             SYS_getsockopt,  SYS_fcntl};
const std::set<unsigned> FOR_EVERYONE = {SYS_read,
                                         SYS_write,
                                         SYS_readv,
                                         SYS_writev,
                                         SYS_close,
                                         SYS_epoll_wait,
                                         SYS_epoll_pwait,
                                         SYS_epoll_ctl,
                                         SYS_munmap,
                                         SYS_brk,
                                         SYS_clock_gettime,
                                         SYS_clock_nanosleep,
                                         SYS_getpid,
                                         SYS_gettid,
                                         SYS_getrandom,
                                         SYS_rt_sigprocmask,
                                         SYS_rt_sigaction,
                                         SYS_rt_sigreturn,
                                         SYS_sigaltstack,
                                         SYS_restart_syscall,
                                         SYS_sched_yield,
                                         SYS_timerfd_settime,
                                         SYS_exit,
                                         SYS_exit_group,
                                         SYS_shutdown,
                                         SYS_mmap,
                                         SYS_mprotect,
                                         SYS_pkey_mprotect,
                                         SYS_mremap,
                                         SYS_madvise,
                                         SYS_sendto,
                                         SYS_recvfrom,
                                         SYS_futex,
                                         SYS_open,
                                         SYS_openat,
                                         SYS_openat2,
                                         SYS_stat,
                                         SYS_lstat,
                                         SYS_newfstatat,
                                         SYS_statx,
                                         SYS_access,
                                         SYS_faccessat,
                                         SYS_faccessat2,
                                         SYS_readlink,
                                         SYS_readlinkat,
                                         SYS_getcwd,
                                         SYS_fstat,
                                         SYS_lseek,
                                         SYS_ioctl,
                                         SYS_sysinfo,
                                         SYS_uname,
                                         SYS_getrusage,
                                         SYS_sched_getaffinity,
                                         SYS_membarrier,
                                         SYS_tgkill,
                                         SYS_rseq,
                                         SYS_set_robust_list};

TEST(SeccompChildFilterTest, TakesAwayWhatOnlyForkingNeeds) {
  for (auto kind : {SandboxKind::DYNAMIC, SandboxKind::PARENT}) {
    for (unsigned number : ONLY_FOR_FORKING)
      EXPECT_EQ(run(childFilter(kind), number).verdict, KILL) << number;
    EXPECT_EQ(run(childFilter(kind), SYS_prctl).verdict, REFUSE);
  }
}

TEST(SeccompChildFilterTest, OnlyParentsKeepWhatParentsNeed) {
  for (unsigned number : ONLY_FOR_PARENTS) {
    EXPECT_EQ(run(childFilter(SandboxKind::DYNAMIC), number).verdict, KILL) << number;
    EXPECT_EQ(run(childFilter(SandboxKind::PARENT), number).verdict, unsigned(SECCOMP_RET_ALLOW))
        << number;
  }
}

TEST(SeccompChildFilterTest, LeavesTheRestToTheZygotesFilter) {
  for (auto kind : {SandboxKind::DYNAMIC, SandboxKind::PARENT}) {
    for (unsigned number : FOR_EVERYONE)
      EXPECT_EQ(run(childFilter(kind), number).verdict, unsigned(SECCOMP_RET_ALLOW)) << number;
  }
}

// Installation costs in proportion to the path, once per call number, at every fork.
TEST(SeccompChildFilterTest, ReachesEveryVerdictInFewSteps) {
  for (auto kind : {SandboxKind::DYNAMIC, SandboxKind::PARENT}) {
    for (unsigned number = 0; number < 600; ++number)
      EXPECT_LE(run(childFilter(kind), number).steps, 7u) << number;
  }
}

[[noreturn]] void callUnderBothFilters(SandboxKind kind, long number) {
  installZygoteFilter(ExecutableMemory::ALLOWED);
  installChildFilter(kind);
  msghdr message = {};
  long result = syscall(number, -1, &message, 0);
  _exit(result == -1 ? errno : 0);
}

TEST(SeccompChildFilterTest, TheKernelAgrees) {
  EXPECT_EXIT(callUnderBothFilters(SandboxKind::DYNAMIC, SYS_sendmsg), KilledBySignal(SIGSYS), "");
  EXPECT_EXIT(callUnderBothFilters(SandboxKind::PARENT, SYS_sendmsg), ExitedWithCode(EBADF), "");
  EXPECT_EXIT(callUnderBothFilters(SandboxKind::PARENT, SYS_waitid), KilledBySignal(SIGSYS), "");
  EXPECT_EXIT(callUnderBothFilters(SandboxKind::DYNAMIC, SYS_prctl), ExitedWithCode(EPERM), "");
  EXPECT_EXIT(callUnderBothFilters(SandboxKind::DYNAMIC, SYS_getpid), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mayfly::confine
