// What a sandbox may send the supervisor, on either of its two connections.
//
// Input  The first byte: bit 0, descriptor 4 (the supervisor has asked for a Blank and started a program) instead of
//        descriptor 3 (the sandbox asks for a Host); bit 1, the rest is raw bytes. Otherwise the rest is messages of one
//        segment, each a byte with its length in words and then the words: most mutations stay well-formed frames.
// Fails  if the process crashes, leaks or hangs, or an exception leaves the event loop.

#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/vector.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "observe/operator-log.h"
#include "schema/host.capnp.h"
#include "schema/worker.capnp.h"
#include "supervisor/host-service.h"
#include "supervisor/invocation-clock.h"
#include "supervisor/sandbox-connection.h"

namespace mayfly::supervisor {
namespace {

class NoLog final : public observe::SandboxLog {
public:
  void console(observe::Level, kj::StringPtr text) override { KJ_ASSERT(text.size() <= 8 << 20); }
  void notice(observe::Level, kj::StringPtr) override {}
  void request(const observe::RequestLine&) override {}
};

// A sandbox that uses no CPU.
class NoCpu final : public CpuClock {
public:
  kj::Duration used() const override { return 0 * kj::SECONDS; }
  void arm(kj::Duration) override {}
};

class Quiet final : public kj::ExceptionCallback {
public:
  void logMessage(kj::LogSeverity, const char*, int, int, kj::String&&) override {}
};

// As it goes over the wire.
kj::Array<kj::byte> framed(kj::ArrayPtr<const kj::byte> rest) {
  kj::Vector<kj::byte> result;
  while (rest.size() > 0) {
    uint32_t words = rest[0];
    rest = rest.slice(1, rest.size());
    auto present = kj::min(rest.size(), size_t(words) * 8);
    kj::byte header[8] = {0, 0, 0, 0, static_cast<kj::byte>(words), 0, 0, 0};
    result.addAll(kj::arrayPtr(header, sizeof header));
    result.addAll(rest.slice(0, present));
    for (auto i = present; i < size_t(words) * 8; ++i)
      result.add(0);
    rest = rest.slice(present, rest.size());
  }
  return result.releaseAsArray();
}

void run(kj::AsyncIoContext& io, bool loader, kj::ArrayPtr<const kj::byte> bytes) {
  int ends[2];
  KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
  kj::AutoCloseFd ours(ends[0]), theirs(ends[1]);
  auto& provider = *io.lowLevelProvider;

  NoCpu cpu;
  InvocationClock clock(io.provider->getTimer(), cpu, [](EndReason) {});
  kj::Own<SandboxConnection> connection;
  kj::Promise<void> started = kj::READY_NOW;
  if (loader) {
    connection = kj::heap<SandboxConnection>(provider, kj::mv(ours), Descriptors::OUTGOING);
    auto request = connection->bootstrap().castAs<schema::Blank>().startRequest();
    request.initProgram().setName("fuzz");
    auto worker = request.send().getWorker();
    auto entrypoint = worker.entrypointRequest().send().getEntrypoint();
    auto fetch = entrypoint.fetchRequest();
    fetch.initRequest().setMethod("GET");
    started =
        fetch.send().ignoreResult().exclusiveJoin(worker.testsRequest().send().ignoreResult());
    started = started.catch_([](kj::Exception&&) {});
  } else {
    auto host = kj::heap<HostService>(clock);
    host->assign(kj::refcounted<SharedLog>(kj::heap<NoLog>()), nullptr);
    connection = kj::heap<SandboxConnection>(provider, kj::mv(ours), kj::mv(host));
  }

  auto drain = [&] {
    char scratch[4096];
    while (::read(theirs.get(), scratch, sizeof scratch) > 0) {
    }
  };
  io.waitScope.poll();
  while (bytes.size() > 0) {
    auto sent = ::send(theirs.get(), bytes.begin(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes = bytes.slice(static_cast<size_t>(sent), bytes.size());
    io.waitScope.poll();
    drain();
  }
  ::shutdown(theirs.get(), SHUT_WR);
  io.waitScope.poll();
  drain();
}

}  // namespace
}  // namespace mayfly::supervisor

// KJ wants its exception callbacks on the stack, where AddressSanitizer would not leave them.
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }

extern "C" int LLVMFuzzerInitialize(int*, char***) { return 0; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Limits on what one exception may log are not what is looked for here.
  mayfly::supervisor::Quiet quiet;
  static auto& io = *new kj::AsyncIoContext(kj::setupAsyncIo());
  if (size == 0 || size > 1 << 16) return 0;
  auto rest = kj::arrayPtr(data + 1, size - 1);
  auto bytes =
      (data[0] & 2) != 0 ? kj::heapArray<kj::byte>(rest) : mayfly::supervisor::framed(rest);
  mayfly::supervisor::run(io, (data[0] & 1) != 0, bytes);
  return 0;
}
