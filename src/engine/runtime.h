// V8 behind one object: platform, isolate, context, the way in (Turn) and the way out of memory.
//
// Contract   boot() in the zygote; afterFork() once in each child. JavaScript runs only inside a Turn.
// Ownership  One Runtime per process; it is never torn down, the process ends instead.
// Threads    One, with V8 in single-threaded mode, so that fork() copies all of it.
// Trust      Everything inside the isolate may be in the hands of the guest; this object is what a V8 bug
//            reaches first. The process around it is the boundary.
#pragma once

#include <kj/array.h>
#include <kj/common.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/vector.h>
#include <v8.h>

#include <cstdint>
#include <memory>

#include "engine/compact-platform.h"

namespace mayfly::engine {

class Runtime {
public:
  // Starts V8 with `flags` ("--jitless", …) and makes an isolate whose heap is bounded by `heapBytes`.
  // When memory runs out the process ends with `exitStatusOutOfMemory`.
  Runtime(kj::ArrayPtr<const kj::StringPtr> flags, size_t heapBytes, int exitStatusOutOfMemory);
  ~Runtime() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(Runtime);

  v8::Isolate* isolate() { return isolatePtr; }
  v8::Local<v8::Context> context() { return contextHandle.Get(isolatePtr); }

  // In a child: gives the heap `heapBytes` and ArrayBuffers `bufferBytes`, and reseeds Math.random.
  void afterFork(size_t heapBytes, size_t bufferBytes);

  // What the heap may grow to.
  size_t heapBytes() const { return heapLimit; }

  // While a program's modules are evaluated, Date reads the epoch. Returns whether it did before.
  bool stopClock(bool stopped) { return platform->stopClock(stopped); }

  // From now on time advances only between Turns: code that computes cannot measure how long it takes.
  void freezeClock() { platform->freezeClock(); }
  bool clockFrozen() const { return platform->clockFrozen(); }

  // What programs see as the time, in milliseconds since the epoch, with fractions.
  double shownTimeMs() { return platform->CurrentClockTimeMillis(); }

  // With a frozen clock: the Turn that is about to begin sees this time, not the real one.
  void showTimeMs(double ms) { nextShownMs = ms; }

  // From the first request on: no code from strings, no compiling of Wasm bytes.
  void forbidCodeGeneration();

  // Runs a classic script of ours, Latin-1 text that lives as long as the process; V8 reads it where it lies. Throws
  // kj::Exception with the JavaScript error.
  void runScript(kj::StringPtr name, kj::ArrayPtr<const kj::byte> source);

  // The last thing in the zygote: collects garbage and gives free memory back, since each page costs every fork.
  void trim();

  // Calls `callback` once, when the current Turn has run its microtasks. It runs before rejections are reported, and the
  // microtasks that it causes run too. Must not throw.
  void atTurnEnd(v8::Local<v8::Function> callback) { turnEnd.add(isolatePtr, callback); }

  // Told of promises that were rejected with nobody listening when a Turn ended.
  using RejectionHook = kj::Function<void(v8::Local<v8::Promise>, v8::Local<v8::Value> reason)>;
  void onUnhandledRejection(RejectionHook hook) { rejectionHook = kj::mv(hook); }

  // Gives what `error.stack` is. Without one, V8 formats it.
  using StackHook = kj::Function<v8::MaybeLocal<v8::Value>(v8::Local<v8::Value> error,
                                                           v8::Local<v8::Array> sites)>;
  void onStack(StackHook hook);

  // Told of such promises when they get a handler after all.
  void onRejectionHandled(RejectionHook hook) { handledHook = kj::mv(hook); }

  static Runtime& from(v8::Isolate* isolate) { return *static_cast<Runtime*>(isolate->GetData(0)); }

private:
  friend class Turn;
  class BufferAllocator;

  void drain();
  void runMicrotasks();
  void report(kj::Vector<v8::Global<v8::Promise>>& noted, kj::Maybe<RejectionHook>& hook);
  void noteRejection(v8::PromiseRejectMessage message);
  static size_t nearHeapLimit(void* self, size_t current, size_t initial);

  std::unique_ptr<CompactPlatform> platform;
  std::shared_ptr<BufferAllocator> allocator;
  v8::Isolate* isolatePtr = nullptr;
  v8::Global<v8::Context> contextHandle;
  size_t heapLimit;
  uint turnDepth = 0;
  kj::Maybe<double> nextShownMs;
  kj::Maybe<RejectionHook> rejectionHook;
  kj::Maybe<RejectionHook> handledHook;
  kj::Maybe<StackHook> stackHook;

  kj::Vector<v8::Global<v8::Function>> turnEnd;
  kj::Vector<v8::Global<v8::Promise>> rejections;
  kj::Vector<v8::Global<v8::Promise>> handledLate;
};

// One entry into JavaScript: makes the isolate and context current and, when the outermost Turn ends, runs
// microtasks and V8's own pending tasks. No handle may outlive the Turn it was made in.
class Turn {
public:
  explicit Turn(Runtime& runtime);
  ~Turn();
  KJ_DISALLOW_COPY_AND_MOVE(Turn);

private:
  Runtime& runtime;
  v8::Isolate::Scope isolateScope;
  v8::HandleScope handleScope;
  v8::Context::Scope contextScope;
};

}  // namespace mayfly::engine
