#include "supervisor/spawner.h"

#include <errno.h>
#include <kj/debug.h>
#include <sys/socket.h>

namespace mayfly::supervisor {
namespace {

// What may wait in the kernel for a reader, in each direction. Linux doubles the number it is given, and for
// socket pairs only the sender's buffer counts.
constexpr int SEND_BUFFER_BYTES = 32 << 10;

struct SocketPair {
  kj::AutoCloseFd ours;
  kj::AutoCloseFd childs;
};

// Both ends are made non-blocking here: the filter of the child leaves it no call to do so itself.
SocketPair newSocketPair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    int error = errno;
    if (error == EMFILE || error == ENFILE) {
      kj::throwFatalException(
          KJ_EXCEPTION(OVERLOADED, "ERR_OVERLOADED: no file descriptor left for another sandbox"));
    }
    KJ_FAIL_SYSCALL("socketpair", error);
  }
  SocketPair pair = {kj::AutoCloseFd(ends[0]), kj::AutoCloseFd(ends[1])};
  for (int end : ends) {
    KJ_SYSCALL(
        setsockopt(end, SOL_SOCKET, SO_SNDBUF, &SEND_BUFFER_BYTES, sizeof SEND_BUFFER_BYTES));
  }
  return pair;
}

}  // namespace

ZygoteSpawner::ZygoteSpawner(ZygoteKeeper& keeper, Reaper& reaper, CpuClocks& cpuClocks,
                             kj::UnixEventPort& port, kj::LowLevelAsyncIoProvider& io,
                             kj::Timer& timer)
    : keeper(keeper), reaper(reaper), cpuClocks(cpuClocks), port(port), io(io), timer(timer) {}

kj::Promise<kj::Own<SandboxProcess>> ZygoteSpawner::spawn(SandboxOrder order) {
  auto generation = co_await keeper.current();
  auto host = newSocketPair();
  auto loader = newSocketPair();
  zygote::ForkOrder forkOrder;
  forkOrder.role = order.role;
  forkOrder.memoryBytes = order.memoryBytes;
  forkOrder.cpuSeconds = order.cpuSeconds;
  auto child =
      co_await generation->zygote->fork(forkOrder, kj::mv(host.childs), kj::mv(loader.childs));
  co_return kj::heap<SandboxProcess>(SandboxProcess::Parts{
      .io = io,
      .timer = timer,
      .cpuClocks = cpuClocks,
      .child = ChildProcess::adopt(port, reaper, kj::mv(generation), kj::mv(child)),
      .hostSocket = kj::mv(host.ours),
      .loaderSocket = kj::mv(loader.ours),
      .order = order,
  });
}

}  // namespace mayfly::supervisor
