// Timers, clocks, the async context and the operator's log.

#include <kj/debug.h>
#include <time.h>

#include <cmath>

#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

// One running timer: firing or cancelling removes it from the table.
struct Timers {
  kj::HashMap<uint32_t, kj::Promise<void>> running;
  uint32_t next = 1;
};

Timers& timers() {
  // One sandbox per process, and the event loop needs it only after the fork.
  static Timers instance;
  return instance;
}

constexpr double MAX_DELAY_MS = 3153600000000.0;

void startTimer(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsNumber() && info[1]->IsFunction());
  double ms = info[0].As<v8::Number>()->Value();
  if (!(ms >= 0)) ms = 0;
  ms = std::fmin(ms, MAX_DELAY_MS);
  auto id = timers().next++;
  auto delay = static_cast<int64_t>(ms * 1e6) * kj::NANOSECONDS;
  auto fire = [&bridge, id, callback = v8::Global<v8::Function>(bridge.isolate, info[1].As<v8::Function>())]() mutable {
    // The entry goes first, so that the callback may start a timer again; this promise ends on its own.
    KJ_IF_MAYBE(own, timers().running.findEntry(id)) {
      auto self = kj::mv(own->value);
      timers().running.erase(*own);
      bridge.detach(kj::evalLater([self = kj::mv(self)]() mutable {}));
    }
    engine::Turn turn(bridge.runtime);
    v8::TryCatch tryCatch(bridge.isolate);
    if (callback.Get(bridge.isolate)->Call(bridge.context(), v8::Undefined(bridge.isolate), 0, nullptr).IsEmpty()) {
      KJ_LOG(ERROR, "a timer callback of the built-ins threw", engine::describeUncaught(bridge.isolate, tryCatch));
    }
  };
  auto promise = bridge.timer().afterDelay(delay).then(kj::mv(fire)).eagerlyEvaluate([](kj::Exception&& e) {
    KJ_LOG(ERROR, e);
  });
  timers().running.insert(id, kj::mv(promise));
  info.GetReturnValue().Set(id);
}

void cancelTimer(Bridge&, const Info& info) {
  if (!info[0]->IsUint32()) return;
  timers().running.erase(info[0].As<v8::Uint32>()->Value());
}

double monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void monotonicMs(Bridge&, const Info& info) {
  static double origin = 0;  // first use is in the child, when its program starts
  double now = monotonic();
  if (origin == 0) origin = now;
  info.GetReturnValue().Set(now - origin);
}

void asyncFrame(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(bridge.isolate->GetContinuationPreservedEmbedderData());
}

void setAsyncFrame(Bridge& bridge, const Info& info) {
  bridge.isolate->SetContinuationPreservedEmbedderData(info[0]);
}

void log(Bridge& bridge, const Info& info) {
  auto request = bridge.host().logRequest();
  auto level = engine::utf8(bridge.isolate, info[0]);
  request.setLevel(level == "debug"  ? schema::LogLevel::DEBUG
                   : level == "info" ? schema::LogLevel::INFO
                   : level == "warn" ? schema::LogLevel::WARN
                   : level == "error" ? schema::LogLevel::ERROR
                                      : schema::LogLevel::LOG);
  request.setMessage(engine::utf8(bridge.isolate, info[1]));
  bridge.detach(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
}

constexpr Operation OPERATIONS[] = {
    {"startTimer", operation<startTimer>}, {"cancelTimer", operation<cancelTimer>},
    {"monotonicMs", operation<monotonicMs>}, {"asyncFrame", operation<asyncFrame>},
    {"setAsyncFrame", operation<setAsyncFrame>}, {"log", operation<log>},
};

}  // namespace

kj::ArrayPtr<const Operation> timeOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
