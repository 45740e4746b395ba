// V8's platform, with two answers of our own: where memory lies, and what time it is.
//
// V8 asks for each 256 KiB chunk of its heap at a random address. Every chunk then has page tables of its own, 12 KiB of
// them, and every fork copies them. Here the chunks lie one after the other, in a region that is random once per zygote.
//
// Ownership  Wraps the default platform and owns it. Lives as long as the process.
// Threads    One.
#pragma once

#include <kj/common.h>
#include <v8-platform.h>

#include <cstdint>
#include <memory>

namespace mayfly::engine {

class CompactPlatform final : public v8::Platform {
public:
  explicit CompactPlatform(std::unique_ptr<v8::Platform> inner);
  ~CompactPlatform() override;

  // The default platform underneath: what v8::platform::PumpMessageLoop wants.
  v8::Platform* defaultPlatform() { return inner.get(); }

  // While stopped, Date reads the epoch: there is no time while a program's modules are being evaluated. Returns what
  // was before.
  bool stopClock(bool stopped) {
    bool before = clockStopped;
    clockStopped = stopped;
    return before;
  }

  // Once frozen, Date reads the time that was shown last, and only showTime() moves it: to `ms`, or to now. It never
  // moves back.
  void freezeClock();
  bool clockFrozen() const { return frozenMs != nullptr; }
  void showTime(kj::Maybe<double> ms);

  v8::PageAllocator* GetPageAllocator() override;
  v8::ThreadIsolatedAllocator* GetThreadIsolatedAllocator() override;
  void OnCriticalMemoryPressure() override;
  int NumberOfWorkerThreads() override;
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate* isolate,
                                                          v8::TaskPriority priority) override;
  bool IdleTasksEnabled(v8::Isolate* isolate) override;
  std::unique_ptr<v8::ScopedBlockingCall> CreateBlockingScope(v8::BlockingType type) override;
  double MonotonicallyIncreasingTime() override;
  double CurrentClockTimeMillis() override;
  StackTracePrinter GetStackTracePrinter() override;
  v8::TracingController* GetTracingController() override;

protected:
  std::unique_ptr<v8::JobHandle> CreateJobImpl(v8::TaskPriority priority,
                                               std::unique_ptr<v8::JobTask> task,
                                               const v8::SourceLocation& location) override;
  void PostTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                  const v8::SourceLocation& location) override;
  void PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                         double delaySeconds,
                                         const v8::SourceLocation& location) override;

private:
  class CompactPages;
  std::unique_ptr<v8::Platform> inner;
  std::unique_ptr<CompactPages> pages;
  bool clockStopped = false;
  kj::Maybe<double> frozenMs;
};

}  // namespace mayfly::engine
