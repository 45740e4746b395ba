#include "supervisor/fake-worker.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/refcount.h>
#include <kj/vector.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "schema/worker.capnp.h"

namespace mayfly::supervisor {
namespace {

// What the worker has met so far.
struct Diary final : public kj::Refcounted {
  kj::Vector<kj::String> names;
};

class FakeEntrypoint final : public schema::Entrypoint::Server {
public:
  explicit FakeEntrypoint(kj::Own<Diary> of) : diary(kj::mv(of)) {}

private:
  kj::Promise<void> call(CallContext context) override {
    context.getResults().initReply().initFailure().setMessage(kj::str(getpid()));
    return kj::READY_NOW;
  }
  kj::Promise<void> fetch(FetchContext) override {
    diary->names.add(kj::str("fetch begun"));
    return kj::Promise<void>(kj::NEVER_DONE)
        .attach(kj::defer([diary = kj::addRef(*diary)]() mutable {
          diary->names.add(kj::str("fetch cancelled"));
        }));
  }

  kj::Own<Diary> diary;
};

class FakeWorker final : public schema::Worker::Server {
public:
  FakeWorker(kj::Own<Diary> of, bool broken) : diary(kj::mv(of)), broken(broken) {}

private:
  kj::Promise<void> entrypoint(EntrypointContext context) override {
    auto params = context.getParams();
    if (params.getName() != "") {
      auto props = params.hasPropsJson() ? params.getPropsJson() : "without props"_kj;
      diary->names.add(kj::str("entrypoint ", params.getName(), " ", props));
    }
    context.getResults().setEntrypoint(kj::heap<FakeEntrypoint>(kj::addRef(*diary)));
    return kj::READY_NOW;
  }
  kj::Promise<void> invoke(InvokeContext context) override {
    context.getResults().initResult().setJson(kj::str(getpid()));
    return kj::READY_NOW;
  }
  kj::Promise<void> tests(TestsContext context) override {
    auto results = context.getResults();
    if (broken) {
      results.initFailure().setName("Error");
      results.getFailure().setMessage("Failed to start Worker:\nUncaught \x1b[31mSyntaxError");
      return kj::READY_NOW;
    }
    auto list = results.initNames(diary->names.size());
    for (auto i : kj::indices(diary->names))
      list.set(i, diary->names[i]);
    return kj::READY_NOW;
  }
  kj::Promise<void> test(TestContext context) override {
    if (context.getParams().getName() == "crash") abort();
    return kj::READY_NOW;
  }
  kj::Promise<void> listen(ListenContext context) override {
    auto fd = co_await context.getParams().getSocket().getFd();
    diary->names.add(fd == nullptr ? kj::str("no socket came along") : kj::str("listening"));
  }
  kj::Promise<void> drain(DrainContext) override { return kj::READY_NOW; }

  kj::Own<Diary> diary;
  const bool broken;
};

class FakeBlank final : public schema::Blank::Server {
public:
  explicit FakeBlank(bool broken) : broken(broken) {}

private:
  kj::Promise<void> start(StartContext context) override {
    auto diary = kj::refcounted<Diary>();
    auto program = context.getParams().getProgram();
    diary->names.add(kj::str(program.getMainModule()));
    for (auto binding : program.getEnv().getBindings()) {
      kj::StringPtr kind = binding.isJson() ? "json" : binding.isLoader() ? "loader" : "service";
      diary->names.add(kj::str(kind, " ", binding.getName()));
    }
    context.getResults().setWorker(kj::heap<FakeWorker>(kj::mv(diary), broken));
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
