#include "supervisor/zygote-process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/one-of.h>
#include <kj/refcount.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include <deque>

#include "supervisor/zygote-launch.h"
#include "zygote/canary.h"
#include "zygote/supervisor-end.h"

namespace mayfly::supervisor {
namespace {

constexpr auto BOOT_TIMEOUT = 60 * kj::SECONDS;
constexpr auto CANARY_TIMEOUT = 10 * kj::SECONDS;
constexpr size_t MOST_UNANSWERED =
    16;  // each holds two descriptors in flight, which the kernel counts
constexpr uint64_t CANARY_MEMORY_BYTES = 16 << 20;
constexpr uint32_t CANARY_CPU_SECONDS = 5;

void killByPidfd(int pidfd) { syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0); }

// The pid behind a pidfd as this process sees it. The zygote knows only its own namespace's number.
pid_t pidBehind(int pidfd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  int raw;
  KJ_SYSCALL(raw = open(path, O_RDONLY | O_CLOEXEC), "reading a child's pid requires /proc");
  kj::AutoCloseFd file(raw);
  char text[512];
  ssize_t size;
  KJ_SYSCALL(size = read(file.get(), text, sizeof text - 1));
  text[size] = 0;
  const char* line = strstr(text, "Pid:");
  int pid = 0;
  // -1: it is dead already and someone collected it; 0: it lives outside of our view.
  if (line == nullptr || sscanf(line, "Pid: %d", &pid) != 1 || pid <= 0) {
    kj::throwFatalException(KJ_EXCEPTION(
        DISCONNECTED, "error[zygote.lost-child]: a new sandbox vanished before it was seen"));
  }
  return pid;
}

kj::String describeEnd(kj::StringPtr label, const siginfo_t& info) {
  if (info.si_code == CLD_EXITED)
    return kj::str("zygote \"", label, "\" exited with status ", info.si_status);
  return kj::str("zygote \"", label, "\" was ended by ",
                 sigabbrev_np(info.si_status) == nullptr ? "signal " : "SIG",
                 sigabbrev_np(info.si_status) == nullptr ? kj::str(info.si_status)
                                                         : kj::str(sigabbrev_np(info.si_status)));
}

class ZygoteProcess;

// Lets an answer that nobody waits for any more find its zygote, if that is still there.
struct Home : kj::Refcounted {
  kj::Maybe<ZygoteProcess&> zygote;
};

// A forked child on its way to whoever asked for it. If that one gave up, the child is killed and collected.
class Newborn {
public:
  Newborn(kj::Own<Home> home, uint32_t zygotePid, kj::AutoCloseFd pidfd)
      : home(kj::mv(home)), zygotePid(zygotePid), pidfd(kj::mv(pidfd)) {}
  Newborn(Newborn&&) = default;
  ~Newborn() noexcept(false);

  uint32_t getZygotePid() const { return zygotePid; }
  int getPidfd() const { return KJ_ASSERT_NONNULL(pidfd).get(); }
  kj::AutoCloseFd claim() {
    auto result = kj::mv(KJ_ASSERT_NONNULL(pidfd));
    pidfd = nullptr;
    return result;
  }

private:
  kj::Own<Home> home;
  uint32_t zygotePid;
  kj::Maybe<kj::AutoCloseFd> pidfd;
};

class ZygoteProcess final : public Zygote, private kj::TaskSet::ErrorHandler {
public:
  ZygoteProcess(kj::UnixEventPort& port, LaunchedZygote launched, kj::String label)
      : port(port),
        processId(launched.pid),
        label(kj::mv(label)),
        pidfd(kj::mv(launched.pidfd)),
        control(kj::mv(launched.control)),
        controlObserver(port, control.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ_WRITE),
        pidfdObserver(port, pidfd.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
        home(kj::refcounted<Home>()),
        tasks(*this) {
    home->zygote = *this;
    auto readiness = kj::newPromiseAndFulfiller<void>();
    whenReady = kj::mv(readiness.promise);
    readyFulfiller = kj::mv(readiness.fulfiller);
    death = watchDeath().fork();
    tasks.add(readAnswers());
  }

  ~ZygoteProcess() noexcept(false) {
    home->zygote = nullptr;
    if (!dead) {
      killByPidfd(pidfd.get());
      siginfo_t info;
      // Returns once the kernel ended everything in its PID namespace.
      (void)waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                   WEXITED | __WALL);
    }
  }

  kj::Promise<Child> fork(zygote::ForkOrder order, kj::AutoCloseFd hostSocket,
                          kj::AutoCloseFd loaderSocket) override {
    order.kind = zygote::Kind::FORK;
    auto paf = kj::newPromiseAndFulfiller<Newborn>();
    ask(zygote::Question(order, kj::mv(hostSocket), kj::mv(loaderSocket)),
        Awaited(kj::mv(paf.fulfiller)));
    return paf.promise.then([](Newborn newborn) {
      pid_t pid = pidBehind(newborn.getPidfd());
      uint32_t zygotePid = newborn.getZygotePid();
      return Child{pid, zygotePid, newborn.claim()};
    });
  }

  kj::Promise<ExitReport> reap(uint32_t zygotePid) override {
    zygote::Reap order;
    order.zygotePid = zygotePid;
    auto paf = kj::newPromiseAndFulfiller<ExitReport>();
    ask(zygote::Question(order), Awaited(kj::mv(paf.fulfiller)));
    return kj::mv(paf.promise);
  }

  kj::Promise<kj::String> onDeath() override {
    return death.addBranch().then([this] { return kj::str(epitaph); });
  }

  bool dying() const override { return dead || hungUp; }

  const zygote::ReadyReport& report() const override { return readyReport; }
  pid_t pid() const override { return processId; }
  kj::ArrayPtr<const CanaryResult> canaries() const override { return canaryResults; }

  // Resolves when the zygote reported that its walls stand; rejects with its reason if they do not.
  kj::Promise<void> untilReady() { return kj::mv(whenReady); }

  // Sends one canary of each species; rejects if one of them was not refused as it should be.
  kj::Promise<void> sendCanaries() {
    auto endings = KJ_MAP(species, kj::range(size_t(0), zygote::CANARY_COUNT)) {
      return sendCanary(species);
    };
    co_await kj::joinPromisesFailFast(kj::mv(endings));
    kj::Vector<kj::String> survivors;
    for (auto& result : canaryResults) {
      auto& species = zygote::CANARIES[result.species];
      if (!zygote::endedAsExpected(species, result.waitStatus)) {
        survivors.add(kj::str(species.name, " (wait status ", result.waitStatus, ")"));
      }
    }
    if (survivors.size() > 0) {
      kj::throwFatalException(KJ_EXCEPTION(
          FAILED, kj::str("error[zygote.canary]: zygote \"", label,
                          "\" is not trusted: its walls let through what they must refuse\n"
                          "  why    ",
                          kj::strArray(survivors, ", "),
                          "\n"
                          "  fix    run `mayfly doctor` and report its output")));
    }
  }

  // The child was forked for someone who no longer wants it.
  void bury(uint32_t zygotePid, kj::AutoCloseFd child) {
    killByPidfd(child.get());
    tasks.add(collect(zygotePid, kj::mv(child)).ignoreResult());
  }

private:
  // Whoever waits for the next answer.
  using Awaited =
      kj::OneOf<kj::Own<kj::PromiseFulfiller<Newborn>>, kj::Own<kj::PromiseFulfiller<ExitReport>>>;

  kj::UnixEventPort& port;
  pid_t processId;
  kj::String label;
  kj::AutoCloseFd pidfd;
  kj::AutoCloseFd control;
  kj::UnixEventPort::FdObserver controlObserver;
  kj::UnixEventPort::FdObserver pidfdObserver;
  kj::Own<Home> home;

  std::deque<zygote::Question> outgoing;  // not yet sent
  std::deque<Awaited> awaited;            // asked or about to be, in order
  bool writing = false;
  kj::Own<kj::PromiseFulfiller<void>> answered = kj::newPromiseAndFulfiller<void>().fulfiller;
  bool ready = false;
  bool hungUp = false;  // its end of the control socket is closed, or was abused
  bool dead = false;
  kj::String epitaph;
  kj::Maybe<kj::String> grievance;  // why we killed it, if we did
  zygote::ReadyReport readyReport;
  kj::Vector<CanaryResult> canaryResults;

  kj::Promise<void> whenReady = nullptr;
  kj::Own<kj::PromiseFulfiller<void>> readyFulfiller;
  kj::ForkedPromise<void> death = nullptr;
  kj::TaskSet tasks;

  kj::Exception gone() const {
    return KJ_EXCEPTION(DISCONNECTED, kj::str("error[zygote.dead]: ", epitaph));
  }

  void ask(zygote::Question question, Awaited waiting) {
    if (dead) kj::throwFatalException(gone());
    outgoing.push_back(kj::mv(question));
    awaited.push_back(kj::mv(waiting));
    if (!writing) {
      writing = true;
      tasks.add(writeQuestions());
    }
  }

  size_t countUnanswered() const { return awaited.size() - outgoing.size(); }

  kj::Promise<void> writeQuestions() {
    using Departure = zygote::Question::Departure;
    KJ_DEFER(writing = false);
    while (!outgoing.empty() && !dead) {
      if (countUnanswered() >= MOST_UNANSWERED) {
        co_await untilAnswer();
        continue;
      }
      switch (outgoing.front().trySend(control.get())) {
        case Departure::SENT:
          outgoing.pop_front();  // closes our copies of the descriptors
          break;
        case Departure::SOCKET_FULL:
          co_await controlObserver.whenBecomesWritable();
          break;
        case Departure::TOO_MANY_IN_FLIGHT:
          if (countUnanswered() > 0) {
            co_await untilAnswer();  // the zygote takes some out
          } else {
            // They are not ours. The question at the head is also the oldest that waits.
            reject(awaited.front(),
                   KJ_EXCEPTION(OVERLOADED,
                                "error[zygote.request]: too many file descriptors of this user are "
                                "in flight between processes\n"
                                "  fix    raise the limit on open files (ulimit -n) of mayfly"));
            awaited.pop_front();
            outgoing.pop_front();
          }
          break;
      }
    }
  }

  kj::Promise<void> untilAnswer() {
    auto paf = kj::newPromiseAndFulfiller<void>();
    answered = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }

  kj::Promise<void> readAnswers() {
    using Arrival = zygote::Answer::Arrival;
    for (;;) {
      zygote::Answer answer;
      switch (answer.tryReceive(control.get())) {
        case Arrival::NOTHING_YET:
          co_await controlObserver.whenBecomesReadable();
          break;
        case Arrival::END:
          hungUp = true;
          killByPidfd(pidfd.get());  // it is ending already, or no good
          co_return;
        case Arrival::MESSAGE:
          if (ready ? accept(answer) : acceptFirst(answer)) break;
          [[fallthrough]];
        case Arrival::INVALID:
          hungUp = true;
          grievance =
              kj::str("zygote \"", label, "\" sent something that is not an answer and was killed");
          killByPidfd(pidfd.get());
          co_return;
      }
    }
  }

  // False if it is not an answer to the oldest question.
  bool accept(zygote::Answer& answer) {
    if (countUnanswered() == 0) return false;
    Awaited waiting = kj::mv(awaited.front());
    awaited.pop_front();
    answered->fulfill();
    if (auto failed = answer.asFailed()) {
      reject(waiting, KJ_EXCEPTION(OVERLOADED, kj::str("error[zygote.request]: zygote \"", label,
                                                       "\" could not do it\n"
                                                       "  why    ",
                                                       zygote::textOf(*failed), ": ",
                                                       strerror(failed->error))));
      return true;
    }
    KJ_SWITCH_ONEOF(waiting) {
      KJ_CASE_ONEOF(forking, kj::Own<kj::PromiseFulfiller<Newborn>>) {
        auto forked = answer.asForked();
        if (forked == nullptr) return false;
        KJ_IF_MAYBE (child, answer.takeDescriptor()) {
          forking->fulfill(Newborn(kj::addRef(*home), forked->zygotePid, kj::mv(*child)));
          return true;
        }
        return false;
      }
      KJ_CASE_ONEOF(reaping, kj::Own<kj::PromiseFulfiller<ExitReport>>) {
        auto reaped = answer.asReaped();
        if (reaped == nullptr) return false;
        reaping->fulfill(ExitReport{reaped->waitStatus, reaped->cpuMicros, reaped->maxRssKb});
        return true;
      }
    }
    KJ_UNREACHABLE;
  }

  // The first message is the report, or why there will be none.
  bool acceptFirst(const zygote::Answer& answer) {
    if (auto report = answer.asReady()) {
      readyReport = *report;
      readyReport.v8Version[sizeof readyReport.v8Version - 1] = 0;
      readyReport.profile[sizeof readyReport.profile - 1] = 0;
      ready = true;
      readyFulfiller->fulfill();
      return true;
    }
    if (auto failed = answer.asFailed()) {
      readyFulfiller->reject(
          KJ_EXCEPTION(FAILED, kj::str("error[zygote.start]: zygote \"", label,
                                       "\" could not start\n  why    ", zygote::textOf(*failed))));
      return true;
    }
    return false;
  }

  static void reject(Awaited& waiting, kj::Exception&& why) {
    KJ_SWITCH_ONEOF(waiting) {
      KJ_CASE_ONEOF(forking, kj::Own<kj::PromiseFulfiller<Newborn>>) {
        forking->reject(kj::mv(why));
      }
      KJ_CASE_ONEOF(reaping, kj::Own<kj::PromiseFulfiller<ExitReport>>) {
        reaping->reject(kj::mv(why));
      }
    }
  }

  kj::Promise<void> watchDeath() {
    siginfo_t info = {};
    for (;;) {
      int result = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                          WEXITED | WNOHANG | __WALL);
      if (result == 0 && info.si_pid != 0) break;
      co_await pidfdObserver.whenBecomesReadable();
    }
    // What it had to say before it died comes first: the reason is in there.
    dead = true;
    KJ_IF_MAYBE (why, grievance) {
      epitaph = kj::str(*why);
    } else {
      epitaph = describeEnd(label, info);
    }
    for (auto& waiting : awaited)
      reject(waiting, gone());
    awaited.clear();
    outgoing.clear();
    answered->fulfill();
    if (!ready) rejectUnready(grievance == nullptr && info.si_code != CLD_EXITED);
  }

  // `died`: a signal ended it, not its own decision, so that another one may fare better.
  void rejectUnready(bool died) {
    // Its reason may still lie in the socket.
    zygote::Answer answer;
    if (answer.tryReceive(control.get()) == zygote::Answer::Arrival::MESSAGE &&
        answer.asFailed() != nullptr) {
      acceptFirst(answer);
      return;
    }
    if (died) {
      readyFulfiller->reject(
          KJ_EXCEPTION(DISCONNECTED, kj::str("error[zygote.dead]: zygote \"", label,
                                             "\" died before it was ready\n"
                                             "  why    ",
                                             epitaph)));
      return;
    }
    readyFulfiller->reject(KJ_EXCEPTION(
        FAILED,
        kj::str("error[zygote.start]: zygote \"", label,
                "\" ended before it was ready\n"
                "  why    ",
                epitaph,
                "\n"
                "  fix    standard error may say more; a missing library is the usual cause")));
  }

  kj::Promise<ExitReport> collect(uint32_t zygotePid, kj::AutoCloseFd child) {
    kj::UnixEventPort::FdObserver observer(port, child.get(),
                                           kj::UnixEventPort::FdObserver::OBSERVE_READ);
    co_await observer.whenBecomesReadable();
    co_return co_await reap(zygotePid);
  }

  kj::Promise<void> sendCanary(size_t species) {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    zygote::ForkOrder order;
    order.role = zygote::Role::CANARY;
    order.memoryBytes = CANARY_MEMORY_BYTES;
    order.cpuSeconds = CANARY_CPU_SECONDS;
    order.canary = static_cast<uint32_t>(species);
    auto child = co_await fork(order, kj::AutoCloseFd(ends[0]), kj::AutoCloseFd(ends[1]));
    auto ending = co_await collect(child.zygotePid, kj::mv(child.pidfd));
    canaryResults.add(CanaryResult{order.canary, ending.waitStatus});
  }

  void taskFailed(kj::Exception&& exception) override {
    // Only what concerns nobody in particular ends here: collecting an unwanted child of a dying zygote.
    if (exception.getType() != kj::Exception::Type::DISCONNECTED) KJ_LOG(ERROR, label, exception);
  }
};

Newborn::~Newborn() noexcept(false) {
  KJ_IF_MAYBE (child, pidfd) {
    KJ_IF_MAYBE (zygote, home->zygote) {
      zygote->bury(zygotePid, kj::mv(*child));
    }
  }
}

}  // namespace

kj::Promise<kj::Own<Zygote>> startZygote(kj::UnixEventPort& port, kj::LowLevelAsyncIoProvider& io,
                                         ZygoteOptions options) {
  auto& timer = io.getTimer();
  auto launched = launchZygote({
      .binary = options.binary,
      .profile = options.label,
      .v8Flags = options.v8Flags,
      .acceptMissingNamespaces = options.acceptMissingNamespaces,
  });
  auto zygote = kj::heap<ZygoteProcess>(port, kj::mv(launched), kj::str(options.label));
  co_await timer.timeoutAfter(BOOT_TIMEOUT, zygote->untilReady());
  co_await timer.timeoutAfter(CANARY_TIMEOUT, zygote->sendCanaries());
  co_return kj::mv(zygote);
}

}  // namespace mayfly::supervisor
