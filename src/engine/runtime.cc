#include "engine/runtime.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <libplatform/libplatform.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "engine/math-random.h"
#include "engine/out-of-memory.h"
#include "engine/text.h"

namespace mayfly::engine {

namespace {

void say(const char* text) {
  // The operator sees the zygote's and the sandbox's last words on stderr, if it is open at all.
  [[maybe_unused]] auto ignored = ::write(STDERR_FILENO, text, __builtin_strlen(text));
}

void onFatal(const char* location, const char* message) {
  say("fatal V8 error: ");
  if (location != nullptr) say(location);
  say(": ");
  if (message != nullptr) say(message);
  say("\n");
  abort();
}

// Where code from strings is forbidden: eval() gives back what is no string, and `new Function()` is an empty function.
v8::ModifyCodeGenerationFromStringsResult allowWhatIsNoCode(v8::Local<v8::Context> context,
                                                            v8::Local<v8::Value> source, bool) {
  if (!source->IsString()) return {true, {}};
  auto code = utf8(context->GetIsolate(), source.As<v8::String>());
  return {code == "(function anonymous(\n) {\n\n})", {}};
}

bool allowWasmCode(v8::Local<v8::Context> context, v8::Local<v8::String>) {
  return context->IsCodeGenerationFromStringsAllowed();
}

}  // namespace

// Counts what ArrayBuffers hold, so that a guest that hoards them gets a RangeError and not the end of its
// process. The hard limit stays RLIMIT_DATA.
class Runtime::BufferAllocator final : public v8::ArrayBuffer::Allocator {
public:
  void* Allocate(size_t length) override {
    return take(length, [&] { return calloc(length == 0 ? 1 : length, 1); });
  }
  void* AllocateUninitialized(size_t length) override { return Allocate(length); }
  void Free(void* data, size_t length) override {
    free(data);
    held -= length;
  }
  void setLimit(size_t bytes) { limit = bytes; }

private:
  template <typename F>
  void* take(size_t length, F&& allocate) {
    if (length > limit || held > limit - length) return nullptr;
    void* data = allocate();
    if (data != nullptr) held += length;
    return data;
  }
  size_t held = 0;
  size_t limit = SIZE_MAX;
};

Runtime::Runtime(kj::ArrayPtr<const kj::StringPtr> flags, size_t heapBytes,
                 int exitStatusOutOfMemory)
    : allocator(std::make_shared<BufferAllocator>()), heapLimit(heapBytes) {
  exitOnOutOfMemory(exitStatusOutOfMemory);

  // One thread: a fork copies only the calling thread, and V8 waits for its helpers.
  v8::V8::SetFlagsFromString("--single-threaded");
  // The built-ins' bytecode stays: what a collection throws away here, every sandbox would compile again.
  v8::V8::SetFlagsFromString("--no-flush-bytecode");
  // Of the 8 MiB that confine/resource-limits.cc leaves a process: values of some thousand levels must pass through the
  // recursion of our own serialiser.
  v8::V8::SetFlagsFromString("--stack-size=3072");
  // import source m from "./m.wasm"
  v8::V8::SetFlagsFromString("--js-source-phase-imports");
  for (auto flag : flags)
    v8::V8::SetFlagsFromString(flag.cStr(), flag.size());

  platform = std::make_unique<CompactPlatform>(v8::platform::NewSingleThreadedDefaultPlatform());
  v8::V8::InitializePlatform(platform.get());
  v8::V8::Initialize();

  v8::Isolate::CreateParams params;
  params.array_buffer_allocator_shared = allocator;
  params.constraints.ConfigureDefaultsFromHeapSize(0, heapBytes);
  params.oom_error_callback = onHeapExhausted;
  params.fatal_error_callback = onFatal;
  isolatePtr = v8::Isolate::New(params);
  isolatePtr->SetData(0, this);
  isolatePtr->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolatePtr->SetAllowWasmCodeGenerationCallback(allowWasmCode);
  isolatePtr->SetModifyCodeGenerationFromStringsCallback(allowWhatIsNoCode);
  isolatePtr->SetAllowAtomicsWait(false);
  isolatePtr->SetCaptureStackTraceForUncaughtExceptions(false);
  isolatePtr->AddNearHeapLimitCallback(nearHeapLimit, this);
  isolatePtr->SetPromiseRejectCallback([](v8::PromiseRejectMessage message) {
    from(message.GetPromise()->GetIsolate()).noteRejection(message);
  });

  v8::Isolate::Scope isolateScope(isolatePtr);
  v8::HandleScope handleScope(isolatePtr);
  auto context = v8::Context::New(isolatePtr);
  context->SetErrorMessageForCodeGenerationFromStrings(
      text(isolatePtr, "Code generation from strings disallowed for this context"));
  contextHandle.Reset(isolatePtr, context);
  v8::Context::Scope contextScope(context);
  installMathRandom(isolatePtr, context);
}

Runtime::~Runtime() noexcept(false) {}

void Runtime::afterFork(size_t heapBytes, size_t bufferBytes) {
  heapLimit = heapBytes;
  allocator->setLimit(bufferBytes);
  reseedMathRandom(isolatePtr);
}

void Runtime::forbidCodeGeneration() { context()->AllowCodeGenerationFromStrings(false); }

// The isolate was made in the zygote with the default heap; a sandbox with a larger budget grows into it.
size_t Runtime::nearHeapLimit(void* self, size_t current, size_t) {
  auto& runtime = *static_cast<Runtime*>(self);
  return current < runtime.heapLimit ? runtime.heapLimit : current;
}

namespace {

class StaticText final : public v8::String::ExternalOneByteStringResource {
public:
  explicit StaticText(kj::ArrayPtr<const kj::byte> text) : text(text) {}
  const char* data() const override { return text.asChars().begin(); }
  size_t length() const override { return text.size(); }

private:
  kj::ArrayPtr<const kj::byte> text;
};

// Takes every free chunk below the top of the C heap out of circulation. A sandbox would otherwise place each of its
// small allocations into a hole on a page shared with the zygote, and copy that page; from the top they lie together.
void plugHeap() {
  auto top = static_cast<char*>(sbrk(0));
  // Zero with an allocator that is not the C library's, such as a sanitizer's.
  size_t free = mallinfo2().fordblks;
  for (size_t size = 64 << 10; size >= 16; size /= 2) {
    while (free >= size) {
      auto chunk = static_cast<char*>(malloc(size));
      if (chunk == nullptr) return;
      if (chunk + size + (4 << 10) >= top) {
        ::free(chunk);  // from the top: holes of this size are used up
        break;
      }
      free -= size;
    }
  }
}

}  // namespace

void Runtime::trim() {
  {
    Turn turn(*this);
    isolatePtr->LowMemoryNotification();
  }
  malloc_trim(0);
  plugHeap();
}

void Runtime::runScript(kj::StringPtr name, kj::ArrayPtr<const kj::byte> source) {
  v8::TryCatch tryCatch(isolatePtr);
  v8::ScriptOrigin origin(text(isolatePtr, name));
  auto external =
      v8::String::NewExternalOneByte(isolatePtr, new StaticText(source)).ToLocalChecked();
  v8::ScriptCompiler::Source code(external, origin);
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> value;
  if (v8::ScriptCompiler::Compile(context(), &code, v8::ScriptCompiler::kEagerCompile)
          .ToLocal(&script) &&
      script->Run(context()).ToLocal(&value)) {
    return;
  }
  KJ_FAIL_REQUIRE("a built-in script failed", name, describeUncaught(isolatePtr, tryCatch));
}

void Runtime::noteRejection(v8::PromiseRejectMessage message) {
  auto promise = message.GetPromise();
  switch (message.GetEvent()) {
    case v8::kPromiseRejectWithNoHandler:
      rejections.add(isolatePtr, promise);
      break;
    case v8::kPromiseHandlerAddedAfterReject: {
      bool known = false;
      for (auto& rejection : rejections) {
        if (rejection == promise) {
          rejection.Reset();
          known = true;
        }
      }
      if (!known) handledLate.add(isolatePtr, promise);
      break;
    }
    default:
      break;
  }
}

void Runtime::onStack(StackHook hook) {
  stackHook = kj::mv(hook);
  isolatePtr->SetPrepareStackTraceCallback(
      [](v8::Local<v8::Context> context, v8::Local<v8::Value> error,
         v8::Local<v8::Array> sites) -> v8::MaybeLocal<v8::Value> {
        return KJ_ASSERT_NONNULL(from(context->GetIsolate()).stackHook)(error, sites);
      });
}

void Runtime::runMicrotasks() {
  do {
    isolatePtr->PerformMicrotaskCheckpoint();
  } while (v8::platform::PumpMessageLoop(platform->defaultPlatform(), isolatePtr));
}

void Runtime::drain() {
  runMicrotasks();
  while (!turnEnd.empty()) {
    for (auto& callback : turnEnd.releaseAsArray()) {
      v8::TryCatch tryCatch(isolatePtr);
      callback.Get(isolatePtr)->Call(context(), v8::Undefined(isolatePtr), 0, nullptr).IsEmpty();
    }
    runMicrotasks();
  }

  // A handler attached within the same Turn counts; what is left now is unhandled.
  while (!rejections.empty() || !handledLate.empty()) {
    report(rejections, rejectionHook);
    report(handledLate, handledHook);
    isolatePtr->PerformMicrotaskCheckpoint();
  }
}

void Runtime::report(kj::Vector<v8::Global<v8::Promise>>& noted, kj::Maybe<RejectionHook>& hook) {
  for (auto& global : noted.releaseAsArray()) {
    if (global.IsEmpty()) continue;
    auto promise = global.Get(isolatePtr);
    KJ_IF_MAYBE (listener, hook) (*listener)(promise, promise->Result());
  }
}

Turn::Turn(Runtime& runtime)
    : runtime(runtime),
      isolateScope(runtime.isolatePtr),
      handleScope(runtime.isolatePtr),
      contextScope(runtime.context()) {
  if (++runtime.turnDepth == 1) runtime.platform->showTime(runtime.nextShownMs);
  runtime.nextShownMs = nullptr;
}

Turn::~Turn() {
  if (runtime.turnDepth == 1) {
    // Each turn starts with no async context: what V8 carries along belongs to promise reactions.
    runtime.isolatePtr->SetContinuationPreservedEmbedderData(v8::Undefined(runtime.isolatePtr));
    runtime.drain();
    runtime.isolatePtr->SetContinuationPreservedEmbedderData(v8::Undefined(runtime.isolatePtr));
  }
  --runtime.turnDepth;
}

}  // namespace mayfly::engine
