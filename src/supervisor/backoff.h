// How long to wait before starting again what has died.
//
// Contract   The first restart is immediate. Each further death within `steady` of its start doubles the pause,
//            from `shortest` to `longest`; whoever lived longer starts from the beginning.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

namespace mayfly::supervisor {

class Backoff final {
public:
  struct Pace {
    kj::Duration shortest = 50 * kj::MILLISECONDS;
    kj::Duration longest = 5 * kj::SECONDS;
    kj::Duration steady = 10 * kj::SECONDS;
  };

  Backoff() = default;
  explicit Backoff(Pace pace) : pace(pace) {}

  // What died had lived for `lifetime`; zero if it never started.
  kj::Duration pauseAfter(kj::Duration lifetime) {
    if (lifetime >= pace.steady) next = 0 * kj::SECONDS;
    auto pause = next;
    next = pause == 0 * kj::SECONDS ? pace.shortest : kj::min(pause * 2, pace.longest);
    return pause;
  }

private:
  Pace pace;
  kj::Duration next = 0 * kj::SECONDS;
};

}  // namespace mayfly::supervisor
