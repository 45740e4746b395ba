#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/io.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "observe/log-sink.h"

namespace mayfly::observe {
namespace {

struct Pipe {
  kj::AutoCloseFd readEnd;
  kj::AutoCloseFd writeEnd;
};

Pipe makePipe() {
  int fds[2];
  KJ_SYSCALL(pipe2(fds, O_CLOEXEC));
  return {kj::AutoCloseFd(fds[0]), kj::AutoCloseFd(fds[1])};
}

std::string readAvailable(int fd) {
  KJ_SYSCALL(fcntl(fd, F_SETFL, O_NONBLOCK));
  std::string result;
  char buffer[65536];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
    result.append(buffer, static_cast<size_t>(n));
  return result;
}

TEST(DescriptorSinkTest, ALineIsThereWhenWriteReturns) {
  auto pipe = makePipe();
  auto sink = newDescriptorSink(pipe.writeEnd);
  sink->write("hello\n");
  EXPECT_EQ(readAvailable(pipe.readEnd), "hello\n");
}

TEST(DescriptorSinkTest, AReaderThatStoppedDoesNotStopTheWriter) {
  auto pipe = makePipe();
  auto sink = newDescriptorSink(pipe.writeEnd);
  std::string line(9'999, 'x');
  line += '\n';
  for (int i = 0; i < 1'000; ++i)
    sink->write(line.c_str());  // 10 MB: far more than pipe and memory hold

  size_t wholeLines = 0;
  std::string said;
  for (int i = 0; i < 100; ++i) {  // reading and writing take turns until the backlog is gone
    said += readAvailable(pipe.readEnd);
    sink->write("tick\n");
    if (said.find("log lines were dropped") != std::string::npos) break;
  }
  said += readAvailable(pipe.readEnd);
  for (size_t at = 0; (at = said.find(line, at)) != std::string::npos; at += line.size())
    ++wholeLines;
  EXPECT_GE(wholeLines, 100u);
  EXPECT_LT(wholeLines, 120u);
  EXPECT_THAT(said, testing::HasSubstr("mayfly warn: " + std::to_string(1'000 - wholeLines) +
                                       " log lines were dropped"));
}

TEST(DescriptorSinkTest, AReaderThatIsGoneIsNoError) {
  signal(SIGPIPE, SIG_IGN);
  auto pipe = makePipe();
  auto sink = newDescriptorSink(pipe.writeEnd);
  pipe.readEnd = nullptr;
  sink->write("one\n");
  sink->write("two\n");
}

}  // namespace
}  // namespace mayfly::observe
