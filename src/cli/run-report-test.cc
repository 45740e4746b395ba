#include "cli/run-report.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/test-report.h"

namespace mayfly::cli {
namespace {

using supervisor::EndReason;

RunError errorOf(EndReason reason) {
  return RunError::from(supervisor::Ending{.reason = reason, .detail = kj::str("x")});
}

TEST(RunReportTest, LimitsAreToldFromFailures) {
  for (auto reason : {EndReason::CPU_LIMIT, EndReason::STARTUP_CPU_LIMIT, EndReason::WALL_LIMIT,
                      EndReason::MEMORY_LIMIT}) {
    EXPECT_TRUE(errorOf(reason).isLimit()) << supervisor::nameOf(reason).cStr();
  }
  for (auto reason :
       {EndReason::VIOLATION, EndReason::CRASHED, EndReason::RETIRED, EndReason::EXITED}) {
    EXPECT_FALSE(errorOf(reason).isLimit()) << supervisor::nameOf(reason).cStr();
  }
}

TEST(RunReportTest, ALimitThatTheSandboxReportsItselfIsALimitToo) {
  capnp::MallocMessageBuilder message;
  auto failure = message.initRoot<schema::Failure>();
  failure.setName("Error");
  failure.setCode("ERR_WALL_LIMIT");
  EXPECT_TRUE(RunError::from(failure.asReader()).isLimit());
}

TEST(RunReportTest, OperatorDetailIsNotPartOfTheError) {
  EXPECT_STREQ(errorOf(EndReason::CPU_LIMIT).message.cStr(), "Worker exceeded CPU time limit.");
}

TEST(RunReportTest, JsonHoldsResultAndLogs) {
  LogCollector logs;
  logs.write("{\"text\":\"one\"}\n");
  logs.write("{\"text\":\"two\"}\n");
  testing::internal::CaptureStdout();
  printJsonResult("[1,2]", logs);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"ok\":true,\"result\":[1,2],\"logs\":[{\"text\":\"one\"},{\"text\":\"two\"}]}\n");
}

TEST(RunReportTest, AMessageCannotSteerATerminal) {
  RunError error = {.name = kj::str("Error"),
                    .message = kj::str("\x1b[2Jgone"),
                    .code = kj::String(),
                    .stack = kj::String()};
  testing::internal::CaptureStderr();
  printError(error);
  EXPECT_EQ(testing::internal::GetCapturedStderr().find('\x1b'), std::string::npos);
}

TEST(RunReportTest, AMessageOfSeveralLinesIsPrintedAsLines) {
  RunError error = {.name = kj::str("Error"),
                    .message = kj::str("one\ntwo\x07"),
                    .code = kj::str("ERR_X"),
                    .stack = kj::str("Error: one\ntwo\x07\n    at m.js:1:1\n    at m.js:2:2")};
  testing::internal::CaptureStderr();
  printError(error);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "Error: one\n"
            "  two\\x07\n"
            "  code   ERR_X\n"
            "      at m.js:1:1\n"
            "      at m.js:2:2\n");
}

TEST(TestReportTest, CountsAndNamesWhatFailed) {
  TestReport report;
  testing::internal::CaptureStdout();
  report.passed("adds", 12 * kj::MILLISECONDS);
  report.failed("divides\nok forged (1 ms)", "Error: no\n  at x");
  report.printSummary();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "ok adds (12 ms)\n"
            "not ok divides\\nok forged (1 ms)\n"
            "    Error: no\n"
            "      at x\n"
            "1 passed, 1 failed\n");
  EXPECT_TRUE(report.anyFailed());
}

}  // namespace
}  // namespace mayfly::cli
