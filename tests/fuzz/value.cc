// A value as a hostile program may encode it, decoded by the real sandbox and sent back by it.
//
// Input  Payload.bytes: V8's structured-clone format with the host objects of builtins/rpc/lower.ts (a tag, then its
//        content). It comes as the arguments of a call, with one capability of each kind.
// Fails  if V8 aborts, the process crashes, or the sandbox does not answer. The sandbox runs in a thread of this process, so
//        that the fuzzer sees its coverage; V8 and the built-ins are not instrumented. Memory that runs out ends the
//        process too: 64 KiB must not be able to do that (src/sandbox/value-scan.h).

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

#include "sandbox/sandbox.h"
#include "schema/host.capnp.h"
#include "schema/worker.capnp.h"

namespace mayfly::sandbox {
namespace {

constexpr kj::StringPtr PROGRAM =
    "import { WorkerEntrypoint } from 'cloudflare:workers';\n"
    "export default class extends WorkerEntrypoint { echo(...args) { return args; } }"_kj;

class SilentHost final : public schema::Host::Server {
  kj::Promise<void> log(LogContext) override { return kj::READY_NOW; }
  kj::Promise<void> started(StartedContext) override { return kj::READY_NOW; }
};

class Peer {
public:
  Peer() {
    int host[2];
    int loader[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, host));
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, loader));
    // Out of the way of 3 and 4 first: the pairs may lie there.
    int ends[4] = {host[0], loader[0], host[1], loader[1]};
    for (int& end : ends)
      KJ_SYSCALL(end = fcntl(end, F_DUPFD_CLOEXEC, 20));
    for (int end : {host[0], host[1], loader[0], loader[1]})
      close(end);
    KJ_SYSCALL(dup2(ends[2], 3));
    KJ_SYSCALL(dup2(ends[3], 4));
    close(ends[2]);
    close(ends[3]);
    std::thread([] {
      auto sandbox = Sandbox::boot(nullptr);
      sandbox->openEventLoop(zygote::Role::DYNAMIC, 512u << 20);
      sandbox->run();
    }).detach();

    using capnp::rpc::twoparty::Side;
    ioContext = kj::heap(kj::setupAsyncIo());
    auto& io = *ioContext;
    hostStream = io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0]));
    loaderStream = io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[1]));
    hostNetwork = kj::heap<capnp::TwoPartyVatNetwork>(*hostStream, Side::SERVER);
    hostRpc = kj::heap(capnp::makeRpcServer(*hostNetwork, kj::heap<SilentHost>()));
    loaderNetwork = kj::heap<capnp::TwoPartyVatNetwork>(*loaderStream, Side::CLIENT);
    loaderRpc = kj::heap(capnp::makeRpcClient(*loaderNetwork));
    capnp::MallocMessageBuilder vat;
    vat.initRoot<capnp::rpc::twoparty::VatId>().setSide(Side::SERVER);
    auto blank =
        loaderRpc->bootstrap(vat.getRoot<capnp::rpc::twoparty::VatId>()).castAs<schema::Blank>();
    auto request = blank.startRequest();
    auto program = request.initProgram();
    program.setName("fuzz");
    program.setCompatibilityDate("2026-04-22");
    program.setMainModule("main.js");
    auto module = program.initModules(1)[0];
    module.setName("main.js");
    module.setEsm(PROGRAM);
    entrypoint = request.send().getWorker().entrypointRequest().send().getEntrypoint();
  }

  void echo(kj::ArrayPtr<const kj::byte> bytes) {
    auto request = entrypoint.callRequest();
    request.initPath(1).set(0, "echo");
    auto args = request.initArgs();
    args.setBytes(bytes);
    auto caps = args.initCaps(4);
    capnp::Capability::Client nobody(KJ_EXCEPTION(DISCONNECTED, "nobody is there"));
    caps[0].setObject(nobody.castAs<schema::JsObject>());
    caps[1].setEntrypoint(nobody.castAs<schema::Entrypoint>());
    caps[2].setSource(nobody.castAs<schema::ByteSource>());
    caps[3].setSink(nobody.castAs<schema::ByteSink>());
    auto response = request.send().wait(ioContext->waitScope);
    // Whatever it was, it is a value or a failure that says why not.
    auto reply = response.getReply();
    KJ_ASSERT(reply.isValue() || reply.getFailure().getName().size() > 0);
  }

private:
  kj::Own<kj::AsyncIoContext> ioContext;  // made when 3 and 4 are taken
  kj::Own<kj::AsyncIoStream> hostStream, loaderStream;
  kj::Own<capnp::TwoPartyVatNetwork> hostNetwork, loaderNetwork;
  kj::Own<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> hostRpc, loaderRpc;
  schema::Entrypoint::Client entrypoint = nullptr;
};

Peer* peer;

}  // namespace
}  // namespace mayfly::sandbox

// V8 keeps what it has until the process ends, and so does the sandbox around it; both want their locals on the stack.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:detect_stack_use_after_return=0";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  mayfly::sandbox::peer = new mayfly::sandbox::Peer();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size <= 1 << 16) mayfly::sandbox::peer->echo(kj::arrayPtr(data, size));
  return 0;
}
