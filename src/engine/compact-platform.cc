#include "engine/compact-platform.h"

namespace mayfly::engine {

// Hands out addresses one after the other. They are hints: where something lies already, the kernel finds another place.
class CompactPlatform::CompactPages final : public v8::PageAllocator {
public:
  explicit CompactPages(v8::PageAllocator& inner)
      : inner(inner),
        begin(reinterpret_cast<uintptr_t>(inner.GetRandomMmapAddr()) & ~(REGION - 1)),
        next(begin) {}

  size_t AllocatePageSize() override { return inner.AllocatePageSize(); }
  size_t CommitPageSize() override { return inner.CommitPageSize(); }
  void SetRandomMmapSeed(int64_t seed) override { inner.SetRandomMmapSeed(seed); }

  void* GetRandomMmapAddr() override { return reinterpret_cast<void*>(next); }

  void* AllocatePages(void* hint, size_t length, size_t alignment,
                      Permission permissions) override {
    auto wanted = reinterpret_cast<uintptr_t>(hint);
    // V8 has reasons for addresses of its own, such as code near its built-ins.
    if (wanted < begin || wanted >= begin + REGION) {
      return inner.AllocatePages(hint, length, alignment, permissions);
    }
    uintptr_t at = (next + alignment - 1) & ~(alignment - 1);
    if (at + length > begin + REGION) at = begin;  // once around: the holes of what has been freed
    void* result = inner.AllocatePages(reinterpret_cast<void*>(at), length, alignment, permissions);
    next = at + length;
    return result;
  }

  bool FreePages(void* address, size_t length) override { return inner.FreePages(address, length); }
  bool ReleasePages(void* address, size_t length, size_t newLength) override {
    return inner.ReleasePages(address, length, newLength);
  }
  bool SetPermissions(void* address, size_t length, Permission permissions) override {
    return inner.SetPermissions(address, length, permissions);
  }
  bool RecommitPages(void* address, size_t length, Permission permissions) override {
    return inner.RecommitPages(address, length, permissions);
  }
  bool DiscardSystemPages(void* address, size_t size) override {
    return inner.DiscardSystemPages(address, size);
  }
  bool DecommitPages(void* address, size_t size) override {
    return inner.DecommitPages(address, size);
  }
  bool SealPages(void* address, size_t length) override { return inner.SealPages(address, length); }

private:
  static constexpr uintptr_t REGION = uintptr_t(64) << 30;
  v8::PageAllocator& inner;
  const uintptr_t begin;
  uintptr_t next;
};

CompactPlatform::CompactPlatform(std::unique_ptr<v8::Platform> given)
    : inner(std::move(given)), pages(std::make_unique<CompactPages>(*inner->GetPageAllocator())) {}

CompactPlatform::~CompactPlatform() = default;

v8::PageAllocator* CompactPlatform::GetPageAllocator() { return pages.get(); }
// Forwarded, or V8's protection keys for JIT pages would be lost where the processor has them.
v8::ThreadIsolatedAllocator* CompactPlatform::GetThreadIsolatedAllocator() {
  return inner->GetThreadIsolatedAllocator();
}
void CompactPlatform::OnCriticalMemoryPressure() { inner->OnCriticalMemoryPressure(); }
int CompactPlatform::NumberOfWorkerThreads() { return inner->NumberOfWorkerThreads(); }
std::shared_ptr<v8::TaskRunner> CompactPlatform::GetForegroundTaskRunner(
    v8::Isolate* isolate, v8::TaskPriority priority) {
  return inner->GetForegroundTaskRunner(isolate, priority);
}
bool CompactPlatform::IdleTasksEnabled(v8::Isolate* isolate) {
  return inner->IdleTasksEnabled(isolate);
}
std::unique_ptr<v8::ScopedBlockingCall> CompactPlatform::CreateBlockingScope(
    v8::BlockingType type) {
  return inner->CreateBlockingScope(type);
}
double CompactPlatform::MonotonicallyIncreasingTime() {
  return inner->MonotonicallyIncreasingTime();
}
double CompactPlatform::CurrentClockTimeMillis() {
  if (clockStopped) return 0;
  KJ_IF_MAYBE (shown, frozenMs) return *shown;
  return inner->CurrentClockTimeMillis();
}
void CompactPlatform::freezeClock() { frozenMs = inner->CurrentClockTimeMillis(); }
void CompactPlatform::showTime(kj::Maybe<double> ms) {
  KJ_IF_MAYBE (shown, frozenMs) {
    double next = 0;
    KJ_IF_MAYBE (given, ms) {
      next = *given;
    } else {
      next = inner->CurrentClockTimeMillis();
    }
    if (next > *shown) *shown = next;
  }
}
v8::Platform::StackTracePrinter CompactPlatform::GetStackTracePrinter() {
  return inner->GetStackTracePrinter();
}
v8::TracingController* CompactPlatform::GetTracingController() {
  return inner->GetTracingController();
}

std::unique_ptr<v8::JobHandle> CompactPlatform::CreateJobImpl(v8::TaskPriority priority,
                                                              std::unique_ptr<v8::JobTask> task,
                                                              const v8::SourceLocation& location) {
  return inner->CreateJob(priority, std::move(task), location);
}
void CompactPlatform::PostTaskOnWorkerThreadImpl(v8::TaskPriority priority,
                                                 std::unique_ptr<v8::Task> task,
                                                 const v8::SourceLocation& location) {
  inner->PostTaskOnWorkerThread(priority, std::move(task), location);
}
void CompactPlatform::PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority priority,
                                                        std::unique_ptr<v8::Task> task,
                                                        double delaySeconds,
                                                        const v8::SourceLocation& location) {
  inner->PostDelayedTaskOnWorkerThread(priority, std::move(task), delaySeconds, location);
}

}  // namespace mayfly::engine
