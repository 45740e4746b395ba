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

  // While a program's modules are evaluated, Date reads the epoch.
  void stopClock(bool stopped) { platform->stopClock(stopped); }

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

  static Runtime& from(v8::Isolate* isolate) { return *static_cast<Runtime*>(isolate->GetData(0)); }

private:
  friend class Turn;
  class BufferAllocator;

  void drain();
  void runMicrotasks();
  void noteRejection(v8::PromiseRejectMessage message);
  static size_t nearHeapLimit(void* self, size_t current, size_t initial);

  std::unique_ptr<CompactPlatform> platform;
  std::shared_ptr<BufferAllocator> allocator;
  v8::Isolate* isolatePtr = nullptr;
  v8::Global<v8::Context> contextHandle;
  size_t heapLimit;
  uint turnDepth = 0;
  kj::Maybe<RejectionHook> rejectionHook;

  struct Rejection {
    v8::Global<v8::Promise> promise;
    v8::Global<v8::Value> reason;
  };
  kj::Vector<Rejection> rejections;
  kj::Vector<v8::Global<v8::Function>> turnEnd;
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
