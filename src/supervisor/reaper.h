// Waits for what is left of sandboxes that nobody holds any more.
//
// Contract   onEmpty() resolves when the exit of every child was collected: no orphan, no zombie.
// Ownership  Outlives every SandboxProcess.
// Threads    The supervisor's event loop.
#pragma once

#include <kj/async.h>

namespace mayfly::supervisor {

class Reaper final : private kj::TaskSet::ErrorHandler {
public:
  Reaper() : tasks(*this) {}
  KJ_DISALLOW_COPY_AND_MOVE(Reaper);

  void attend(kj::Promise<void> collecting) { tasks.add(kj::mv(collecting)); }
  kj::Promise<void> onEmpty() { return tasks.onEmpty(); }

private:
  void taskFailed(kj::Exception&& exception) override;

  kj::TaskSet tasks;
};

}  // namespace mayfly::supervisor
