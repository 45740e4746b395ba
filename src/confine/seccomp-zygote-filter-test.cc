#include "confine/seccomp-zygote-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::confine {
namespace {

using testing::ExitedWithCode;
using testing::KilledBySignal;

// Installs the filter, makes the call, exits with its errno (0: it succeeded).
template <typename... Arguments>
[[noreturn]] void callUnderFilter(ExecutableMemory memory, long number, Arguments... arguments) {
  installZygoteFilter(memory);
  long result = syscall(number, arguments...);
  _exit(result == -1 ? errno : 0);
}

#define EXPECT_KILLED(...) \
  EXPECT_EXIT(callUnderFilter(ExecutableMemory::ALLOWED, __VA_ARGS__), KilledBySignal(SIGSYS), "")
#define EXPECT_ERRNO(error, ...) \
  EXPECT_EXIT(callUnderFilter(ExecutableMemory::ALLOWED, __VA_ARGS__), ExitedWithCode(error), "")
#define EXPECT_ALLOWED(...) EXPECT_ERRNO(0, __VA_ARGS__)

TEST(SeccompZygoteFilterTest, CallsThatReachTheHostAreDeath) {
  for (int number : {SYS_io_uring_setup,
                     SYS_io_uring_enter,
                     SYS_io_uring_register,
                     SYS_userfaultfd,
                     SYS_bpf,
                     SYS_perf_event_open,
                     SYS_ptrace,
                     SYS_process_vm_readv,
                     SYS_process_vm_writev,
                     SYS_pidfd_open,
                     SYS_pidfd_getfd,
                     SYS_pidfd_send_signal,
                     SYS_kill,
                     SYS_tkill,
                     SYS_rt_sigqueueinfo,
                     SYS_keyctl,
                     SYS_add_key,
                     SYS_request_key,
                     SYS_fork,
                     SYS_vfork,
                     SYS_clone3,
                     SYS_execve,
                     SYS_execveat,
                     SYS_socket,
                     SYS_socketpair,
                     SYS_connect,
                     SYS_bind,
                     SYS_listen,
                     SYS_memfd_create,
                     SYS_shmget,
                     SYS_semget,
                     SYS_msgget,
                     SYS_mq_open,
                     SYS_splice,
                     SYS_tee,
                     SYS_vmsplice,
                     SYS_sendfile,
                     SYS_copy_file_range,
                     SYS_mount,
                     SYS_umount2,
                     SYS_pivot_root,
                     SYS_chroot,
                     SYS_fsopen,
                     SYS_move_mount,
                     SYS_open_tree,
                     SYS_setns,
                     SYS_unshare,
                     SYS_open_by_handle_at,
                     SYS_name_to_handle_at,
                     SYS_personality,
                     SYS_modify_ldt,
                     SYS_arch_prctl,
                     SYS_iopl,
                     SYS_remap_file_pages,
                     SYS_mbind,
                     SYS_migrate_pages,
                     SYS_prlimit64,
                     SYS_sched_setscheduler,
                     SYS_sched_setaffinity,
                     SYS_setpriority,
                     SYS_setuid,
                     SYS_setresuid,
                     SYS_setgroups,
                     SYS_capset,
                     SYS_landlock_create_ruleset,
                     SYS_landlock_add_rule,
                     SYS_dup,
                     SYS_dup2,
                     SYS_pipe2,
                     SYS_getppid,
                     SYS_reboot,
                     SYS_init_module,
                     SYS_syslog,
                     SYS_chdir,
                     SYS_mkdir,
                     SYS_unlink,
                     SYS_rename,
                     9999}) {
    EXPECT_KILLED(long(number), 0, 0, 0, 0, 0, 0) << "system call " << number;
  }
}

TEST(SeccompZygoteFilterTest, PathCallsFindNothing) {
  for (int number : {SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_getcwd}) {
    EXPECT_ERRNO(ENOENT, number, "/", 0, 0) << "system call " << number;
  }
  for (int number : {SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_faccessat,
                     SYS_faccessat2, SYS_readlinkat}) {
    EXPECT_ERRNO(ENOENT, number, AT_FDCWD, "/", 0, 0) << "system call " << number;
  }
}

TEST(SeccompZygoteFilterTest, WhatLibrariesCanDoWithoutIsRefusedPolitely) {
  for (int number : {SYS_fstat, SYS_lseek, SYS_ioctl, SYS_sysinfo, SYS_uname, SYS_getrusage,
                     SYS_sched_getaffinity, SYS_membarrier, SYS_tgkill}) {
    EXPECT_ERRNO(EPERM, number, 0, 0, 0) << "system call " << number;
  }
}

TEST(SeccompZygoteFilterTest, TerminalsAndSignalsCannotBeAimedThroughDescriptors) {
  EXPECT_ERRNO(EPERM, SYS_ioctl, 0, TIOCSTI, "x");
  EXPECT_ERRNO(EPERM, SYS_ioctl, 0, FIOASYNC, 1);
  EXPECT_KILLED(SYS_fcntl, 0, F_SETOWN, 1);
  EXPECT_KILLED(SYS_fcntl, 0, F_SETSIG, SIGKILL);
}

TEST(SeccompZygoteFilterTest, OtherCallingConventionsAreDeath) {
  EXPECT_KILLED(0x40000000L | SYS_getpid);
  EXPECT_EXIT(
      {
        installZygoteFilter(ExecutableMemory::ALLOWED);
        long result;
        asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
        _exit(0);
      },
      [](int status) {  // a kernel without 32-bit emulation does not know the instruction
        return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
      },
      "");
}

TEST(SeccompZygoteFilterTest, MemoryIsPrivateAndAnonymous) {
  const int rw = PROT_READ | PROT_WRITE, ours = MAP_PRIVATE | MAP_ANONYMOUS;
  EXPECT_ALLOWED(SYS_mmap, 0, 4096, rw, ours | MAP_NORESERVE, -1, 0);
  EXPECT_KILLED(SYS_mmap, 0, 4096, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT_KILLED(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0);
  for (int flag : {MAP_GROWSDOWN, MAP_HUGETLB, MAP_POPULATE, MAP_LOCKED}) {
    EXPECT_KILLED(SYS_mmap, 0, 4096, rw, ours | flag, -1, 0) << "flag " << flag;
  }
}

TEST(SeccompZygoteFilterTest, MemoryBecomesExecutableOnlyWhereThatIsAllowed) {
  const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, ours = MAP_PRIVATE | MAP_ANONYMOUS;
  EXPECT_ALLOWED(SYS_mmap, 0, 4096, rwx, ours, -1, 0);
  EXPECT_EXIT(callUnderFilter(ExecutableMemory::FORBIDDEN, SYS_mmap, 0, 4096, rwx, ours, -1, 0),
              KilledBySignal(SIGSYS), "");
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, ours, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_ALLOWED(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
  EXPECT_EXIT(
      callUnderFilter(ExecutableMemory::FORBIDDEN, SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC),
      KilledBySignal(SIGSYS), "");
  EXPECT_KILLED(SYS_mprotect, page, 4096, PROT_READ | PROT_GROWSDOWN);
  EXPECT_KILLED(SYS_mremap, page, 4096, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
}

TEST(SeccompZygoteFilterTest, AdviceBeyondTheUsefulIsRefused) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  for (int advice : {MADV_DONTNEED, MADV_FREE, MADV_DONTFORK})
    EXPECT_ALLOWED(SYS_madvise, page, 4096, advice) << advice;
  for (int advice : {MADV_MERGEABLE, MADV_WIPEONFORK, MADV_DOFORK}) {
    EXPECT_ERRNO(EINVAL, SYS_madvise, page, 4096, advice) << advice;
  }
  for (int advice : {MADV_HWPOISON, 101 /* MADV_SOFT_OFFLINE */})
    EXPECT_KILLED(SYS_madvise, page, 4096, advice) << advice;
}

TEST(SeccompZygoteFilterTest, SocketsSpeakOnlyToTheirPeer) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "x"};
  sockaddr_un sender;
  socklen_t size = sizeof sender;
  EXPECT_ALLOWED(SYS_sendto, ends[0], "a", 1, 0, nullptr, 0);
  EXPECT_KILLED(SYS_sendto, ends[0], "a", 1, 0, &address, sizeof address);
  EXPECT_KILLED(SYS_recvfrom, ends[1], &sender, 1, MSG_DONTWAIT, &sender, &size);
  close(ends[0]);
  close(ends[1]);
}

TEST(SeccompZygoteFilterTest, FutexesArePrivate) {
  int word = 0;
  EXPECT_ALLOWED(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr);
  EXPECT_KILLED(SYS_futex, &word, FUTEX_WAKE, 1, nullptr);
  EXPECT_KILLED(SYS_futex, &word, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 1, nullptr);
}

TEST(SeccompZygoteFilterTest, SocketOptionsAreThoseOfAnHttpServer) {
  int ends[2], one = 1;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_ALLOWED(SYS_setsockopt, ends[0], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  EXPECT_KILLED(SYS_setsockopt, ends[0], SOL_SOCKET, SO_ATTACH_FILTER, &one, sizeof one);
  EXPECT_KILLED(SYS_setsockopt, ends[0], 0 /* IPPROTO_IP */, 1, &one, sizeof one);
  close(ends[0]);
  close(ends[1]);
}

TEST(SeccompZygoteFilterTest, ForkingIsPossibleInOneManner) {
  EXPECT_EXIT(
      {
        installZygoteFilter(ExecutableMemory::ALLOWED);
        int pidfd = -1;
        long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, 0);
        if (pid == 0) _exit(7);
        siginfo_t info = {};
        syscall(SYS_waitid, P_PID, pid, &info, WEXITED, nullptr);
        _exit(pid > 0 && pidfd >= 0 ? info.si_status : 1);
      },
      ExitedWithCode(7), "");
  EXPECT_KILLED(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  EXPECT_KILLED(SYS_clone, CLONE_PIDFD | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  EXPECT_KILLED(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0);
}

TEST(SeccompZygoteFilterTest, PrctlOnlySetsTheParentDeathSignal) {
  EXPECT_ALLOWED(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  EXPECT_KILLED(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
  for (int option :
       {PR_SET_DUMPABLE, PR_SET_PTRACER, PR_SET_MM, PR_SET_SECCOMP, PR_SET_TSC, PR_SET_NAME}) {
    EXPECT_ERRNO(EPERM, SYS_prctl, option, 1, 0, 0, 0) << option;
  }
}

TEST(SeccompZygoteFilterTest, NoFilterCanListenToAnother) {
  sock_filter allowAll = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog program = {.len = 1, .filter = &allowAll};
  EXPECT_ALLOWED(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  EXPECT_KILLED(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

TEST(SeccompZygoteFilterTest, EventLoopsCanBeMade) {
  EXPECT_EXIT(
      {
        installZygoteFilter(ExecutableMemory::ALLOWED);
        int loop = epoll_create1(EPOLL_CLOEXEC);
        int wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        epoll_event event = {};
        event.events = EPOLLIN;
        bool works = epoll_ctl(loop, EPOLL_CTL_ADD, wakeup, &event) == 0 &&
                     eventfd_write(wakeup, 1) == 0 && epoll_wait(loop, &event, 1, 0) == 1;
        _exit(works ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mayfly::confine
