#include "supervisor/fake-worker.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/vector.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "schema/worker.capnp.h"

namespace mayfly::supervisor {
namespace {

class FakeEntrypoint final : public schema::Entrypoint::Server {
  kj::Promise<void> call(CallContext context) override {
    context.getResults().initReply().initFailure().setMessage(kj::str(getpid()));
    return kj::READY_NOW;
  }
};

class FakeWorker final : public schema::Worker::Server {
public:
  FakeWorker(kj::Vector<kj::String> names, bool broken) : names(kj::mv(names)), broken(broken) {}

private:
  kj::Promise<void> entrypoint(EntrypointContext context) override {
    context.getResults().setEntrypoint(kj::heap<FakeEntrypoint>());
    return kj::READY_NOW;
  }
  kj::Promise<void> invoke(InvokeContext context) override {
    context.getResults().initResult().setJson(kj::str(getpid()));
    return kj::READY_NOW;
  }
  kj::Promise<void> tests(TestsContext context) override {
    auto results = context.getResults();
    if (broken) {
      results.initFailure().setName("SyntaxError");
      results.getFailure().setMessage("Unexpected token");
      return kj::READY_NOW;
    }
    auto list = results.initNames(names.size());
    for (auto i : kj::indices(names))
      list.set(i, names[i]);
    return kj::READY_NOW;
  }
  kj::Promise<void> test(TestContext context) override {
    if (context.getParams().getName() == "crash") abort();
    return kj::READY_NOW;
  }
  kj::Promise<void> listen(ListenContext context) override {
    auto fd = co_await context.getParams().getSocket().getFd();
    names.add(fd == nullptr ? kj::str("no socket came along") : kj::str("listening"));
  }
  kj::Promise<void> drain(DrainContext) override { return kj::READY_NOW; }

  kj::Vector<kj::String> names;
  const bool broken;
};

class FakeBlank final : public schema::Blank::Server {
public:
  explicit FakeBlank(bool broken) : broken(broken) {}

private:
  kj::Promise<void> start(StartContext context) override {
    kj::Vector<kj::String> names;
    auto program = context.getParams().getProgram();
    names.add(kj::str(program.getMainModule()));
    for (auto binding : program.getEnv().getBindings()) {
      kj::StringPtr kind = binding.isJson() ? "json" : binding.isLoader() ? "loader" : "service";
      names.add(kj::str(kind, " ", binding.getName()));
    }
    context.getResults().setWorker(kj::heap<FakeWorker>(kj::mv(names), broken));
    return kj::READY_NOW;
  }

  const bool broken;
};

void serve(int loaderFd, bool broken) {
  std::thread([=]() {
    auto io = kj::setupAsyncIo();
    auto stream = io.lowLevelProvider->wrapUnixSocketFd(loaderFd);
    capnp::TwoPartyVatNetwork network(*stream, 2, capnp::rpc::twoparty::Side::SERVER);
    auto rpc = capnp::makeRpcServer(network, kj::heap<FakeBlank>(broken));
    network.onDisconnect().wait(io.waitScope);
    _exit(0);
  }).join();
}

}  // namespace

void behaveAsWorker(int, int loaderFd) { serve(loaderFd, false); }
void behaveAsBrokenWorker(int, int loaderFd) { serve(loaderFd, true); }

}  // namespace mayfly::supervisor
