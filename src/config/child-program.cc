#include "config/child-program.h"

#include <errno.h>
#include <fcntl.h>
#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {
namespace {

// A started program, until it is collected.
class Child final {
public:
  explicit Child(pid_t started) : pid(started) {
    int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) {
      int error = errno;
      killAndCollect();
      KJ_FAIL_SYSCALL("pidfd_open", error);
    }
    pidfd = kj::AutoCloseFd(fd);
  }
  ~Child() {
    if (!collected) killAndCollect();
  }
  KJ_DISALLOW_COPY_AND_MOVE(Child);

  kj::Promise<int> wait(kj::UnixEventPort& port) {
    kj::UnixEventPort::FdObserver observer(port, pidfd,
                                           kj::UnixEventPort::FdObserver::OBSERVE_READ);
    co_await observer.whenBecomesReadable();
    int status = 0;
    KJ_SYSCALL(waitpid(pid, &status, 0));
    collected = true;
    co_return status;
  }

private:
  pid_t pid;
  kj::AutoCloseFd pidfd;
  bool collected = false;

  void killAndCollect() {
    kill(-pid, SIGKILL);  // with whatever it started: it leads a group
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    collected = true;
  }
};

// posix_spawn's two kinds of settings, destroyed when done.
struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  KJ_DISALLOW_COPY_AND_MOVE(SpawnSettings);
};

kj::Array<char*> toPointers(kj::Maybe<kj::StringPtr> first, kj::ArrayPtr<const kj::String> rest) {
  kj::Vector<char*> result(rest.size() + 2);
  KJ_IF_MAYBE (text, first) result.add(const_cast<char*>(text->cStr()));
  for (auto& text : rest)
    result.add(const_cast<char*>(text.cStr()));
  result.add(nullptr);
  return result.releaseAsArray();
}

pid_t start(const ProgramCall& call, int output) {
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1);
  if (call.workingDirectory.size() > 0) {
    posix_spawn_file_actions_addchdir_np(&settings.actions, call.workingDirectory.cStr());
  }
  // What we block or ignore must not be blocked or ignored there. A group of its own keeps the terminal's Ctrl-C
  // with us, who then end it.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  auto arguments = toPointers(kj::StringPtr(call.path), call.arguments);
  auto environment = toPointers(nullptr, call.environment);
  pid_t pid = 0;
  int error = posix_spawn(&pid, call.path.cStr(), &settings.actions, &settings.attributes,
                          arguments.begin(), environment.begin());
  if (error != 0) {
    OperatorError{
        .code = kj::str("process.no-start"),
        .what = kj::str("cannot start ", escapeLine(call.path)),
        .why = kj::str(strerror(error)),
    }
        .raise();
  }
  return pid;
}

}  // namespace

kj::Promise<ProgramResult> runProgram(ProgramCall call, kj::LowLevelAsyncIoProvider& io,
                                      kj::UnixEventPort& port) {
  int fds[2];
  KJ_SYSCALL(pipe2(fds, O_CLOEXEC));
  kj::AutoCloseFd readEnd(fds[0]);
  kj::AutoCloseFd writeEnd(fds[1]);
  Child child(start(call, writeEnd));
  writeEnd = nullptr;

  auto input = io.wrapInputFd(kj::mv(readEnd));
  kj::Vector<char> output;
  bool cut = false;
  auto buffer = kj::heapArray<char>(16 * 1024);
  for (;;) {
    size_t count = co_await input->tryRead(buffer.begin(), 1, buffer.size());
    if (count == 0) break;
    size_t kept = kj::min(count, call.maxOutputBytes - output.size());
    output.addAll(buffer.slice(0, kept));
    cut = cut || kept < count;
  }
  int status = co_await child.wait(port);
  output.add('\0');
  co_return ProgramResult{status, kj::String(output.releaseAsArray()), cut};
}

}  // namespace mayfly::config
