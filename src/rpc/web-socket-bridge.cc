#include "rpc/web-socket-bridge.h"

#include <kj/debug.h>

namespace mayfly::rpc {

namespace {

constexpr size_t MAX_REASON_BYTES = 123;

kj::Exception gone() { return KJ_EXCEPTION(DISCONNECTED, "the WebSocket is gone"); }

// Bytes that wait to be written. Apart, because writes hold on to it and Outgoing to them.
struct Waiting final : kj::Refcounted {
  size_t bytes = 0;
};

}  // namespace

// What goes out: one frame after the other, the first as soon as there is a connection.
struct WebSocketBridge::Outgoing final : kj::Refcounted {
  explicit Outgoing(size_t limit, kj::PromiseFulfillerPair<void> opened,
                    kj::PromiseFulfillerPair<void> closed)
      : limit(limit),
        opened(kj::mv(opened.fulfiller)),
        last(opened.promise.fork()),
        closed(kj::mv(closed.fulfiller)),
        whenClosed(kj::mv(closed.promise)) {}

  const size_t limit;
  kj::Maybe<kj::WebSocket&> connection;
  kj::Own<kj::PromiseFulfiller<void>> opened;
  kj::ForkedPromise<void> last;
  kj::Own<Waiting> waiting = kj::refcounted<Waiting>();
  kj::Canceler writes;  // none may outlive the connection
  bool closing = false;
  // Of the sender: fulfilled by its Close frame, rejected when it goes without one.
  kj::Own<kj::PromiseFulfiller<void>> closed;
  kj::Promise<void> whenClosed;

  kj::WebSocket& open() {
    KJ_IF_MAYBE (socket, connection) return *socket;
    kj::throwFatalException(gone());
  }

  void disconnect() {
    connection = nullptr;
    writes.cancel(gone());
  }

  // Runs `write` when everything before it has been written. `bytes` count until then.
  kj::Promise<void> then(size_t bytes, kj::Function<kj::Promise<void>()> write) {
    if (closing) return gone();
    if (bytes > limit || waiting->bytes + bytes > 2 * limit) {
      closed->reject(gone());
      return gone();
    }
    waiting->bytes += bytes;
    auto written =
        last.addBranch()
            .then([this, write = kj::mv(write)]() mutable { return writes.wrap(write()); })
            .attach(kj::defer(
                [waiting = kj::addRef(*waiting), bytes]() mutable { waiting->bytes -= bytes; }))
            .fork();
    auto result = written.addBranch();
    last = kj::mv(written);
    return result;
  }
};

class WebSocketBridge::Sink final : public schema::MessageSink::Server {
public:
  explicit Sink(kj::Own<Outgoing> outgoing) : outgoing(kj::mv(outgoing)) {}
  ~Sink() noexcept(false) {
    if (!outgoing->closing) outgoing->closed->reject(gone());
  }

  kj::Maybe<kj::Promise<void>> running;  // the connection, if it is ours

protected:
  kj::Promise<void> send(SendContext context) override {
    auto message = context.getParams().getMessage();
    bool isText = message.isText();
    KJ_REQUIRE(isText || message.isBinary(), "unknown kind of message");
    size_t bytes = isText ? message.getText().size() : message.getBinary().size();
    return outgoing->then(bytes, [&outgoing = *outgoing, context, isText]() mutable {
      auto message = context.getParams().getMessage();
      if (isText) return outgoing.open().send(message.getText().asArray());
      return outgoing.open().send(message.getBinary());
    });
  }

  kj::Promise<void> close(CloseContext context) override {
    KJ_REQUIRE(context.getParams().getReason().size() <= MAX_REASON_BYTES);
    auto sent = outgoing->then(0, [&outgoing = *outgoing, context]() mutable {
      auto params = context.getParams();
      auto closing = outgoing.open().close(params.getCode(), params.getReason());
      return closing.then([&outgoing]() { outgoing.closed->fulfill(); });
    });
    outgoing->closing = true;
    return sent.catch_([&outgoing = *outgoing](kj::Exception&& e) {
      outgoing.closed->reject(kj::cp(e));
      kj::throwFatalException(kj::mv(e));
    });
  }

private:
  kj::Own<Outgoing> outgoing;
};

WebSocketBridge::WebSocketBridge(size_t maxMessageBytes)
    : maxMessageBytes(maxMessageBytes),
      outgoing(kj::refcounted<Outgoing>(maxMessageBytes, kj::newPromiseAndFulfiller<void>(),
                                        kj::newPromiseAndFulfiller<void>())),
      sink(kj::heap<Sink>(kj::addRef(*outgoing))) {}

schema::MessageSink::Client WebSocketBridge::own(kj::Own<kj::WebSocket> connection,
                                                 schema::MessageSink::Client process,
                                                 size_t maxMessageBytes, kj::Own<void> keep) {
  auto bridge = kj::heap<WebSocketBridge>(maxMessageBytes);
  auto sink = kj::mv(bridge->sink);
  auto running = bridge->run(*connection, kj::mv(process));
  // How the connection ended is what both sides have seen.
  sink->running = running.catch_([](kj::Exception&&) {})
                      .attach(kj::mv(bridge), kj::mv(connection), kj::mv(keep))
                      .eagerlyEvaluate(nullptr);
  return kj::mv(sink);
}

WebSocketBridge::~WebSocketBridge() noexcept(false) {
  outgoing->disconnect();
  outgoing->opened->reject(gone());
}

schema::MessageSink::Client WebSocketBridge::takeSink() {
  KJ_REQUIRE(sink.get() != nullptr, "the sink has been taken");
  return kj::mv(sink);
}

kj::Promise<void> WebSocketBridge::run(kj::WebSocket& connection,
                                       schema::MessageSink::Client process) {
  outgoing->connection = connection;
  KJ_DEFER(outgoing->disconnect());
  outgoing->opened->fulfill();
  auto both = kj::heapArrayBuilder<kj::Promise<void>>(2);
  both.add(receive(connection, kj::mv(process)));
  both.add(kj::mv(outgoing->whenClosed));
  co_await kj::joinPromisesFailFast(both.finish());
}

kj::Promise<void> WebSocketBridge::receive(kj::WebSocket& connection,
                                           schema::MessageSink::Client process) {
  for (;;) {
    auto message = co_await connection.receive(maxMessageBytes);
    KJ_IF_MAYBE (close, message.tryGet<kj::WebSocket::Close>()) {
      auto request = process.closeRequest();
      request.setCode(close->code);
      request.setReason(close->reason);
      co_await request.send();
      co_return;
    }
    auto request = process.sendRequest();
    KJ_IF_MAYBE (text, message.tryGet<kj::String>()) {
      request.initMessage().setText(*text);
    } else {
      request.initMessage().setBinary(message.get<kj::Array<kj::byte>>());
    }
    co_await request.send();
  }
}

}  // namespace mayfly::rpc
