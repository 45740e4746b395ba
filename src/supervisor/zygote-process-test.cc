// A real zygote, started as `mayfly` starts it. MAYFLY_ZYGOTE names the program.
#include "supervisor/zygote-process.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "supervisor/wall-evidence.h"
#include "supervisor/zygote-launch.h"
#include "zygote/canary.h"

namespace mayfly::supervisor {
namespace {

constexpr int PATIENCE_MS = 20'000;

kj::String zygoteProgram() {
  const char* path = getenv("MAYFLY_ZYGOTE");
  KJ_REQUIRE(path != nullptr, "set MAYFLY_ZYGOTE to the path of mayfly-zygote");
  return kj::str(path);
}

struct Pair {
  kj::AutoCloseFd ours, theirs;
  Pair() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    ours = kj::AutoCloseFd(ends[0]);
    theirs = kj::AutoCloseFd(ends[1]);
  }
};

// A sandbox and the sockets that keep it waiting for its supervisor and its loader.
struct Sandbox {
  Pair host, loader;
  Zygote::Child child;
};

struct Loop {
  kj::AsyncIoContext io = kj::setupAsyncIo();

  kj::Own<Zygote> start() {
    return startZygote(io.unixEventPort, *io.lowLevelProvider,
                       {.binary = zygoteProgram(), .label = "standard"})
        .wait(io.waitScope);
  }
  static zygote::ForkOrder order() {
    zygote::ForkOrder order;
    order.memoryBytes = 64 << 20;
    order.cpuSeconds = 10;
    return order;
  }
  Sandbox fork(Zygote& zygote) {
    Pair host, loader;
    auto child =
        zygote.fork(order(), kj::mv(host.theirs), kj::mv(loader.theirs)).wait(io.waitScope);
    return {kj::mv(host), kj::mv(loader), kj::mv(child)};
  }
};

bool becomesReadable(int fd) {
  pollfd waiting = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, PATIENCE_MS) == 1;
}

kj::AutoCloseFd openPid(pid_t pid) {
  int fd;
  KJ_SYSCALL(fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return kj::AutoCloseFd(fd);
}

void killProcess(int pidfd) {
  KJ_SYSCALL(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0));
}

// The sandbox of a fresh fork closes what it must and makes its event loop before it seals itself; until then there
// is nothing to examine. Both filters in force are the sign that it has.
bool untilSealed(pid_t pid) {
  auto path = kj::str("/proc/", pid, "/status");
  for (int attempt = 0; attempt < 100'000; ++attempt) {
    FILE* file = fopen(path.cStr(), "re");
    if (file == nullptr) return false;
    char line[256];
    int filters = 0;
    while (fgets(line, sizeof line, file) != nullptr)
      sscanf(line, "Seccomp_filters: %d", &filters);
    fclose(file);
    if (filters >= 2) return true;
    sched_yield();
  }
  return false;
}

TEST(ZygoteProcessTest, EveryWallStandsWhenItIsReady) {
  Loop loop;
  auto zygote = loop.start();
  for (int layer = 0; layer < static_cast<int>(zygote::Layer::COUNT); ++layer) {
    EXPECT_EQ(zygote->report().layers[layer], zygote::LayerState::ACTIVE) << "layer " << layer;
  }
  EXPECT_GT(zygote->report().baseDataBytes, 1u << 20);
  EXPECT_STREQ(zygote->report().profile, "standard");
}

TEST(ZygoteProcessTest, EveryCanaryEndsAsItShould) {
  Loop loop;
  auto zygote = loop.start();
  ASSERT_EQ(zygote->canaries().size(), zygote::CANARY_COUNT);
  for (auto& result : zygote->canaries()) {
    auto& species = zygote::CANARIES[result.species];
    EXPECT_TRUE(zygote::endedAsExpected(species, result.waitStatus))
        << species.name << ": " << result.waitStatus;
  }
}

TEST(ZygoteProcessTest, ALiveSandboxEarnsTheBestGrade) {
  Loop loop;
  auto zygote = loop.start();
  auto sandbox = loop.fork(*zygote);
  ASSERT_TRUE(untilSealed(sandbox.child.pid));
  auto evidence = collectWallEvidence(*zygote, sandbox.child.pid);
  for (auto& wall : evidence.walls) {
    EXPECT_EQ(wall.state, zygote::LayerState::ACTIVE)
        << wall.name.cStr() << ": " << wall.evidence.cStr();
    EXPECT_EQ(strpbrk(wall.evidence.cStr(), "\t\n"), nullptr) << wall.name.cStr();
  }
  EXPECT_EQ(evidence.grade, Grade::A);
}

TEST(ZygoteProcessTest, AKilledSandboxIsReportedAsKilled) {
  Loop loop;
  auto zygote = loop.start();
  auto sandbox = loop.fork(*zygote);
  killProcess(sandbox.child.pidfd.get());
  ASSERT_TRUE(becomesReadable(sandbox.child.pidfd.get()));
  auto report = zygote->reap(sandbox.child.zygotePid).wait(loop.io.waitScope);
  EXPECT_TRUE(WIFSIGNALED(report.waitStatus));
  EXPECT_EQ(WTERMSIG(report.waitStatus), SIGKILL);
}

TEST(ZygoteProcessTest, ALivingSandboxCannotBeReaped) {
  Loop loop;
  auto zygote = loop.start();
  auto sandbox = loop.fork(*zygote);
  EXPECT_ANY_THROW(zygote->reap(sandbox.child.zygotePid).wait(loop.io.waitScope));
  loop.fork(*zygote);  // and the zygote goes on
}

TEST(ZygoteProcessTest, RequestsAreAnsweredInOrder) {
  Loop loop;
  auto zygote = loop.start();
  constexpr size_t COUNT = 40;  // more than are sent at once
  kj::Vector<Pair> sockets;
  kj::Vector<kj::Promise<Zygote::Child>> asked;
  for (size_t i = 0; i < COUNT; ++i) {
    Pair host, loader;
    asked.add(zygote->fork(Loop::order(), kj::mv(host.theirs), kj::mv(loader.theirs)));
    sockets.add(kj::mv(host));
    sockets.add(kj::mv(loader));
  }
  auto children = kj::joinPromises(asked.releaseAsArray()).wait(loop.io.waitScope);
  uint32_t last = 0;
  for (auto& child : children) {
    EXPECT_GT(child.zygotePid, last);
    last = child.zygotePid;
  }
}

TEST(ZygoteProcessTest, ASandboxThatNobodyWaitsForIsEnded) {
  Loop loop;
  auto zygote = loop.start();
  Pair host, loader;
  {
    auto abandoned = zygote->fork(Loop::order(), kj::mv(host.theirs), kj::mv(loader.theirs));
  }
  // The zygote answers in order: after this fork the abandoned one has been forked as well.
  auto next = loop.fork(*zygote);
  // Its end of the socket closes when it dies, whatever it said before. While we hold ours it has no other reason to.
  auto end = loop.io.lowLevelProvider->wrapSocketFd(kj::mv(host.ours));
  end->readAllBytes().wait(loop.io.waitScope);
}

TEST(ZygoteProcessTest, DestroyingTheZygoteEndsItsSandboxes) {
  Loop loop;
  auto zygote = loop.start();
  auto first = loop.fork(*zygote), second = loop.fork(*zygote);
  zygote = nullptr;
  EXPECT_TRUE(becomesReadable(first.child.pidfd.get()));
  EXPECT_TRUE(becomesReadable(second.child.pidfd.get()));
}

TEST(ZygoteProcessTest, ADeadZygoteSaysSo) {
  Loop loop;
  auto zygote = loop.start();
  auto sandbox = loop.fork(*zygote);
  ASSERT_EQ(kill(zygote->pid(), SIGKILL), 0);
  auto sentence = zygote->onDeath().wait(loop.io.waitScope);
  EXPECT_STREQ(sentence.cStr(), "zygote \"standard\" was ended by SIGKILL");
  EXPECT_TRUE(becomesReadable(sandbox.child.pidfd.get()));
  Pair host, loader;
  auto refusal = kj::runCatchingExceptions([&] {
    zygote->fork(Loop::order(), kj::mv(host.theirs), kj::mv(loader.theirs)).wait(loop.io.waitScope);
  });
  EXPECT_EQ(KJ_ASSERT_NONNULL(refusal).getType(), kj::Exception::Type::DISCONNECTED);
}

// The zygotes that this thread started and that are still there.
std::vector<pid_t> zygotesAlive() {
  std::ifstream children("/proc/thread-self/children");
  return {std::istream_iterator<pid_t>(children), {}};
}

TEST(ZygoteProcessTest, OneThatIsKilledBeforeItIsReadyDied) {
  Loop loop;
  ASSERT_TRUE(zygotesAlive().empty());
  auto starting = startZygote(loop.io.unixEventPort, *loop.io.lowLevelProvider,
                              {.binary = zygoteProgram(), .label = "standard"});
  auto zygotes = zygotesAlive();
  ASSERT_EQ(zygotes.size(), 1u);
  ASSERT_EQ(kill(zygotes[0], SIGKILL), 0);
  auto failure = kj::runCatchingExceptions([&] { starting.wait(loop.io.waitScope); });
  auto& died = KJ_ASSERT_NONNULL(failure);
  EXPECT_EQ(died.getType(), kj::Exception::Type::DISCONNECTED);
  EXPECT_NE(strstr(died.getDescription().cStr(),
                   "died before it was ready\n  why    zygote \"standard\" was ended by SIGKILL"),
            nullptr)
      << died.getDescription().cStr();
}

TEST(ZygoteProcessTest, AMissingProgramIsNamed) {
  Loop loop;
  auto failure = kj::runCatchingExceptions([&] {
    startZygote(loop.io.unixEventPort, *loop.io.lowLevelProvider,
                {.binary = kj::str("/nonexistent/mayfly-zygote"), .label = "standard"})
        .wait(loop.io.waitScope);
  });
  auto text = kj::str(KJ_ASSERT_NONNULL(failure).getDescription());
  EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::FAILED);
  EXPECT_NE(strstr(text.cStr(), "error[zygote.start]"), nullptr) << text.cStr();
  EXPECT_NE(strstr(text.cStr(), "execve of mayfly-zygote: No such file or directory"), nullptr)
      << text.cStr();
}

TEST(ZygoteProcessTest, AMalformedRequestEndsTheZygote) {
  auto program = zygoteProgram();
  auto launched = launchZygote({.binary = program,
                                .profile = "standard",
                                .v8Flags = nullptr,
                                .acceptMissingNamespaces = false});
  zygote::ReadyReport report;
  ASSERT_TRUE(becomesReadable(launched.control.get()));
  ASSERT_EQ(read(launched.control.get(), &report, sizeof report), ssize_t(sizeof report));
  ASSERT_EQ(send(launched.control.get(), "fork", 4, MSG_NOSIGNAL), 4);
  siginfo_t info = {};
  ASSERT_EQ(waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(launched.pidfd.get()), &info,
                   WEXITED | __WALL),
            0);
  EXPECT_EQ(info.si_code, CLD_EXITED);
  EXPECT_EQ(info.si_status, zygote::EXIT_MALFORMED_REQUEST);
}

// Runs `body` in a process of its own, which ends with its result; 5 if it threw, with the reason on standard error.
template <typename Body>
pid_t forkAndRun(Body body) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  int status = 5;
  KJ_IF_MAYBE (failure, kj::runCatchingExceptions([&] { status = body(); })) {
    fprintf(stderr, "%s\n", kj::str(*failure).cStr());
  }
  _exit(status);
}

// Makes `folder` reachable for everyone, in a mount namespace of our own: the first ancestor that only root may enter
// is covered by an empty file system in which nothing but `folder` is found.
void exposeInOwnMounts(const std::filesystem::path& folder) {
  std::filesystem::path closed;
  for (auto at = folder; at != at.root_path(); at = at.parent_path()) {
    auto open = std::filesystem::perms::others_exec;
    if ((std::filesystem::status(at).permissions() & open) == std::filesystem::perms::none)
      closed = at;
  }
  if (closed.empty()) return;
  KJ_SYSCALL(unshare(CLONE_NEWNS));
  KJ_SYSCALL(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
  int tree;
  KJ_SYSCALL(tree = open_tree(AT_FDCWD, folder.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  KJ_SYSCALL(mount("none", closed.c_str(), "tmpfs", 0, "mode=0755"));
  umask(022);
  std::filesystem::create_directories(folder);
  KJ_SYSCALL(move_mount(tree, "", AT_FDCWD, folder.c_str(), MOVE_MOUNT_F_EMPTY_PATH));
  close(tree);
}

// Where root starts the supervisor the other tests say so much of root; this one is about everybody else.
TEST(ZygoteProcessTest, AnOrdinaryUserHasTheSameWalls) {
  pid_t user = forkAndRun([] {
    if (geteuid() == 0) {
      exposeInOwnMounts(std::filesystem::path(zygoteProgram().cStr()).parent_path());
      KJ_SYSCALL(setgroups(0, nullptr));
      KJ_SYSCALL(setresgid(65534, 65534, 65534));
      KJ_SYSCALL(setresuid(65534, 65534, 65534));
      KJ_SYSCALL(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));  // as every program of an ordinary user is
    }
    Loop loop;
    auto zygote = loop.start();
    auto sandbox = loop.fork(*zygote);
    if (!untilSealed(sandbox.child.pid)) return 3;
    auto evidence = collectWallEvidence(*zygote, sandbox.child.pid);
    for (auto& wall : evidence.walls) {
      if (wall.state != zygote::LayerState::ACTIVE)
        fprintf(stderr, "%s: %s\n", wall.name.cStr(), wall.evidence.cStr());
    }
    return evidence.grade == Grade::A ? 0 : 4;
  });
  ASSERT_GE(user, 0);
  int status;
  ASSERT_EQ(waitpid(user, &status, 0), user);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// The supervisor is killed without a chance to clean up; nothing of it may live on.
TEST(ZygoteProcessTest, ZygoteAndSandboxesDieWithTheSupervisor) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  pid_t supervisor = forkAndRun([&]() -> int {
    close(ends[0]);
    Loop loop;
    auto zygote = loop.start();
    auto sandbox = loop.fork(*zygote);
    pid_t pids[2] = {zygote->pid(), sandbox.child.pid};
    KJ_SYSCALL(write(ends[1], pids, sizeof pids));
    for (;;)
      pause();
  });
  ASSERT_GE(supervisor, 0);
  close(ends[1]);
  pid_t pids[2];
  ASSERT_EQ(read(ends[0], pids, sizeof pids), ssize_t(sizeof pids));
  auto zygote = openPid(pids[0]), sandbox = openPid(pids[1]);
  kill(supervisor, SIGKILL);
  waitpid(supervisor, nullptr, 0);
  EXPECT_TRUE(becomesReadable(zygote.get()));
  EXPECT_TRUE(becomesReadable(sandbox.get()));
  close(ends[0]);
}

}  // namespace
}  // namespace mayfly::supervisor
