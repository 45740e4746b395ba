#include "cli/command-line.h"

#include <gtest/gtest.h>

#include "cli/exit-codes.h"
#include "cli/suggestion.h"

namespace mayfly::cli {
namespace {

Command parse(std::vector<const char*> words) {
  words.insert(words.begin(), "mayfly");
  return parseCommandLine(static_cast<int>(words.size()), words.data());
}

int statusOf(const Command& command) {
  auto* exit = std::get_if<ExitNow>(&command);
  return exit == nullptr ? -1 : exit->status;
}

TEST(CommandLineTest, RunTakesItsOptionsInAnyOrder) {
  auto command =
      parse({"run", "--cpu-ms", "50", "a.js", "--args", "[1]", "--json", "--call", "total"});
  auto& run = std::get<RunOptions>(command);
  EXPECT_EQ(run.file, "a.js");
  EXPECT_EQ(run.cpuMs, 50u);
  EXPECT_EQ(run.args, "[1]");
  EXPECT_EQ(run.call, "total");
  EXPECT_TRUE(run.json);
}

TEST(CommandLineTest, ServeNeedsNoWords) {
  auto command = parse({"serve"});
  auto& serve = std::get<ServeOptions>(command);
  EXPECT_EQ(serve.config, ".");
  EXPECT_EQ(serve.listen, std::nullopt);
}

TEST(CommandLineTest, AnEmptyAddressIsNotTheDefaultOne) {
  auto command = parse({"serve", "--listen", ""});
  EXPECT_EQ(std::get<ServeOptions>(command).listen, "");
}

TEST(CommandLineTest, TestTakesSeveralFiles) {
  auto command = parse({"test", "a.ts", "b.ts", "--filter", "^x"});
  auto& test = std::get<TestOptions>(command);
  EXPECT_EQ(test.targets, (std::vector<std::string>{"a.ts", "b.ts"}));
  EXPECT_EQ(test.filter, "^x");
}

TEST(CommandLineTest, MistakesAreUsageErrors) {
  EXPECT_EQ(statusOf(parse({"run"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({"run", "a.js", "--cpu-ms", "0"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({"run", "a.js", "--cpu-ms", "many"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({"run", "a.js", "--memory-mb", "1"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({"run", "a.js", "b.js"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({"serve", "--nonsense"})), EXIT_USAGE);
  EXPECT_EQ(statusOf(parse({})), EXIT_USAGE);
}

TEST(CommandLineTest, AnUnknownCommandIsAnsweredWithTheOneThatWasMeant) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(statusOf(parse({"sreve"})), EXIT_USAGE);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("`mayfly serve`"), std::string::npos);
}

TEST(CommandLineTest, HelpNamesEveryOptionAndExitStatus) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(statusOf(parse({"run", "--help"})), EXIT_OK);
  auto help = testing::internal::GetCapturedStdout();
  for (auto word : {"--call", "--args", "--env", "--cpu-ms", "--memory-mb", "--profile", "--json",
                    "Examples:", "Exit status:"}) {
    EXPECT_NE(help.find(word), std::string::npos) << word;
  }
}

TEST(CommandLineTest, VersionIsOneLine) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(statusOf(parse({"version"})), EXIT_OK);
  EXPECT_EQ(testing::internal::GetCapturedStdout().find("mayfly "), 0u);
}

TEST(SuggestionTest, FindsWhatWasMeantAndNothingElse) {
  EXPECT_EQ(findSimilar("tset", {"serve", "run", "test"}), "test");
  EXPECT_EQ(findSimilar("rum", {"serve", "run", "test"}), "run");
  EXPECT_EQ(findSimilar("deploy", {"serve", "run", "test"}), std::nullopt);
}

}  // namespace
}  // namespace mayfly::cli
