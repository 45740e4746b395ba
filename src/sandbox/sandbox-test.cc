// The sandbox process without its walls: booted in a forked child, spoken to over descriptors 3 and 4.

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/vector.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/sandbox.h"
#include "schema/host.capnp.h"
#include "schema/worker.capnp.h"

namespace mayfly::sandbox {
namespace {

class RecordingHost final : public schema::Host::Server {
public:
  explicit RecordingHost(kj::Vector<kj::String>& lines) : lines(lines) {}

protected:
  kj::Promise<void> log(LogContext context) override {
    lines.add(kj::str(context.getParams().getMessage()));
    return kj::READY_NOW;
  }

private:
  kj::Vector<kj::String>& lines;
};

// One sandbox process and our two connections to it.
class SandboxTest : public testing::Test {
public:
  ~SandboxTest() noexcept override {}

protected:
  void SetUp() override {
    int host[2];
    int loader[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, host), 0);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, loader), 0);
    pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      // Out of the way of 3 and 4 first: the pairs may lie there.
      int h = fcntl(host[1], F_DUPFD, 20);
      int l = fcntl(loader[1], F_DUPFD, 20);
      dup2(h, 3);
      dup2(l, 4);
      close_range(5, ~0u, 0);
      auto sandbox = Sandbox::boot(nullptr);
      sandbox->openEventLoop(zygote::Role::DYNAMIC, 128u << 20);
      sandbox->run();
    }
    close(host[1]);
    close(loader[1]);
    io = kj::heap<kj::AsyncIoContext>(kj::setupAsyncIo());
    hostStream = io->lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(host[0]));
    loaderStream = io->lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(loader[0]));
    using capnp::rpc::twoparty::Side;
    hostNetwork = kj::heap<capnp::TwoPartyVatNetwork>(*hostStream, Side::SERVER);
    hostRpc = kj::heap(capnp::makeRpcServer(*hostNetwork, kj::heap<RecordingHost>(lines)));
    loaderNetwork = kj::heap<capnp::TwoPartyVatNetwork>(*loaderStream, Side::CLIENT);
    loaderRpc = kj::heap(capnp::makeRpcClient(*loaderNetwork));
  }

  void TearDown() override {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  schema::Worker::Client start(kj::StringPtr source, bool snippet = false) {
    capnp::MallocMessageBuilder vat;
    vat.initRoot<capnp::rpc::twoparty::VatId>().setSide(capnp::rpc::twoparty::Side::SERVER);
    auto blank =
        loaderRpc->bootstrap(vat.getRoot<capnp::rpc::twoparty::VatId>()).castAs<schema::Blank>();
    auto request = blank.startRequest();
    auto program = request.initProgram();
    program.setName("test");
    program.setCompatibilityDate("2026-04-22");
    program.setMainModule("main.js");
    auto module = program.initModules(1)[0];
    module.setName("main.js");
    if (snippet) {
      module.setSnippet(source);
    } else {
      module.setEsm(source);
    }
    return request.send().getWorker();
  }

  // JSON of the result, or "Name: message".
  kj::String invoke(schema::Worker::Client worker, kj::StringPtr method = "",
                    kj::StringPtr args = "[]") {
    auto request = worker.invokeRequest();
    request.setMethod(method);
    request.setArgs(args);
    auto response = request.send().wait(io->waitScope);
    auto result = response.getResult();
    if (result.isJson()) return kj::str(result.getJson());
    return kj::str(result.getFailure().getName(), ": ", result.getFailure().getMessage());
  }

  kj::String run(kj::StringPtr source, kj::StringPtr args = "[]") {
    return invoke(start(source), "", args);
  }

  pid_t pid = 0;
  kj::Vector<kj::String> lines;
  kj::Own<kj::AsyncIoContext> io;
  kj::Own<kj::AsyncIoStream> hostStream;
  kj::Own<kj::AsyncIoStream> loaderStream;
  kj::Own<capnp::TwoPartyVatNetwork> hostNetwork;
  kj::Own<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> hostRpc;
  kj::Own<capnp::TwoPartyVatNetwork> loaderNetwork;
  kj::Own<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> loaderRpc;
};

TEST_F(SandboxTest, RunsTheDefaultFunction) {
  EXPECT_EQ(run("export default (a, b) => a + b;", "[2, 3]"), "5");
}

TEST_F(SandboxTest, WaitsForPromisesAndTimers) {
  EXPECT_EQ(run("export default async () => { await new Promise(r => setTimeout(r, 1)); return [1, "
                "{a: 'x'}]; }"),
            "[1,{\"a\":\"x\"}]");
}

TEST_F(SandboxTest, ThrownErrorsArriveWithNameAndMessage) {
  EXPECT_EQ(run("export default () => { throw new RangeError('too far'); }"),
            "RangeError: too far");
}

TEST_F(SandboxTest, SyntaxErrorsNameTheirPlace) {
  auto text = run("export default () => {\n  return 1 +;\n}");
  EXPECT_TRUE(
      text.startsWith("Error: Failed to start Worker:\nUncaught SyntaxError: Unexpected token ';'"))
      << text.cStr();
  EXPECT_TRUE(text.endsWith("at main.js:2:13")) << text.cStr();
}

TEST_F(SandboxTest, TopLevelAwaitThatNeedsIoFailsTheStart) {
  EXPECT_EQ(
      run("await new Promise(() => {}); export default {};"),
      "Error: Failed to start Worker:\nUncaught Error: Top-level await in module is unsettled.");
}

TEST_F(SandboxTest, ReadsABareArrowFunctionWithTypes) {
  auto worker = start(
      "async (n: number): Promise<number> => {\n  const twice: number = n * 2;\n  return twice;\n}",
      true);
  EXPECT_EQ(invoke(worker, "", "[21]"), "42");
}

TEST_F(SandboxTest, ReadsStatements) {
  EXPECT_EQ(invoke(start("const x = 20;\nreturn x + 1;", true)), "21");
}

TEST_F(SandboxTest, ConsoleGoesToTheHost) {
  EXPECT_EQ(
      run("export default async () => { console.log('hello', {a: [1]}); await null; return 1; }"),
      "1");
  io->provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io->waitScope);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "hello { a: [ 1 ] }");
}

TEST_F(SandboxTest, CodeGenerationIsForbiddenOnceStarted) {
  EXPECT_EQ(run("export default () => { return eval('1') }"),
            "EvalError: Code generation from strings disallowed for this context");
}

}  // namespace
}  // namespace mayfly::sandbox
