#include "supervisor/sandbox-connection.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

size_t openDescriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

struct Pair {
  Pair() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    ours = kj::AutoCloseFd(ends[0]);
    theirs = kj::AutoCloseFd(ends[1]);
  }
  kj::AutoCloseFd ours, theirs;
};

// A well-formed message (an empty one-segment `unimplemented`) with a descriptor on its back.
void sendWithDescriptor(int socket) {
  uint64_t words[3] = {0x0000000200000000, 0x0001000000000000, 0};
  iovec part = {.iov_base = words, .iov_len = sizeof words};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int passed = STDERR_FILENO;
  memcpy(CMSG_DATA(header), &passed, sizeof passed);
  ASSERT_EQ(sendmsg(socket, &message, 0), static_cast<ssize_t>(sizeof words));
}

class DescriptorsTest: public testing::TestWithParam<Descriptors> {};

TEST_P(DescriptorsTest, NoneIsEverAcceptedFromASandbox) {
  SupervisorFixture loop;
  Pair pair;
  SandboxConnection connection(*loop.io.lowLevelProvider, kj::mv(pair.ours), GetParam());
  auto before = openDescriptors();
  for (int i = 0; i < 10; ++i) {
    sendWithDescriptor(pair.theirs.get());
    loop.settle();
  }
  EXPECT_EQ(openDescriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(BothKinds, DescriptorsTest, testing::Values(Descriptors::NONE, Descriptors::OUTGOING),
                         [](const auto& info) { return info.param == Descriptors::NONE ? "Plain" : "Sending"; });

TEST(SandboxConnectionTest, ItKnowsGarbageFromAHangUp) {
  SupervisorFixture loop;
  Pair garbage, hangUp;
  SandboxConnection first(*loop.io.lowLevelProvider, kj::mv(garbage.ours), Descriptors::NONE);
  SandboxConnection second(*loop.io.lowLevelProvider, kj::mv(hangUp.ours), Descriptors::NONE);
  char bytes[64];
  memset(bytes, 0xff, sizeof bytes);
  ASSERT_EQ(write(garbage.theirs.get(), bytes, sizeof bytes), static_cast<ssize_t>(sizeof bytes));
  hangUp.theirs = nullptr;
  loop.wait(first.onDisconnect());
  loop.wait(second.onDisconnect());
  EXPECT_FALSE(first.peerHungUp());
  EXPECT_TRUE(second.peerHungUp());
}

}  // namespace
}  // namespace mayfly::supervisor
