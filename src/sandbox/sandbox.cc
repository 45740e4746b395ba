#include "sandbox/sandbox.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/builtins-js.h"
#include "engine/runtime.h"
#include "sandbox/bridge.h"
#include "sandbox/worker-server.h"

namespace mayfly::sandbox {

namespace {

constexpr int HOST_FD = 3;
constexpr int LOADER_FD = 4;

// The supervisor makes all sockets non-blocking; the filter has no system call to do it here.
constexpr uint READY_SOCKET =
    kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK;

// A quarter of the budget is for what is not on V8's heap: stacks, code, message buffers, ArrayBuffers' slack.
constexpr uint64_t DEFAULT_MEMORY_BYTES = 128ull << 20;
uint64_t heapShare(uint64_t memoryBytes) { return memoryBytes / 4 * 3; }

capnp::ReaderOptions readerOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (size_t(96) << 20) / sizeof(capnp::word);
  return options;
}

// Everything a child has that the zygote has not: the loop and the two connections.
struct Loop {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Own<kj::AsyncIoStream> hostStream;
  kj::Own<kj::AsyncIoStream> loaderStream;
};

class WarmSandbox final : public Sandbox {
public:
  explicit WarmSandbox(kj::ArrayPtr<const kj::StringPtr> v8Flags)
      : runtime(v8Flags, heapShare(DEFAULT_MEMORY_BYTES), zygote::EXIT_OUT_OF_MEMORY),
        bridge(runtime) {
    evaluateBuiltins();
    runtime.trim();
  }

private:
  engine::Runtime::RejectionHook tellEntry(const char* method) {
    return [this, method](v8::Local<v8::Promise> promise, v8::Local<v8::Value> reason) {
      v8::Local<v8::Value> arguments[] = {promise, reason};
      v8::TryCatch tryCatch(runtime.isolate());
      bridge.callEntry(method, arguments).IsEmpty();
    };
  }

  void evaluateBuiltins() {
    engine::Turn turn(runtime);
    auto isolate = runtime.isolate();
    auto context = runtime.context();
    auto global = context->Global();
    auto key = engine::name(isolate, "__mayflyOps");
    global->Set(context, key, operations()).Check();
    runtime.runScript("mayfly:builtins", kj::arrayPtr(BUILTINS_JS, BUILTINS_JS_SIZE));
    global->Delete(context, key).Check();
    KJ_REQUIRE(bridge.hasEntry(), "the built-ins provided no entry");
    runtime.onUnhandledRejection(tellEntry("unhandledRejection"));
    runtime.onStack([this](v8::Local<v8::Value> error, v8::Local<v8::Array> sites) {
      v8::Local<v8::Value> arguments[] = {error, sites};
      return bridge.callEntry("formatStack", arguments);
    });
    runtime.onRejectionHandled(tellEntry("rejectionHandled"));
    v8::TryCatch tryCatch(isolate);
    KJ_REQUIRE(!bridge.callEntry("warm", nullptr).IsEmpty(), "warming up failed",
               engine::describeUncaught(isolate, tryCatch));
    // The C library maps the state of its vDSO getrandom() on first use, with flags that children may not ask for.
    // The kernel wipes that state in each fork, so siblings do not share randomness.
    kj::byte seed;
    KJ_SYSCALL(getrandom(&seed, sizeof(seed), 0));
    // OpenSSL loads its provider on first use; children have no files to load it from.
    kj::byte scratch[EVP_MAX_MD_SIZE];
    unsigned int size;
    EVP_Digest("", 0, scratch, &size, EVP_sha256(), nullptr);
  }

public:
  void openEventLoop(zygote::Role given, uint64_t memoryBytes) override {
    role = given;
    runtime.afterFork(heapShare(memoryBytes), memoryBytes);
    auto made = kj::heap<Loop>();
    auto& provider = *made->io.lowLevelProvider;
    made->hostStream = provider.wrapSocketFd(HOST_FD, READY_SOCKET);
    if (role != zygote::Role::PARENT)
      made->loaderStream = provider.wrapSocketFd(LOADER_FD, READY_SOCKET);
    loop = kj::mv(made);
  }

  [[noreturn]] void run() override {
    auto& own = *KJ_ASSERT_NONNULL(loop);
    auto failed = kj::runCatchingExceptions([&] { serve(own); });
    KJ_IF_MAYBE (exception, failed) KJ_LOG(ERROR, "a sandbox ends", *exception);
    // No destructors: the kernel takes everything back at once.
    _exit(0);
  }

private:
  v8::Local<v8::Object> operations() {
    auto isolate = runtime.isolate();
    auto shape = v8::ObjectTemplate::New(isolate);
    for (auto table : {valueOperations(), capabilityOperations(), remoteClassOperations(),
                       socketOperations(), loaderOperations(), moduleOperations(), timeOperations(),
                       textOperations(), cryptoOperations(), encodingOperations()}) {
      for (auto& operation : table) {
        shape->Set(isolate, operation.name,
                   v8::FunctionTemplate::New(isolate, operation.callback, {}, {}, 0,
                                             v8::ConstructorBehavior::kThrow));
      }
    }
    return shape->NewInstance(runtime.context()).ToLocalChecked();
  }

  void serve(Loop& own) {
    using capnp::rpc::twoparty::Side;
    capnp::TwoPartyVatNetwork hostNetwork(*own.hostStream, Side::CLIENT, readerOptions());
    auto hostRpc = capnp::makeRpcClient(hostNetwork);
    capnp::MallocMessageBuilder vat(8);
    vat.initRoot<capnp::rpc::twoparty::VatId>().setSide(Side::SERVER);
    auto host =
        hostRpc.bootstrap(vat.getRoot<capnp::rpc::twoparty::VatId>()).castAs<schema::Host>();
    bridge.openLoop(own.io, role, kj::mv(host), hostNetwork);

    // Only a parent worker is sent descriptors: leased sandboxes' sockets and its listening socket.
    kj::Own<kj::AsyncCapabilityStream> loaderUnix;
    kj::Own<capnp::TwoPartyVatNetwork> loaderNetwork;
    if (role == zygote::Role::PARENT) {
      loaderUnix = own.io.lowLevelProvider->wrapUnixSocketFd(LOADER_FD, READY_SOCKET);
      loaderNetwork =
          kj::heap<capnp::TwoPartyVatNetwork>(*loaderUnix, 1, Side::SERVER, readerOptions());
    } else {
      loaderNetwork =
          kj::heap<capnp::TwoPartyVatNetwork>(*own.loaderStream, Side::SERVER, readerOptions());
    }
    rehearse(own.io.waitScope);
    auto loaderRpc = capnp::makeRpcServer(*loaderNetwork, makeBlank(bridge));

    hostNetwork.onDisconnect().exclusiveJoin(loaderNetwork->onDisconnect()).wait(own.io.waitScope);
  }

  void rehearse(kj::WaitScope& waitScope) {
    kj::Promise<Outcome> rehearsal = nullptr;
    {
      engine::Turn turn(runtime);
      v8::Local<v8::Value> promise;
      KJ_REQUIRE(bridge.callEntry("rehearse", nullptr).ToLocal(&promise), "the rehearsal threw");
      rehearsal = bridge.fromJs(promise);
    }
    auto outcome = rehearsal.wait(waitScope);
    engine::Turn turn(runtime);
    KJ_REQUIRE(outcome.fulfilled, "the rehearsal failed",
               engine::utf8(runtime.isolate(), outcome.value.Get(runtime.isolate())
                                                   ->ToDetailString(runtime.context())
                                                   .ToLocalChecked()));
  }

  engine::Runtime runtime;
  Bridge bridge;
  zygote::Role role = zygote::Role::DYNAMIC;
  kj::Maybe<kj::Own<Loop>> loop;
};

}  // namespace

kj::Own<Sandbox> Sandbox::boot(kj::ArrayPtr<const kj::StringPtr> v8Flags) {
  return kj::heap<WarmSandbox>(v8Flags);
}

}  // namespace mayfly::sandbox
