// Timers, clocks, the async context and the operator's log.

#include <kj/debug.h>

#include <cmath>

#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

constexpr double MAX_DELAY_MS = 3153600000000.0;

void startTimer(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsNumber() && info[1]->IsFunction());
  double ms = info[0].As<v8::Number>()->Value();
  if (!(ms >= 0)) ms = 0;
  ms = std::fmin(ms, MAX_DELAY_MS);
  auto id = bridge.nextTimer++;
  auto delay = static_cast<int64_t>(ms * 1e6) * kj::NANOSECONDS;
  // A callback sees exactly the time it is due at, however long what ran before it took.
  double dueMs = bridge.runtime.shownTimeMs() + ms;
  auto fire = [&bridge, id, dueMs,
               callback =
                   v8::Global<v8::Function>(bridge.isolate, info[1].As<v8::Function>())]() mutable {
    // The entry goes first, so that the callback may start a timer again; this promise ends on its own.
    KJ_IF_MAYBE (own, bridge.timers.findEntry(id)) {
      auto self = kj::mv(own->value);
      bridge.timers.erase(*own);
      bridge.detach(kj::evalLater([self = kj::mv(self)]() mutable {}));
    }
    bridge.runtime.showTimeMs(dueMs);
    engine::Turn turn(bridge.runtime);
    v8::TryCatch tryCatch(bridge.isolate);
    if (callback.Get(bridge.isolate)
            ->Call(bridge.context(), v8::Undefined(bridge.isolate), 0, nullptr)
            .IsEmpty()) {
      KJ_LOG(ERROR, "a timer callback of the built-ins threw",
             engine::describeUncaught(bridge.isolate, tryCatch));
    }
  };
  auto promise =
      bridge.timer().afterDelay(delay).then(kj::mv(fire)).eagerlyEvaluate([](kj::Exception&& e) {
        KJ_LOG(ERROR, e);
      });
  bridge.timers.insert(id, kj::mv(promise));
  info.GetReturnValue().Set(id);
}

void cancelTimer(Bridge& bridge, const Info& info) {
  if (!info[0]->IsUint32()) return;
  bridge.timers.erase(info[0].As<v8::Uint32>()->Value());
}

void monotonicMs(Bridge& bridge, const Info& info) {
  if (bridge.runtime.clockFrozen()) {
    info.GetReturnValue().Set(bridge.runtime.shownTimeMs());
    return;
  }
  auto now = kj::systemPreciseMonotonicClock().now();
  // First use is in the child, when its program starts.
  auto origin = bridge.timeOrigin.orDefault(now);
  bridge.timeOrigin = origin;
  info.GetReturnValue().Set(static_cast<double>((now - origin) / kj::NANOSECONDS) / 1e6);
}

void stopClock(Bridge& bridge, const Info& info) { bridge.runtime.stopClock(info[0]->IsTrue()); }

void freezeClock(Bridge& bridge, const Info&) { bridge.runtime.freezeClock(); }

void asyncFrame(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(bridge.isolate->GetContinuationPreservedEmbedderData());
}

void setAsyncFrame(Bridge& bridge, const Info& info) {
  bridge.isolate->SetContinuationPreservedEmbedderData(info[0]);
}

void atTurnEnd(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsFunction());
  bridge.runtime.atTurnEnd(info[0].As<v8::Function>());
}

void log(Bridge& bridge, const Info& info) {
  auto name = engine::utf8(bridge.isolate, info[0]);
  auto level = name == "debug"   ? schema::LogLevel::DEBUG
               : name == "info"  ? schema::LogLevel::INFO
               : name == "warn"  ? schema::LogLevel::WARN
               : name == "error" ? schema::LogLevel::ERROR
                                 : schema::LogLevel::LOG;
  bridge.log(level, engine::utf8(bridge.isolate, info[1]));
}

constexpr Operation OPERATIONS[] = {
    {"stopClock", operation<stopClock>},
    {"freezeClock", operation<freezeClock>},
    {"startTimer", operation<startTimer>},
    {"cancelTimer", operation<cancelTimer>},
    {"monotonicMs", operation<monotonicMs>},
    {"asyncFrame", operation<asyncFrame>},
    {"setAsyncFrame", operation<setAsyncFrame>},
    {"atTurnEnd", operation<atTurnEnd>},
    {"log", operation<log>},
};

}  // namespace

kj::ArrayPtr<const Operation> timeOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
