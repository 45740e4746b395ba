// What `mayfly run` prints.
//
// Trust      Results, messages and log lines are guest text. Results are JSON already and pass through; everything
//            else is escaped for terminals, or quoted as JSON.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "observe/log-sink.h"
#include "schema/worker.capnp.h"
#include "supervisor/ending.h"

namespace mayfly::cli {

struct RunError {
  kj::String name;
  kj::String message;
  kj::String code;
  kj::String stack;

  static RunError from(schema::Failure::Reader failure);
  static RunError from(const supervisor::Ending& ending);

  // Whether a limit was hit: by the sandbox's own account or by the supervisor's.
  bool isLimit() const;
};

// Keeps what the program logs, one JSON object a line, for the `logs` of the report.
class LogCollector final : public observe::LogSink {
public:
  void write(kj::StringPtr line) override;
  kj::String toJsonArray() const;

private:
  kj::Vector<kj::String> lines;
};

void printResult(kj::StringPtr json);
void printError(const RunError& error);
void printJsonResult(kj::StringPtr json, const LogCollector& logs);
void printJsonError(const RunError& error, const LogCollector& logs);

}  // namespace mayfly::cli
