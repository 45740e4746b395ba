#include "cli/run-report.h"

#include <cstdio>

#include "base/text-escape.h"

namespace mayfly::cli {
namespace {

constexpr kj::StringPtr INDENT = "  "_kj;

}  // namespace

RunError RunError::from(schema::Failure::Reader failure) {
  auto name = failure.getName();
  return {.name = kj::str(name == "" ? "Error"_kj : kj::StringPtr(name)),
          .message = kj::str(failure.getMessage()),
          .code = kj::str(failure.getCode()),
          .stack = kj::str(failure.getStack())};
}

RunError RunError::from(const supervisor::Ending& ending) {
  auto text = supervisor::textOf(ending.reason);
  return {.name = kj::str("Error"),
          .message = kj::str(text.message),
          .code = kj::str(text.code),
          .stack = kj::String()};
}

bool RunError::isLimit() const {
  for (auto reason : {supervisor::EndReason::CPU_LIMIT, supervisor::EndReason::STARTUP_CPU_LIMIT,
                      supervisor::EndReason::WALL_LIMIT, supervisor::EndReason::MEMORY_LIMIT}) {
    if (code == supervisor::textOf(reason).code) return true;
  }
  return false;
}

void LogCollector::write(kj::StringPtr line) {
  size_t size = line.size();
  while (size > 0 && line[size - 1] == '\n')
    --size;
  lines.add(kj::str(line.slice(0, size)));
}

kj::String LogCollector::toJsonArray() const { return kj::str("[", kj::strArray(lines, ","), "]"); }

void printResult(kj::StringPtr json) { printf("%s\n", json.cStr()); }

void printError(const RunError& error) {
  auto heading = kj::str(error.name, ": ", error.message);
  fprintf(stderr, "%s\n", escapeLines(heading, INDENT).cStr());
  if (error.code != "") fprintf(stderr, "  code   %s\n", escapeLine(error.code).cStr());
  // V8's stacks begin with the name and message again.
  kj::StringPtr stack = error.stack;
  if (stack.startsWith(kj::str(heading, "\n"))) stack = stack.slice(heading.size() + 1);
  if (stack != "") fprintf(stderr, "%s%s\n", INDENT.cStr(), escapeLines(stack, INDENT).cStr());
}

void printJsonResult(kj::StringPtr json, const LogCollector& logs) {
  printf("{\"ok\":true,\"result\":%s,\"logs\":%s}\n", json.cStr(), logs.toJsonArray().cStr());
}

void printJsonError(const RunError& error, const LogCollector& logs) {
  auto code = error.code == "" ? kj::str("null") : quoteJson(error.code);
  auto stack = error.stack == "" ? kj::str("null") : quoteJson(error.stack);
  printf(
      "{\"ok\":false,\"error\":{\"name\":%s,\"message\":%s,\"code\":%s,\"stack\":%s},\"logs\":%s}"
      "\n",
      quoteJson(error.name).cStr(), quoteJson(error.message).cStr(), code.cStr(), stack.cStr(),
      logs.toJsonArray().cStr());
}

}  // namespace mayfly::cli
