#include "observe/operator-log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mayfly::observe {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class MemorySink final : public LogSink {
public:
  std::vector<std::string> lines;
  void write(kj::StringPtr line) override { lines.emplace_back(line.begin(), line.size()); }
};

class StoppedClock final : public kj::Clock {
public:
  kj::Date now() const override { return kj::UNIX_EPOCH + 1'795'435'200'123 * kj::MILLISECONDS; }
};

struct LogTest : testing::Test {
  ~LogTest() noexcept override {}

  MemorySink sink;
  StoppedClock clock;
  kj::Own<OperatorLog> log = newOperatorLog(sink, clock, Format::TEXT);
};

TEST_F(LogTest, AConsoleMessageIsOneLineWithItsWorkerAndLevel) {
  log->openSandbox("report")->console(Level::WARN, "low on ink");
  EXPECT_THAT(sink.lines, ElementsAre("[report] warn: low on ink\n"));
}

TEST_F(LogTest, LaterLinesOfAMessageCannotLookLikeMessagesOfTheirOwn) {
  log->openSandbox("report")->console(Level::LOG, "one\n[bank] error: two\n");
  EXPECT_THAT(sink.lines,
              ElementsAre("[report] log: one\n[report] log| [bank] error: two\n[report] log| \n"));
}

TEST_F(LogTest, TerminalEscapesAndCarriageReturnsAreShownNotObeyed) {
  log->openSandbox("a")->console(Level::ERROR, "\x1b[2J\r[b] log: hi");
  EXPECT_THAT(sink.lines, ElementsAre("[a] error: \\x1b[2J\\r[b] log: hi\n"));
}

TEST_F(LogTest, ALabelCannotEndItsBracketEarly) {
  log->openSandbox("x] error: boo\n[y")->console(Level::LOG, "t");
  EXPECT_THAT(sink.lines, ElementsAre("[x) error: boo\\n(y] log: t\n"));
}

TEST_F(LogTest, ARequestIsOneLineWithWhatBecameOfIt) {
  auto app = log->openSandbox("app");
  app->request({.method = "GET",
                .target = "/a?b=1",
                .status = 200,
                .durationMicros = 1'234,
                .outcome = "ok"});
  app->request({.method = "POST",
                .target = "/pay/4111111111111111",
                .status = 0,
                .durationMicros = 5,
                .outcome = "canceled"});
  EXPECT_THAT(sink.lines, ElementsAre("mayfly[app] info: GET /a?b=1 200 1.2 ms\n",
                                      "mayfly[app] warn: POST /pay/REDACTED - 0 ms canceled\n"));
}

TEST_F(LogTest, ARequestLineIsCutAndEscaped) {
  auto app = log->openSandbox("app");
  auto longPath = kj::str("/", kj::strArray(kj::repeat('x', 5'000), ""));
  app->request({.method = "GET\n[b] log: hi",
                .target = "/\x1b[2J",
                .status = 200,
                .durationMicros = 0,
                .outcome = "ok"});
  app->request(
      {.method = "GET", .target = longPath, .status = 200, .durationMicros = 0, .outcome = "ok"});
  EXPECT_EQ(sink.lines[0], "mayfly[app] info: GET\\n[b] log: hi /\\x1b[2J 200 0 ms\n");
  EXPECT_LT(sink.lines[1].size(), 2'200u);
}

TEST_F(LogTest, ARequestAsJson) {
  auto json = newOperatorLog(sink, clock, Format::JSON);
  json->openSandbox("app")->request({.method = "GET",
                                     .target = "/",
                                     .status = 500,
                                     .durationMicros = 2'500,
                                     .outcome = "exception"});
  auto line = nlohmann::json::parse(sink.lines[0]);
  EXPECT_EQ(line["source"], "request");
  EXPECT_EQ(line["worker"], "app");
  EXPECT_EQ(line["path"], "/");
  EXPECT_EQ(line["status"], 500);
  EXPECT_EQ(line["durationMs"], 2.5);
  EXPECT_EQ(line["outcome"], "exception");
}

TEST_F(LogTest, WhatTheSystemSaysLooksDifferentFromAnythingAWorkerCanSay) {
  log->openSandbox("a")->notice(Level::WARN, "killed");
  log->system(Level::INFO, "ready");
  EXPECT_THAT(sink.lines, ElementsAre("mayfly[a] warn: killed\n", "mayfly info: ready\n"));
}

TEST_F(LogTest, ALongMessageIsCutBetweenCharacters) {
  std::string text(MAX_LINE_BYTES - 1, 'x');
  text += "é and more";
  log->openSandbox("a")->console(Level::LOG, text.c_str());
  ASSERT_EQ(sink.lines.size(), 1u);
  EXPECT_THAT(sink.lines[0], EndsWith("xxx… (11 bytes cut)\n"));
}

TEST_F(LogTest, ASandboxThatSpentItsBudgetIsSilencedOnceAndCounted) {
  auto sandbox = log->openSandbox("flood");
  std::string text(1000, 'x');
  for (int i = 0; i < 1000; ++i)
    sandbox->console(Level::LOG, text.c_str());
  size_t consoleBytes = 0;
  for (size_t i = 0; i + 1 < sink.lines.size(); ++i)
    consoleBytes += sink.lines[i].size();
  EXPECT_LE(consoleBytes, MAX_SANDBOX_BYTES);
  EXPECT_GT(consoleBytes, MAX_SANDBOX_BYTES - 1100);
  EXPECT_THAT(sink.lines.back(), HasSubstr("console output stops here"));
  size_t written = sink.lines.size() - 1;
  sandbox = nullptr;
  EXPECT_EQ(sink.lines.back(), "mayfly[flood] warn: " + std::to_string(1000 - written) +
                                   " further console messages were not written\n");
}

TEST_F(LogTest, FramesOfEmptyLinesCountAgainstTheBudgetToo) {
  auto sandbox = log->openSandbox("flood");
  std::string newlines(MAX_LINE_BYTES, '\n');
  for (int i = 0; i < 100; ++i)
    sandbox->console(Level::LOG, newlines.c_str());
  size_t bytes = 0;
  for (auto& line : sink.lines)
    bytes += line.size();
  EXPECT_LE(bytes, MAX_SANDBOX_BYTES + 500);
}

TEST_F(LogTest, OneSandboxDoesNotSpendTheBudgetOfAnother) {
  auto first = log->openSandbox("first");
  auto second = log->openSandbox("second");
  std::string text(10'000, 'x');
  for (int i = 0; i < 100; ++i)
    first->console(Level::LOG, text.c_str());
  second->console(Level::LOG, "here");
  EXPECT_EQ(sink.lines.back(), "[second] log: here\n");
}

TEST_F(LogTest, AnOperatorErrorKeepsItsShape) {
  log->report(Level::WARN, {.code = kj::str("a.b"), .what = kj::str("c"), .fix = kj::str("d")});
  EXPECT_THAT(sink.lines, ElementsAre("warning[a.b]: c\n  fix    d\n"));
}

TEST_F(LogTest, JsonIsOneObjectALineWhateverTheText) {
  log = newOperatorLog(sink, clock, Format::JSON);
  log->openSandbox("w\"]")->console(Level::DEBUG, "a\n{\"level\":\"error\"}\xff\xe2\x80\xa8");
  ASSERT_EQ(sink.lines.size(), 1u);
  EXPECT_EQ(sink.lines[0].find('\n'), sink.lines[0].size() - 1);
  auto parsed = nlohmann::json::parse(sink.lines[0]);
  EXPECT_EQ(parsed["time"], "2026-11-23T12:00:00.123Z");
  EXPECT_EQ(parsed["source"], "console");
  EXPECT_EQ(parsed["worker"], "w\")");
  EXPECT_EQ(parsed["level"], "debug");
  EXPECT_EQ(parsed["text"], "a\n{\"level\":\"error\"}\xef\xbf\xbd\xe2\x80\xa8");
}

}  // namespace
}  // namespace mayfly::observe
