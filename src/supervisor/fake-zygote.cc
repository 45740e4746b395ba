#include "supervisor/fake-zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::supervisor {
namespace {

kj::Exception gone() { return KJ_EXCEPTION(DISCONNECTED, "the fake zygote is dead"); }

class RememberingLog final : public observe::SandboxLog {
public:
  RememberingLog(FakeLog& all, kj::StringPtr label) : all(all), label(kj::str(label)) {}
  void console(observe::Level, kj::StringPtr text) override {
    all.lines.add(kj::str("[", label, "] ", text));
  }
  void notice(observe::Level, kj::StringPtr text) override {
    all.lines.add(kj::str("[", label, "] ", text));
  }
  void request(const observe::RequestLine& line) override {
    all.lines.add(kj::str("[", label, "] ", line.method, " ", line.target, " ", line.status));
  }

private:
  FakeLog& all;
  kj::String label;
};

}  // namespace

FakeZygote::~FakeZygote() noexcept(false) {
  for (auto& [pid, _] : children) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

kj::Promise<Zygote::Child> FakeZygote::fork(zygote::ForkOrder order, kj::AutoCloseFd hostSocket,
                                            kj::AutoCloseFd loaderSocket) {
  if (dead) return gone();
  KJ_IF_MAYBE (why, refusal) return kj::cp(*why);
  ++forkCount;
  lastOrder = order;
  if (!held) return forkNow(kj::mv(hostSocket), kj::mv(loaderSocket));
  auto paf = kj::newPromiseAndFulfiller<void>();
  heldForks.add(kj::mv(paf.fulfiller));
  return paf.promise.then(
      [this, host = kj::mv(hostSocket), loader = kj::mv(loaderSocket)]() mutable {
        return forkNow(kj::mv(host), kj::mv(loader));
      });
}

Zygote::Child FakeZygote::forkNow(kj::AutoCloseFd hostSocket, kj::AutoCloseFd loaderSocket) {
  pid_t pid = ::fork();
  KJ_ASSERT(pid >= 0);
  if (pid == 0) {
    // Away from 3 and 4 first, so that neither is overwritten before it was moved.
    int host = dup(hostSocket.get());
    int loader = dup(loaderSocket.get());
    host = fcntl(host, F_DUPFD, 1000);
    loader = fcntl(loader, F_DUPFD, 1000);
    dup2(host, 3);
    dup2(loader, 4);
    syscall(SYS_close_range, 5, ~0u, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    behaviour(3, 4);
    _exit(0);
  }
  children.emplace(pid, true);
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  KJ_ASSERT(pidfd >= 0);
  return {.pid = pid, .zygotePid = static_cast<uint32_t>(pid), .pidfd = kj::AutoCloseFd(pidfd)};
}

kj::Promise<ExitReport> FakeZygote::reap(uint32_t zygotePid) {
  if (dead) return gone();
  auto pid = static_cast<pid_t>(zygotePid);
  int status = 0;
  rusage usage{};
  KJ_ASSERT(wait4(pid, &status, 0, &usage) == pid,
            "reap() of a child that is none, or was reaped before");
  children.erase(pid);
  auto micros = [](const timeval& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
  };
  return ExitReport{.waitStatus = status,
                    .cpuMicros = micros(usage.ru_utime) + micros(usage.ru_stime),
                    .maxRssKb = static_cast<uint64_t>(usage.ru_maxrss)};
}

kj::Promise<kj::String> FakeZygote::onDeath() {
  if (dead) return kj::str("killed by the test");
  auto paf = kj::newPromiseAndFulfiller<kj::String>();
  mourners.add(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

void FakeZygote::die() {
  dead = true;
  killChildren();
  for (auto& mourner : mourners)
    mourner->fulfill(kj::str("killed by the test"));
  for (auto& fork : heldForks)
    fork->reject(gone());
}

void FakeZygote::killChildren() {
  for (auto& [pid, _] : children)
    kill(pid, SIGKILL);
}

void FakeZygote::releaseOne() {
  auto first = kj::mv(heldForks.front());
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> rest;
  for (size_t i = 1; i < heldForks.size(); ++i)
    rest.add(kj::mv(heldForks[i]));
  heldForks = kj::mv(rest);
  first->fulfill();
}

void FakeZygote::waitForHangUp(int hostFd, int) {
  // The descriptor is non-blocking and shared with nobody: poll is what waits.
  char byte;
  for (;;) {
    pollfd watched = {.fd = hostFd, .events = POLLIN, .revents = 0};
    poll(&watched, 1, -1);
    if (read(hostFd, &byte, 1) == 0) return;
  }
}

kj::Own<observe::SandboxLog> FakeLog::openSandbox(kj::StringPtr label) {
  return kj::heap<RememberingLog>(*this, label);
}

bool FakeLog::contains(kj::StringPtr part) const {
  for (auto& line : lines) {
    if (strstr(line.cStr(), part.cStr()) != nullptr) return true;
  }
  return false;
}

kj::AsyncIoContext SupervisorFixture::openLoop() {
  KernelCpuClocks::captureSignal();
  return kj::setupAsyncIo();
}

SupervisorFixture::SupervisorFixture(FakeZygote::Behaviour behaviour)
    : io(openLoop()),
      timer(kj::origin<kj::TimePoint>()),
      cpuClocks(io.unixEventPort),
      behaviour(behaviour),
      keeper(
          kj::str("tests"),
          [this]() -> kj::Promise<kj::Own<Zygote>> {
            auto zygote = kj::heap<FakeZygote>();
            zygote->behaviour = this->behaviour;
            current = zygote.get();
            ++zygotesStarted;
            return kj::Own<Zygote>(kj::mv(zygote));
          },
          timer, log),
      spawner(keeper, reaper, cpuClocks, io.unixEventPort, *io.lowLevelProvider, timer) {}

void SupervisorFixture::advance(kj::Duration time) {
  timer.advanceTo(timer.now() + time);
  settle();
}

}  // namespace mayfly::supervisor
