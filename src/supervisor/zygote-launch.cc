#include "supervisor/zygote-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/vector.h>

#include "confine/user-namespace.h"
#include "confine/wall-failure.h"
#include "zygote/control-protocol.h"

namespace mayfly::supervisor {
namespace {

constexpr int CONTROL_FD = 3;
constexpr int FIRST_FREE_FD = 10;  // beyond every number that the new process assigns

constexpr unsigned long NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

const char* const ENVIRONMENT[] = {"TZ=UTC", "LC_ALL=C.UTF-8", "MALLOC_ARENA_MAX=1",
                                   "LD_BIND_NOW=1", nullptr};

// All that the new process needs, prepared before it exists.
struct NewProcess {
  const char* binary;
  char* const* arguments;
  int control;
  int nothing;  // /dev/null
};

// Like strlcat: appends what fits, and keeps the NUL.
void append(char (&text)[sizeof(zygote::Failed::what)], const char* more) {
  size_t used = strlen(text);
  size_t length = strnlen(more, sizeof text - 1 - used);
  memcpy(text + used, more, length);
  text[used + length] = 0;
}

[[noreturn]] void reportFailure(const char* call, const char* remedy) {
  zygote::Failed failed;
  failed.error = errno;
  const char* reason = strerrordesc_np(failed.error);  // a constant: no locale, no lock
  append(failed.what, call);
  append(failed.what, ": ");
  append(failed.what, reason == nullptr ? "unknown error" : reason);
  append(failed.what, "\n  fix    ");
  append(failed.what, remedy);
  (void)!write(CONTROL_FD, &failed, sizeof failed);
  _exit(zygote::EXIT_NOT_CONFINED);
}

// Runs in a copy of a process that may have had other threads: nothing here may allocate or take a lock.
[[noreturn]] void becomeZygote(const NewProcess& process) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  char mapped;
  if (recv(process.control, &mapped, 1, 0) != 1) _exit(0);  // the supervisor gave up, or is gone
  if (dup2(process.control, CONTROL_FD) < 0) _exit(zygote::EXIT_NOT_CONFINED);
  if (dup2(process.nothing, STDIN_FILENO) < 0 || dup2(process.nothing, STDOUT_FILENO) < 0) {
    reportFailure("dup2 of /dev/null", "report this");
  }
  // Standard error stays until the walls go up: the dynamic loader and V8 say there why they cannot start.
  if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(process.nothing, STDERR_FILENO) < 0) {
    reportFailure("dup2 of /dev/null", "report this");
  }
  if (syscall(SYS_close_range, CONTROL_FD + 1, ~0u, 0) < 0) {
    reportFailure("close_range", "Linux 5.9 or newer is needed");
  }
  execve(process.binary, process.arguments, const_cast<char* const*>(ENVIRONMENT));
  reportFailure("execve of mayfly-zygote",
                "install mayfly-zygote beside mayfly, executable for the user who starts it");
}

kj::AutoCloseFd outOfTheWay(int fd) {
  kj::AutoCloseFd original(fd);
  int moved;
  KJ_SYSCALL(moved = fcntl(original.get(), F_DUPFD_CLOEXEC, FIRST_FREE_FD));
  return kj::AutoCloseFd(moved);
}

// The plain clone call: container profiles answer clone3 with ENOSYS because they cannot see its flags. No signal
// is sent when the process ends, so that nobody's waitpid(-1) collects it: we hold the pidfd.
pid_t cloneProcess(unsigned long flags, const NewProcess& process, int& pidfd) {
  long pid = syscall(SYS_clone, flags | CLONE_PIDFD, nullptr, &pidfd, nullptr, 0);
  if (pid == 0) becomeZygote(process);
  return static_cast<pid_t>(pid);
}

kj::Vector<kj::String> commandLine(const LaunchOrder& order, bool ownNamespaces) {
  kj::Vector<kj::String> line;
  line.add(kj::str("mayfly-zygote"));
  line.add(kj::str("--profile=", order.profile));
  if (!ownNamespaces) line.add(kj::str("--without-namespaces"));
  line.add(kj::str("--"));
  for (auto& flag : order.v8Flags)
    line.add(kj::str(flag));
  return line;
}

// Ends a process that will not become a zygote. True if it was dead already.
bool endUnmapped(int pidfd) {
  siginfo_t info = {};
  int waited = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info,
                      WEXITED | WNOHANG | __WALL);
  if (waited == 0 && info.si_pid != 0) return true;
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  (void)waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | __WALL);
  return false;
}

[[noreturn]] void raiseKilled(kj::StringPtr profile) {
  kj::throwFatalException(
      KJ_EXCEPTION(DISCONNECTED, kj::str("error[zygote.dead]: zygote \"", profile,
                                         "\" died before it was ready\n"
                                         "  why    it was killed before its first instruction")));
}

}  // namespace

LaunchedZygote launchZygote(const LaunchOrder& order) {
  int ends[2];
  KJ_SYSCALL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  kj::AutoCloseFd ours(ends[0]);
  kj::AutoCloseFd theirs = outOfTheWay(ends[1]);
  KJ_SYSCALL(fcntl(ours.get(), F_SETFL, O_NONBLOCK));
  int null;
  KJ_SYSCALL(null = open("/dev/null", O_RDWR | O_CLOEXEC));
  kj::AutoCloseFd nothing = outOfTheWay(null);

  bool ownNamespaces = true;
  int error = 0;
  for (;;) {
    auto line = commandLine(order, ownNamespaces);
    kj::Vector<char*> arguments;
    for (auto& argument : line)
      arguments.add(const_cast<char*>(argument.cStr()));
    arguments.add(nullptr);
    int pidfd = -1;
    pid_t pid =
        cloneProcess(ownNamespaces ? NAMESPACES : 0,
                     {order.binary.cStr(), arguments.begin(), theirs.get(), nothing.get()}, pidfd);
    if (pid < 0) {
      error = errno;
      if (!ownNamespaces || !order.acceptMissingNamespaces) break;
      ownNamespaces = false;
      continue;
    }
    kj::AutoCloseFd process(pidfd);
    if (ownNamespaces) {
      try {
        confine::mapIdsFromParent(pid);
      } catch (const confine::WallFailure& failure) {
        if (endUnmapped(pidfd)) raiseKilled(order.profile);
        if (order.acceptMissingNamespaces) {
          ownNamespaces = false;
          continue;
        }
        char text[sizeof(zygote::Failed::what)];
        failure.describe(text, sizeof text);
        kj::throwFatalException(KJ_EXCEPTION(
            FAILED, kj::str("error[zygote.namespaces]: the ids of zygote \"", order.profile,
                            "\" could not be mapped\n  why    ", text)));
      }
    }
    char go = 1;
    // `theirs` is still open here, so this cannot fail because it died.
    KJ_SYSCALL(send(ours.get(), &go, 1, MSG_NOSIGNAL));
    return {pid, kj::mv(process), kj::mv(ours), ownNamespaces};
  }
  kj::throwFatalException(KJ_EXCEPTION(
      FAILED,
      kj::str("error[zygote.namespaces]: this machine lets Mayfly make no namespaces for zygote \"",
              order.profile,
              "\"\n"
              "  why    clone: ",
              strerror(error),
              "\n"
              "  fix    allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
              "AppArmor), start a container with a "
              "seccomp profile that permits them, or accept a lower grade")));
}

}  // namespace mayfly::supervisor
