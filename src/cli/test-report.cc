#include "cli/test-report.h"

#include <cstdio>

#include "base/text-escape.h"

namespace mayfly::cli {

void TestReport::passed(kj::StringPtr name, kj::Duration time) {
  ++passes;
  printf("ok %s (%llu ms)\n", escapeLine(name).cStr(),
         static_cast<unsigned long long>(time / kj::MILLISECONDS));
  fflush(stdout);
}

void TestReport::failed(kj::StringPtr name, kj::StringPtr explanation) {
  ++failures;
  printf("not ok %s\n", escapeLine(name).cStr());
  auto rest = explanation.asArray();
  while (rest.size() > 0) {
    size_t end = 0;
    while (end < rest.size() && rest[end] != '\n')
      ++end;
    printf("    %s\n", escapeLine(rest.slice(0, end)).cStr());
    rest = rest.slice(kj::min(end + 1, rest.size()), rest.size());
  }
  fflush(stdout);
}

void TestReport::printSummary() const {
  printf("%u passed, %u failed\n", passes, failures);
  fflush(stdout);
}

}  // namespace mayfly::cli
