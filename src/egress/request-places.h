// How many requests of one sandbox are under way: so many at once, the others wait their turn.
//
// Contract   A place is had from before the connection is made until the response's body is over or dropped. Who
//            waits longer than `time`, or behind more than `waiting` others, is refused: a program that leaves
//            bodies unread may have taken every place itself.
// Ownership  Places may outlive RequestPlaces and each other.
// Threads    Event loop of the supervisor.
// Errors     A Trouble LIMIT inside of a kj::Exception.
#pragma once

#include <kj/async.h>
#include <kj/memory.h>
#include <kj/timer.h>

namespace mayfly::egress {

struct PlaceLimits {
  unsigned atOnce;
  unsigned waiting;
  kj::Duration time;
};

class RequestPlaces final {
public:
  RequestPlaces(kj::Timer& timer, PlaceLimits limits);
  ~RequestPlaces() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(RequestPlaces);

  // Dropping what it resolves to gives the place back; dropping the promise leaves the queue.
  kj::Promise<kj::Own<void>> take();

private:
  class Queue;
  kj::Timer& timer;
  PlaceLimits limits;
  kj::Own<Queue> queue;
};

}  // namespace mayfly::egress
