// What workers and the system tell the operator.
//
// Contract   Each sandbox gets a SandboxLog of its own, which counts what it wrote: a line is cut at
//            MAX_LINE_BYTES, and after MAX_SANDBOX_BYTES one notice says so and the rest is only counted;
//            the count is told when the SandboxLog is destroyed.
// Ownership  A SandboxLog must not outlive its OperatorLog.
// Threads    One: the supervisor's event loop. No method waits, and none throws for bad text.
// Trust      `text` is hostile: it is escaped and framed, so that it can neither forge the line of another
//            worker nor steer a terminal. A label is escaped too.
#pragma once

#include <kj/common.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/time.h>

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "observe/log-sink.h"

namespace mayfly::observe {

constexpr size_t MAX_LINE_BYTES = 16 * 1024;
constexpr size_t MAX_SANDBOX_BYTES = 256 * 1024;

// Same order as schema::LogLevel.
enum class Level : uint8_t { DEBUG, INFO, LOG, WARN, ERROR };

enum class Format : uint8_t {
  TEXT,  // `[worker] warn: text`; each further line of one message begins `[worker] warn| `
  // a request: `mayfly[worker] info: GET /path 200 1.2 ms`, and the outcome if it is not `ok`
  JSON,  // {"time":"2026-11-23T12:00:00.000Z","worker":"…","level":"warn","text":"…"}, one object a line
};

// One line of the request log.
struct RequestLine {
  kj::StringPtr method;
  kj::StringPtr target;  // path and query; hostile like all text, and redacted (redaction.h)
  uint32_t status;       // 0: no answer was sent
  uint64_t durationMicros;
  kj::StringPtr outcome;
};

class SandboxLog {
public:
  virtual ~SandboxLog() noexcept(false) = default;

  // One console message of the sandbox.
  virtual void console(Level level, kj::StringPtr text) = 0;

  // Something the system says about this sandbox, e.g. how it ended. Not counted against its budget.
  virtual void notice(Level level, kj::StringPtr text) = 0;

  // A request that it has answered. Not counted against its budget.
  virtual void request(const RequestLine& line) = 0;
};

class OperatorLog {
public:
  virtual ~OperatorLog() noexcept(false) = default;

  virtual kj::Own<SandboxLog> openSandbox(kj::StringPtr label) = 0;

  // Something the system says about itself. Several lines are framed like those of a worker.
  virtual void system(Level level, kj::StringPtr text) = 0;

  // An OperatorError, in the shape in which the command line prints it (text), or as one object (JSON).
  virtual void report(Level level, const OperatorError& error) = 0;
};

// `sink` and `clock` must outlive the log. The clock is read only for Format::JSON.
kj::Own<OperatorLog> newOperatorLog(LogSink& sink, const kj::Clock& clock, Format format);

}  // namespace mayfly::observe
