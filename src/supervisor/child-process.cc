#include "supervisor/child-process.h"

#include <errno.h>
#include <kj/debug.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mayfly::supervisor {

kj::Own<ChildProcess> ChildProcess::adopt(kj::UnixEventPort& port, Reaper& reaper,
                                          kj::Own<ZygoteGeneration> generation,
                                          Zygote::Child child) {
  auto process = kj::refcounted<ChildProcess>(port, kj::mv(generation), kj::mv(child));
  reaper.attend(process->collected.addBranch().attach(kj::addRef(*process)));
  return process;
}

ChildProcess::ChildProcess(kj::UnixEventPort& port, kj::Own<ZygoteGeneration> generation,
                           Zygote::Child adopted)
    : child(kj::mv(adopted)),
      observer(port, child.pidfd.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      ofGeneration(kj::mv(generation)),
      collected(collect().fork()) {}

void ChildProcess::kill() {
  if (hasEnded) return;
  if (syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0) != 0 &&
      errno != ESRCH) {
    int error = errno;
    KJ_FAIL_SYSCALL("pidfd_send_signal", error, child.pid);
  }
}

void ChildProcess::startCpuClock(CpuClocks& clocks, kj::Function<void()> onDeadline) {
  if (!hasEnded) cpuClock = clocks.forProcess(child.pid, kj::mv(onDeadline));
}

void ChildProcess::stopCpuClock() { cpuClock = nullptr; }

kj::Duration ChildProcess::used() const {
  KJ_IF_MAYBE (clock, cpuClock) return (*clock)->used();
  return 0 * kj::NANOSECONDS;
}

void ChildProcess::arm(kj::Duration deadline) {
  KJ_IF_MAYBE (clock, cpuClock) (*clock)->arm(deadline);
}

kj::Promise<void> ChildProcess::collect() {
  co_await observer.whenBecomesReadable();
  hasEnded = true;
  stopCpuClock();  // before the zygote reaps it and the pid may be given away
  try {
    exit =
        Exit{.report = co_await ofGeneration->zygote->reap(child.zygotePid), .zygoteDied = false};
  } catch (...) {
    // Nobody is left to ask. Whatever killed the zygote, the kernel then killed its children.
    exit =
        Exit{.report = {.waitStatus = SIGKILL, .cpuMicros = 0, .maxRssKb = 0}, .zygoteDied = true};
  }
}

}  // namespace mayfly::supervisor
