#include "observe/operator-log.h"

#include <kj/vector.h>
#include <time.h>

#include <cstdio>

#include "base/text-escape.h"
#include "observe/redaction.h"

namespace mayfly::observe {
namespace {

constexpr size_t MAX_LABEL_BYTES = 128;
constexpr size_t MAX_METHOD_BYTES = 32;
constexpr size_t MAX_TARGET_BYTES = 2048;

kj::StringPtr nameOf(Level level) {
  switch (level) {
    case Level::DEBUG:
      return "debug"_kj;
    case Level::INFO:
      return "info"_kj;
    case Level::LOG:
      return "log"_kj;
    case Level::WARN:
      return "warn"_kj;
    case Level::ERROR:
      return "error"_kj;
  }
  return "log"_kj;  // a number from the wire that names no level
}

// The longest prefix of at most `maxBytes` that does not cut a UTF-8 sequence.
kj::ArrayPtr<const char> prefixOf(kj::ArrayPtr<const char> text, size_t maxBytes) {
  if (text.size() <= maxBytes) return text;
  size_t end = maxBytes;
  while (end > 0 && maxBytes - end < 3 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.slice(0, end);
}

// A label without brackets, so that it cannot pretend to end early.
kj::String safeLabel(kj::StringPtr label) {
  auto escaped = escapeLine(prefixOf(label.asArray(), MAX_LABEL_BYTES));
  for (char& c : escaped) {
    if (c == '[') c = '(';
    if (c == ']') c = ')';
  }
  return escaped;
}

kj::String formatTime(kj::Date date) {
  int64_t millis = (date - kj::UNIX_EPOCH) / kj::MILLISECONDS;
  time_t seconds = static_cast<time_t>(millis / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[64];
  snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
           parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
           static_cast<int>(millis % 1000));
  return kj::heapString(buffer);
}

// `prefix level: first line`, then `prefix level| next line`, …
kj::String frame(kj::StringPtr prefix, Level level, kj::ArrayPtr<const char> text) {
  kj::Vector<char> out(text.size() + prefix.size() + 16);
  char mark = ':';
  size_t start = 0;
  for (;;) {
    size_t end = start;
    while (end < text.size() && text[end] != '\n')
      ++end;
    out.addAll(prefix);
    out.add(' ');
    out.addAll(nameOf(level));
    out.add(mark);
    out.add(' ');
    out.addAll(escapeLine(text.slice(start, end)));
    out.add('\n');
    if (end == text.size()) break;
    start = end + 1;
    mark = '|';
  }
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

class Formatter {
public:
  Formatter(const kj::Clock& clockToRead, Format chosen) : clock(clockToRead), format(chosen) {}

  kj::String console(kj::StringPtr label, Level level, kj::ArrayPtr<const char> text) const {
    if (format == Format::TEXT) return frame(kj::str('[', label, ']'), level, text);
    return kj::str(jsonHead("console"_kj, level), ",\"worker\":", quoteJson(label),
                   ",\"text\":", quoteJson(text), "}\n");
  }

  kj::String notice(kj::StringPtr label, Level level, kj::StringPtr text) const {
    if (format == Format::TEXT) return frame(kj::str("mayfly[", label, ']'), level, text);
    return kj::str(jsonHead("system"_kj, level), ",\"worker\":", quoteJson(label),
                   ",\"text\":", quoteJson(text), "}\n");
  }

  kj::String request(kj::StringPtr label, const RequestLine& line) const {
    auto method = prefixOf(line.method.asArray(), MAX_METHOD_BYTES);
    auto target = redactUrl(prefixOf(line.target.asArray(), MAX_TARGET_BYTES));
    auto level = line.status >= 500 || line.status == 0 ? Level::WARN : Level::INFO;
    auto millis = static_cast<double>(line.durationMicros / 100) / 10;
    if (format == Format::TEXT) {
      bool ok = line.outcome == "ok";
      auto status = line.status == 0 ? kj::str("-") : kj::str(line.status);
      return frame(kj::str("mayfly[", label, ']'), level,
                   escapeLine(kj::str(method, ' ', target, ' ', status, ' ', millis, " ms",
                                      ok ? "" : " ", ok ? ""_kj : line.outcome)));
    }
    return kj::str(jsonHead("request"_kj, level), ",\"worker\":", quoteJson(label),
                   ",\"method\":", quoteJson(method), ",\"path\":", quoteJson(target),
                   ",\"status\":", line.status, ",\"durationMs\":", millis,
                   ",\"outcome\":", quoteJson(line.outcome), "}\n");
  }

  kj::String system(Level level, kj::StringPtr text) const {
    if (format == Format::TEXT) return frame("mayfly"_kj, level, text);
    return kj::str(jsonHead("system"_kj, level), ",\"text\":", quoteJson(text), "}\n");
  }

  kj::String report(Level level, const OperatorError& error) const {
    if (format == Format::TEXT) {
      return kj::str(error.render(level == Level::WARN ? "warning"_kj : nameOf(level)), '\n');
    }
    return kj::str(jsonHead("system"_kj, level), ",\"code\":", quoteJson(error.code),
                   ",\"text\":", quoteJson(error.what), ",\"where\":", quoteJson(error.where),
                   ",\"why\":", quoteJson(error.why), ",\"fix\":", quoteJson(error.fix), "}\n");
  }

private:
  const kj::Clock& clock;
  Format format;

  kj::String jsonHead(kj::StringPtr source, Level level) const {
    return kj::str("{\"time\":\"", formatTime(clock.now()), "\",\"source\":\"", source,
                   "\",\"level\":\"", nameOf(level), '"');
  }
};

class BudgetedSandboxLog final : public SandboxLog {
public:
  BudgetedSandboxLog(LogSink& target, const Formatter& shape, kj::StringPtr name)
      : sink(target), formatter(shape), label(safeLabel(name)) {}

  ~BudgetedSandboxLog() noexcept(false) override {
    if (cutMessages > 0) {
      notice(Level::WARN, kj::str(cutMessages, " further console messages were not written"));
    }
  }

  void console(Level level, kj::StringPtr text) override {
    if (cutMessages > 0) {
      ++cutMessages;
      return;
    }
    auto kept = prefixOf(text.asArray(), MAX_LINE_BYTES);
    kj::String line;
    if (kept.size() < text.size()) {
      auto marked = kj::str(kept, "… (", text.size() - kept.size(), " bytes cut)");
      line = formatter.console(label, level, marked);
    } else {
      line = formatter.console(label, level, kept);
    }
    // What is written is what is counted: escapes and frames must not multiply a budget.
    if (line.size() > MAX_SANDBOX_BYTES - writtenBytes) {
      cutMessages = 1;
      notice(Level::WARN, kj::str("console output stops here: the budget of ",
                                  MAX_SANDBOX_BYTES / 1024, " KiB for one sandbox is spent"));
      return;
    }
    writtenBytes += line.size();
    sink.write(line);
  }

  void notice(Level level, kj::StringPtr text) override {
    sink.write(formatter.notice(label, level, text));
  }

  void request(const RequestLine& line) override { sink.write(formatter.request(label, line)); }

private:
  LogSink& sink;
  const Formatter& formatter;
  kj::String label;
  size_t writtenBytes = 0;
  uint64_t cutMessages = 0;
};

class SinkLog final : public OperatorLog {
public:
  SinkLog(LogSink& target, const kj::Clock& clock, Format format)
      : sink(target), formatter(clock, format) {}

  kj::Own<SandboxLog> openSandbox(kj::StringPtr label) override {
    return kj::heap<BudgetedSandboxLog>(sink, formatter, label);
  }

  void system(Level level, kj::StringPtr text) override {
    sink.write(formatter.system(level, text));
  }

  void report(Level level, const OperatorError& error) override {
    sink.write(formatter.report(level, error));
  }

private:
  LogSink& sink;
  Formatter formatter;
};

}  // namespace

kj::Own<OperatorLog> newOperatorLog(LogSink& sink, const kj::Clock& clock, Format format) {
  return kj::heap<SinkLog>(sink, clock, format);
}

}  // namespace mayfly::observe
