#include "egress/request-places.h"

#include <kj/refcount.h>

#include <deque>

#include "egress/trouble.h"

namespace mayfly::egress {
namespace {

kj::Exception refusal(kj::StringPtr detail) {
  return Trouble{TroubleKind::LIMIT, kj::str(detail)}.toException();
}

}  // namespace

class RequestPlaces::Queue final : public kj::Refcounted {
public:
  unsigned taken = 0;
  std::deque<kj::Own<kj::PromiseFulfiller<kj::Own<void>>>> waiting;

  kj::Own<void> newPlace() {
    ++taken;
    return kj::heap<Place>(kj::addRef(*this));
  }

  // Those who gave up still stand in the queue.
  void forgetAbsent() {
    std::erase_if(waiting, [](auto& one) { return !one->isWaiting(); });
  }

private:
  class Place final {
  public:
    explicit Place(kj::Own<Queue> of) : queue(kj::mv(of)) {}
    ~Place() noexcept(false) { queue->giveBack(); }
    KJ_DISALLOW_COPY_AND_MOVE(Place);

  private:
    kj::Own<Queue> queue;
  };

  void giveBack() {
    --taken;
    forgetAbsent();
    if (waiting.empty()) return;
    auto next = kj::mv(waiting.front());
    waiting.pop_front();
    next->fulfill(newPlace());
  }
};

RequestPlaces::RequestPlaces(kj::Timer& timer, PlaceLimits limits)
    : timer(timer), limits(limits), queue(kj::refcounted<Queue>()) {}

RequestPlaces::~RequestPlaces() noexcept(false) = default;

kj::Promise<kj::Own<void>> RequestPlaces::take() {
  if (queue->taken < limits.atOnce) return queue->newPlace();
  queue->forgetAbsent();
  if (queue->waiting.size() >= limits.waiting) return refusal("too many requests wait");
  auto paf = kj::newPromiseAndFulfiller<kj::Own<void>>();
  queue->waiting.push_back(kj::mv(paf.fulfiller));
  auto tooLate = timer.afterDelay(limits.time).then([]() -> kj::Promise<kj::Own<void>> {
    return refusal("no other request ended in time");
  });
  return paf.promise.exclusiveJoin(kj::mv(tooLate));
}

}  // namespace mayfly::egress
