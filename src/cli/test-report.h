// The lines of `mayfly test`, and the count behind them.
//
// Trust      Names and messages were written by the programs under test: they are escaped.
#pragma once

#include <kj/string.h>
#include <kj/time.h>

namespace mayfly::cli {

class TestReport final {
public:
  // `ok NAME (12 ms)`
  void passed(kj::StringPtr name, kj::Duration time);

  // `not ok NAME` and the indented explanation, which may have several lines.
  void failed(kj::StringPtr name, kj::StringPtr explanation);

  // `N passed, N failed`
  void printSummary() const;

  bool anyFailed() const { return failures > 0; }

private:
  unsigned passes = 0;
  unsigned failures = 0;
};

}  // namespace mayfly::cli
