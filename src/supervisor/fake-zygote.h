// For tests: a zygote whose children are plain forks of the test program, and the loop they live in.
//
// The children are real processes, so that signals, CPU clocks, pidfds and exit statuses are the kernel's own; what
// they do is a function of the test's choice. They have no walls.
#pragma once

#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>
#include <kj/vector.h>
#include <sched.h>

#include <map>

#include "observe/operator-log.h"
#include "supervisor/spawner.h"
#include "supervisor/zygote-keeper.h"

namespace mayfly::supervisor {

class FakeZygote final : public Zygote {
public:
  // Runs in the child with its descriptors 3 and 4. Returning ends it with status 0.
  using Behaviour = void (*)(int hostFd, int loaderFd);

  ~FakeZygote() noexcept(false);

  kj::Promise<Child> fork(zygote::ForkOrder order, kj::AutoCloseFd hostSocket,
                          kj::AutoCloseFd loaderSocket) override;
  kj::Promise<ExitReport> reap(uint32_t zygotePid) override;
  kj::Promise<kj::String> onDeath() override;
  const zygote::ReadyReport& report() const override { return ready; }
  pid_t pid() const override { return 0; }
  bool dying() const override { return dead || hungUp; }

  // The kernel's rule: its children die with it.
  void die();

  // Set: it is ending, but neither it nor its children are gone yet.
  bool hungUp = false;

  // Somebody kills them by hand; the zygote lives on.
  void killChildren();

  // While held, fork() waits until releaseOne().
  bool held = false;
  void releaseOne();

  // If set, what fork() rejects with.
  kj::Maybe<kj::Exception> refusal;

  Behaviour behaviour = waitForHangUp;
  size_t forkCount = 0;
  zygote::ForkOrder lastOrder;

  static void waitForHangUp(int hostFd, int loaderFd);

private:
  Child forkNow(kj::AutoCloseFd hostSocket, kj::AutoCloseFd loaderSocket);

  zygote::ReadyReport ready;
  bool dead = false;
  std::map<pid_t, bool> children;  // the value is unused: a set that tolerates reaping in any order
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> heldForks;
  kj::Vector<kj::Own<kj::PromiseFulfiller<kj::String>>> mourners;
};

// Swallows what is logged, and remembers it.
class FakeLog final : public observe::OperatorLog {
public:
  kj::Own<observe::SandboxLog> openSandbox(kj::StringPtr label) override;
  void system(observe::Level, kj::StringPtr text) override { lines.add(kj::str(text)); }
  void report(observe::Level, const OperatorError& error) override { lines.add(error.render()); }
  bool contains(kj::StringPtr part) const;

  kj::Vector<kj::String> lines;
};

// An event loop, a clock that the test moves by hand, and a spawner over one fake zygote after another.
struct SupervisorFixture {
  // What the children of its zygotes do.
  explicit SupervisorFixture(FakeZygote::Behaviour behaviour = FakeZygote::waitForHangUp);

  // Moves the hand-driven clock and lets everything run that can run.
  void advance(kj::Duration time);

  // Lets everything run that can run without waiting.
  void settle() { io.waitScope.poll(); }

  // Waits for something real (a process that ends); the clock stands still.
  template <typename T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(io.waitScope);
  }

  // Lets the kernel and the loop work until `condition` holds, moving the clock by `tick` each time round. Bounded by
  // real time, because processes take some.
  template <typename Condition>
  bool waitUntil(Condition condition, kj::Duration tick = 0 * kj::SECONDS) {
    auto& realTime = kj::systemPreciseMonotonicClock();
    auto deadline = realTime.now() + 10 * kj::SECONDS;
    while (!condition()) {
      if (realTime.now() > deadline) return false;
      advance(tick);
      sched_yield();
    }
    return true;
  }

  FakeZygote& zygote() { return *current; }

  kj::AsyncIoContext io;
  kj::TimerImpl timer;
  FakeLog log;
  KernelCpuClocks cpuClocks;
  Reaper reaper;
  FakeZygote* current = nullptr;  // the latest one
  size_t zygotesStarted = 0;
  const FakeZygote::Behaviour behaviour;
  ZygoteKeeper keeper;
  ZygoteSpawner spawner;

private:
  static kj::AsyncIoContext openLoop();
};

}  // namespace mayfly::supervisor
