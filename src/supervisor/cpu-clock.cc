#include "supervisor/cpu-clock.h"

#include <errno.h>
#include <kj/debug.h>
#include <signal.h>
#include <time.h>

namespace mayfly::supervisor {
namespace {

int cpuSignal() { return SIGRTMIN + 3; }

// The kernel's encoding of "process CPU clock of pid" (MAKE_PROCESS_CPUCLOCK with CPUCLOCK_SCHED);
// clock_getcpuclockid(3) gives the same, after one more system call.
clockid_t processCpuClock(pid_t pid) {
  return static_cast<clockid_t>((~static_cast<unsigned>(pid) << 3) | 2u);
}

timespec toTimespec(kj::Duration duration) {
  auto nanos = duration / kj::NANOSECONDS;
  return {.tv_sec = nanos / 1'000'000'000, .tv_nsec = nanos % 1'000'000'000};
}

}  // namespace

class KernelCpuClocks::Clock final : public CpuClock {
public:
  Clock(KernelCpuClocks& all, uint64_t ticket, pid_t pid, kj::Function<void()> onDeadline)
      : all(all), ticket(ticket), clockId(processCpuClock(pid)), onDeadline(kj::mv(onDeadline)) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = cpuSignal();
    static_assert(sizeof(void*) == sizeof(uint64_t));
    event.sigev_value.sival_ptr = reinterpret_cast<void*>(ticket);
    if (timer_create(clockId, &event, &timer) != 0) {
      int error = errno;
      if (error == EAGAIN) {
        kj::throwFatalException(
            KJ_EXCEPTION(OVERLOADED, "ERR_OVERLOADED: no CPU timer left for another sandbox"));
      }
      KJ_FAIL_SYSCALL("timer_create", error, pid);
    }
    all.clocks.insert(ticket, this);
  }

  ~Clock() noexcept(false) {
    all.clocks.erase(ticket);
    timer_delete(timer);
  }
  KJ_DISALLOW_COPY_AND_MOVE(Clock);

  kj::Duration used() const override {
    timespec now{};
    KJ_SYSCALL(clock_gettime(clockId, &now));
    return now.tv_sec * kj::SECONDS + now.tv_nsec * kj::NANOSECONDS;
  }

  void arm(kj::Duration newDeadline) override {
    deadline = newDeadline;
    itimerspec when{};
    // A zero value would disarm the timer.
    when.it_value = toTimespec(kj::max(newDeadline, 1 * kj::NANOSECONDS));
    KJ_SYSCALL(timer_settime(timer, TIMER_ABSTIME, &when, nullptr));
  }

  void signalled() {
    KJ_IF_MAYBE (reached, deadline) {
      // A signal of an earlier, replaced deadline may arrive late. Its successor is armed and will come.
      if (used() < *reached) return;
      deadline = nullptr;
      onDeadline();
    }
  }

private:
  KernelCpuClocks& all;
  const uint64_t ticket;
  const clockid_t clockId;
  kj::Function<void()> onDeadline;
  timer_t timer{};
  kj::Maybe<kj::Duration> deadline;
};

void KernelCpuClocks::captureSignal() { kj::UnixEventPort::captureSignal(cpuSignal()); }

KernelCpuClocks::KernelCpuClocks(kj::UnixEventPort& port)
    : port(port), dispatching(dispatchSignals().eagerlyEvaluate([](kj::Exception&& e) {
        KJ_LOG(FATAL, "CPU limits are no longer enforced", e);
        kj::throwFatalException(kj::mv(e));
      })) {}

KernelCpuClocks::~KernelCpuClocks() noexcept(false) = default;

kj::Own<CpuClock> KernelCpuClocks::forProcess(pid_t pid, kj::Function<void()> onDeadline) {
  return kj::heap<Clock>(*this, ++lastTicket, pid, kj::mv(onDeadline));
}

kj::Promise<void> KernelCpuClocks::dispatchSignals() {
  for (;;) {
    siginfo_t info = co_await port.onSignal(cpuSignal());
    if (info.si_code != SI_TIMER) continue;  // anybody with our uid may send this signal by hand
    auto ticket = reinterpret_cast<uint64_t>(info.si_value.sival_ptr);
    KJ_IF_MAYBE (clock, clocks.find(ticket)) (*clock)->signalled();
  }
}

}  // namespace mayfly::supervisor
