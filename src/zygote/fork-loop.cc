#include "zygote/fork-loop.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/wall-failure.h"
#include "zygote/canary.h"
#include "zygote/control-socket.h"

namespace mayfly::zygote {
namespace {

// The whole life of a sandbox process.
[[noreturn]] void becomeSandbox(sandbox::Sandbox& sandbox, const Request& request,
                                const SandboxGround& ground) {
  const ForkOrder& order = request.fork;
  try {
    confineSandbox(order, request.hostSocket, request.loaderSocket, ground);
    if (order.role != Role::CANARY) sandbox.openEventLoop(order.role, order.memoryBytes);
    sealSandbox(order.role);
  } catch (...) {
    // Nobody would hear the reason: the sockets belong to programs that do not speak of walls. The same steps
    // have been tried by the canaries before the zygote was trusted.
    _exit(EXIT_NOT_CONFINED);
  }
  if (order.role == Role::CANARY) tryForbiddenThing(order.canary);
  sandbox.run();
}

void fork(sandbox::Sandbox& sandbox, const Request& request, const SandboxGround& ground) {
  int pidfd = NO_DESCRIPTOR;
  // The plain call and not the C library's fork: it gives the pidfd at once, and its flags are visible to the
  // system-call filter. There is one thread and no atfork handler that a sandbox needs.
  long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, 0);
  if (pid == 0) becomeSandbox(sandbox, request, ground);
  int error = errno;
  close(request.hostSocket);
  close(request.loaderSocket);
  if (pid < 0) {
    sendFailedOrExit(error, "clone: the machine has no room for another process");
    return;
  }
  Forked forked;
  forked.zygotePid = static_cast<uint32_t>(pid);
  if (!sendOrExit(forked, pidfd)) {
    // Nobody will know of the child. The supervisor gives its sockets up when it hears this, the child then ends by
    // itself: it has never read anything else.
    sendFailedOrExit(ETOOMANYREFS, "send of the pidfd: too many descriptors in flight");
    siginfo_t info;
    syscall(SYS_waitid, P_PID, pid, &info, WEXITED, nullptr);
  }
  close(pidfd);
}

uint64_t micros(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

// As wait(2) would have put it.
int waitStatus(const siginfo_t& info) {
  switch (info.si_code) {
    case CLD_EXITED:
      return (info.si_status & 0xff) << 8;
    case CLD_DUMPED:
      return info.si_status | WCOREFLAG;
    default:
      return info.si_status;
  }
}

void reap(const Reap& request) {
  siginfo_t info = {};
  rusage usage = {};
  // Without waiting: the supervisor asks only after the pidfd told it that the process has ended.
  long result = syscall(SYS_waitid, P_PID, request.zygotePid, &info, WEXITED | WNOHANG, &usage);
  if (result < 0 || info.si_pid == 0) {
    sendFailedOrExit(result < 0 ? errno : EAGAIN, "waitid: no such child has ended");
    return;
  }
  Reaped reaped;
  reaped.waitStatus = waitStatus(info);
  reaped.cpuMicros = micros(usage.ru_utime) + micros(usage.ru_stime);
  reaped.maxRssKb = static_cast<uint64_t>(usage.ru_maxrss);
  sendOrExit(reaped);
}

}  // namespace

void serveForks(sandbox::Sandbox& sandbox, const SandboxGround& ground) {
  for (;;) {
    const Request request = receiveRequestOrExit();
    if (request.kind == Kind::FORK) {
      fork(sandbox, request, ground);
    } else {
      reap(request.reap);
    }
  }
}

}  // namespace mayfly::zygote
