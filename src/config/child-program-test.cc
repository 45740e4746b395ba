#include "config/child-program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

struct ChildProgramTest : testing::Test {
  ~ChildProgramTest() noexcept override {}
  kj::AsyncIoContext io = kj::setupAsyncIo();

  kj::Promise<ProgramResult> run(kj::StringPtr script, size_t maxOutputBytes = 1000) {
    return runProgram({.path = kj::str("/bin/sh"),
                       .arguments = kj::arr(kj::str("-c"), kj::str(script)),
                       .environment = kj::arr(kj::str("GREETING=hi")),
                       .workingDirectory = kj::str("/"),
                       .maxOutputBytes = maxOutputBytes},
                      *io.lowLevelProvider, io.unixEventPort);
  }
};

TEST_F(ChildProgramTest, CollectsOutputAndStatus) {
  auto result = run("echo $GREETING; pwd; echo oops >&2; cat; exit 3").wait(io.waitScope);
  EXPECT_STREQ(result.output.cStr(), "hi\n/\noops\n");
  EXPECT_FALSE(result.cut);
  EXPECT_EQ(WEXITSTATUS(result.waitStatus), 3);
}

TEST_F(ChildProgramTest, InheritsNeitherEnvironmentNorDescriptors) {
  setenv("SECRET", "s", 1);
  int leaked = dup(0);
  auto result = run("echo ${SECRET-none}; ls /proc/self/fd | wc -l").wait(io.waitScope);
  close(leaked);
  EXPECT_STREQ(result.output.cStr(), "none\n4\n");  // 0, 1, 2 and the listed directory
}

TEST_F(ChildProgramTest, TooMuchOutputIsCutAndTheProgramGoesOn) {
  auto result = run("i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done; exit 7", 100)
                    .wait(io.waitScope);
  EXPECT_EQ(result.output.size(), 100u);
  EXPECT_TRUE(result.cut);
  EXPECT_EQ(WEXITSTATUS(result.waitStatus), 7);
}

TEST_F(ChildProgramTest, DroppingThePromiseKillsTheProgram) {
  TempDirectory directory;
  auto fifo = directory.path("fifo");
  ASSERT_EQ(mkfifo(fifo.cStr(), 0600), 0);
  auto promise = run(kj::str("echo $$ > ", fifo, "; exec sleep 1000"));
  pid_t pid = 0;
  std::ifstream(fifo.cStr()) >> pid;  // waits for the program to write
  ASSERT_GT(pid, 0);
  EXPECT_EQ(kill(pid, 0), 0);
  promise = nullptr;
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ChildProgramTest, AProgramThatIsNotThereIsAnOperatorError) {
  auto error = errorOf([&] {
    runProgram({.path = kj::str("/no/such/program"), .arguments = nullptr, .environment = nullptr},
               *io.lowLevelProvider, io.unixEventPort)
        .wait(io.waitScope);
  });
  EXPECT_THAT(error, testing::StartsWith("error[process.no-start]: cannot start /no/such/program"));
}

}  // namespace
}  // namespace mayfly::config
