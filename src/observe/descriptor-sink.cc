#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "observe/log-sink.h"

namespace mayfly::observe {
namespace {

constexpr size_t MAX_WAITING_BYTES = 1024 * 1024;
constexpr std::chrono::milliseconds FAREWELL{1000};

// A descriptor that polls writable takes this much without blocking: PIPE_BUF on Linux.
constexpr size_t UNBLOCKING_BYTES = 4096;

class DescriptorSink final : public LogSink {
public:
  explicit DescriptorSink(int descriptor) : fd(descriptor) {}

  ~DescriptorSink() noexcept(false) override {
    auto deadline = std::chrono::steady_clock::now() + FAREWELL;
    while (!waiting.empty() && !broken) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !flushSome(static_cast<int>(left.count()))) break;
    }
  }

  void write(kj::StringPtr line) override {
    while (flushSome(0)) {
    }
    if (droppedLines > 0 && waiting.empty()) {
      waiting += kj::str("mayfly warn: ", droppedLines,
                         " log lines were dropped: nobody read them in time\n")
                     .cStr();
      droppedLines = 0;
    }
    if (waiting.size() + line.size() > MAX_WAITING_BYTES) {
      ++droppedLines;
      return;
    }
    waiting.append(line.begin(), line.size());
    while (flushSome(0)) {
    }
  }

private:
  int fd;
  std::string waiting;
  uint64_t droppedLines = 0;
  bool broken = false;

  // Writes one piece if the descriptor takes it within the time given. False if nothing could be written.
  bool flushSome(int waitMs) {
    if (broken) waiting.clear();
    if (waiting.empty()) return false;
    pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
    if (poll(&entry, 1, waitMs) <= 0 ||
        (entry.revents & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) == 0)
      return false;
    ssize_t written = ::write(fd, waiting.data(), std::min(waiting.size(), UNBLOCKING_BYTES));
    if (written < 0) {
      if (errno != EAGAIN && errno != EINTR) broken = true;  // nobody is left to read
      return false;
    }
    waiting.erase(0, static_cast<size_t>(written));
    return true;
  }
};

}  // namespace

kj::Own<LogSink> newDescriptorSink(int fd) { return kj::heap<DescriptorSink>(fd); }

}  // namespace mayfly::observe
