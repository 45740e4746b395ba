#include "engine/out-of-memory.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/runtime.h"

namespace mayfly::engine {
namespace {

constexpr int STATUS = 77;

// Runs `source` with `dataBytes` of memory beyond what a booted V8 has, and gives the wait status.
int endOf(const char* source, rlim_t dataBytes) {
  pid_t pid = fork();
  if (pid == 0) {
    Runtime runtime(nullptr, 96 << 20, STATUS);
    rlimit limit{dataBytes + (64 << 20), dataBytes + (64 << 20)};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) _exit(1);
    Turn turn(runtime);
    runtime.runScript("test", kj::StringPtr(source).asBytes());
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

void expectOutOfMemory(int status) {
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), STATUS);
}

TEST(OutOfMemoryTest, TheHeapLimit) {
  expectOutOfMemory(endOf("const a = []; for (;;) a.push({ x: [a.length] });", 1024 << 20));
}

TEST(OutOfMemoryTest, TheKernelRefusesV8AnAllocation) {
  for (rlim_t megabytes = 4; megabytes <= 28; megabytes += 4) {
    expectOutOfMemory(endOf("const a = []; for (;;) a.push({ x: [a.length] });", megabytes << 20));
  }
}

TEST(OutOfMemoryTest, OurDefinitionTakesThePlaceOfV8s) {
  Dl_info info{};
  void* found = dlsym(RTLD_DEFAULT, "_ZN2v84base8FatalOOMENS0_7OOMTypeEPKc");
  ASSERT_NE(found, nullptr);
  ASSERT_NE(dladdr(found, &info), 0);
  EXPECT_EQ(std::string(info.dli_fname).find("libnode"), std::string::npos) << info.dli_fname;
}

}  // namespace
}  // namespace mayfly::engine
