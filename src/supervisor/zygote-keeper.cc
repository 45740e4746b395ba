#include "supervisor/zygote-keeper.h"

#include <kj/debug.h>

#include "base/error.h"

namespace mayfly::supervisor {

ZygoteKeeper::ZygoteKeeper(kj::String label, Start start, kj::Timer& timer,
                           observe::OperatorLog& log, Backoff backoff)
    : label(kj::mv(label)),
      start(kj::mv(start)),
      timer(timer),
      log(log),
      backoff(backoff),
      changed(nullptr),
      keeping(nullptr) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  changed = paf.promise.fork();
  changedFulfiller = kj::mv(paf.fulfiller);
  keeping = keep().eagerlyEvaluate(
      [](kj::Exception&& e) { KJ_LOG(ERROR, "a zygote is no longer kept", e); });
}

kj::Promise<kj::Own<ZygoteGeneration>> ZygoteKeeper::current() {
  for (;;) {
    KJ_IF_MAYBE (why, cannotStart) kj::throwFatalException(kj::cp(*why));
    KJ_IF_MAYBE (running, generation) {
      if (!(*running)->dying()) co_return kj::addRef(**running);
    }
    co_await changed.addBranch();
  }
}

kj::Promise<void> ZygoteKeeper::keep() {
  for (;;) {
    auto startedAt = timer.now();
    auto started = co_await tryStart();
    if (cannotStart != nullptr) co_return;
    KJ_IF_MAYBE (zygote, started) {
      startedAt = timer.now();
      auto running = kj::refcounted<ZygoteGeneration>(++lastNumber, kj::mv(*zygote));
      generation = kj::addRef(*running);
      announce();
      auto why = co_await running->zygote->onDeath();
      running->dead = true;
      generation = nullptr;
      log.system(observe::Level::ERROR,
                 kj::str("the zygote of ", label, " died and is started anew: ", why));
    }
    auto pause = backoff.pauseAfter(timer.now() - startedAt);
    if (pause > 0 * kj::SECONDS) co_await timer.afterDelay(pause);
  }
}

kj::Promise<kj::Maybe<kj::Own<Zygote>>> ZygoteKeeper::tryStart() {
  try {
    co_return co_await start();
  } catch (...) {
    auto why = kj::getCaughtExceptionAsKj();
    bool died = why.getType() == kj::Exception::Type::DISCONNECTED;
    if (lastNumber == 0 && (!died || ++firstStarts == MAX_FIRST_STARTS)) {
      cannotStart = kj::mv(why);
      announce();
    } else {
      log.system(observe::Level::ERROR, kj::str("the zygote of ", label,
                                                " cannot be started: ", describeForOperator(why)));
    }
  }
  co_return nullptr;
}

void ZygoteKeeper::announce() {
  auto paf = kj::newPromiseAndFulfiller<void>();
  changed = paf.promise.fork();
  auto waiters = kj::mv(changedFulfiller);
  changedFulfiller = kj::mv(paf.fulfiller);
  waiters->fulfill();
}

}  // namespace mayfly::supervisor
