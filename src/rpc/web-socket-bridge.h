// A WebSocket on a network connection, carried to another process as MessageSinks.
//
// Ownership  The bridge must outlive run(). The capability may outlive both; it then fails.
// Trust      Both sides: messages longer than `maxMessageBytes` end the connection, and so does a process that sends
//            on without waiting for the connection to take what it sent.
// Errors     run() rejects when one side goes without a Close frame. The other side then sees that too.
#pragma once

#include <kj/async.h>
#include <kj/compat/http.h>
#include <kj/refcount.h>

#include "schema/value.capnp.h"

namespace mayfly::rpc {

class WebSocketBridge final {
public:
  // For a connection that ends with the capability: takes what goes out on `connection`, while `process` takes what
  // comes in. `keep` is held as long.
  static schema::MessageSink::Client own(kj::Own<kj::WebSocket> connection,
                                         schema::MessageSink::Client process,
                                         size_t maxMessageBytes, kj::Own<void> keep);

  explicit WebSocketBridge(size_t maxMessageBytes);
  ~WebSocketBridge() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(WebSocketBridge);

  // For the process: takes the messages that go out on the connection. They wait until run() has a connection.
  // Works once.
  schema::MessageSink::Client takeSink();

  // Carries messages both ways; `process` takes those that come in. Resolves when both sides have closed.
  kj::Promise<void> run(kj::WebSocket& connection, schema::MessageSink::Client process);

private:
  struct Outgoing;
  class Sink;

  kj::Promise<void> receive(kj::WebSocket& connection, schema::MessageSink::Client process);

  const size_t maxMessageBytes;
  kj::Own<Outgoing> outgoing;
  kj::Own<Sink> sink;
};

}  // namespace mayfly::rpc
