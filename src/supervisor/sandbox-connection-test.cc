#include "supervisor/sandbox-connection.h"

#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <dirent.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/fake-zygote.h"

namespace mayfly::supervisor {
namespace {

size_t openDescriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr)
    ++count;
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

// A well-formed message with a descriptor on its back.
void sendWithDescriptor(int socket, uint32_t question) {
  capnp::MallocMessageBuilder builder;
  builder.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(question);
  auto words = capnp::messageToFlatArray(builder);
  auto bytes = words.asBytes();
  iovec part = {.iov_base = bytes.begin(), .iov_len = bytes.size()};
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
  ASSERT_EQ(sendmsg(socket, &message, 0), static_cast<ssize_t>(bytes.size()));
}

class DescriptorsTest : public testing::TestWithParam<Descriptors> {};

TEST_P(DescriptorsTest, NoneIsEverAcceptedFromASandbox) {
  SupervisorFixture loop;
  Pair pair;
  SandboxConnection connection(*loop.io.lowLevelProvider, kj::mv(pair.ours), GetParam());
  auto asked = connection.bootstrap();  // a client reads only once it has asked for something
  loop.settle();
  auto before = openDescriptors();
  for (uint32_t question = 0; question < 10; ++question) {
    sendWithDescriptor(pair.theirs.get(), question);
    loop.settle();
  }
  EXPECT_EQ(openDescriptors(), before);
  // All of it was read: nothing waits in the sender's buffer.
  int unread = -1;
  ASSERT_EQ(ioctl(pair.theirs.get(), SIOCOUTQ, &unread), 0);
  EXPECT_EQ(unread, 0);
}

INSTANTIATE_TEST_SUITE_P(BothKinds, DescriptorsTest,
                         testing::Values(Descriptors::NONE, Descriptors::OUTGOING),
                         [](const auto& info) {
                           return info.param == Descriptors::NONE ? "Plain" : "Sending";
                         });

TEST(SandboxConnectionTest, ItKnowsGarbageFromAHangUp) {
  SupervisorFixture loop;
  Pair garbage, hangUp;
  SandboxConnection first(*loop.io.lowLevelProvider, kj::mv(garbage.ours), Descriptors::NONE);
  SandboxConnection second(*loop.io.lowLevelProvider, kj::mv(hangUp.ours), Descriptors::NONE);
  auto askedFirst = first.bootstrap();
  auto askedSecond = second.bootstrap();
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
