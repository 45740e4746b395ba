// HTTP in a parent worker's own process: kj's server on the listening socket, each request one fetch on the
// default entrypoint. No proxy stands between the client and the program.
//
// Ownership  One per listening socket; lives until the process ends.
// Errors     A failed fetch is answered 500 with the error's name and code (details are the operator's), one
//            refused for lack of resources 503. A client that hangs up cancels its fetch.
//            A client that asks for a WebSocket gets one if the fetch answers 101; when one side of it goes without
//            a Close frame, so does the other.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/compat/http.h>
#include <kj/map.h>

#include "sandbox/ingress-observer.h"
#include "schema/value.capnp.h"

namespace mayfly::sandbox {

class HttpIngress final : private kj::HttpServerErrorHandler,
                          private kj::HttpServerCallbacks,
                          private kj::TaskSet::ErrorHandler {
public:
  HttpIngress(kj::Timer& timer, kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& port,
              schema::Entrypoint::Client entrypoint, kj::Maybe<kj::Own<IngressObserver>> observer);

  // Accepts connections on `socket` until drain().
  void listen(kj::AutoCloseFd socket);

  // Stops accepting; resolves when the requests in flight have been answered.
  kj::Promise<void> drain();

private:
  using Response = kj::HttpService::Response;
  class Service;
  struct Connection {
    bool upgraded = false;  // its bytes are a WebSocket's now, which ends by itself
  };

  kj::Promise<void> accept(int socket);
  kj::Promise<void> serve(kj::AutoCloseFd socket);
  kj::Promise<void> whenHungUp(int fd, const Connection& connection);
  kj::Promise<void> answer(Connection& connection, kj::HttpMethod method, kj::StringPtr url,
                           const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                           WatchedRequest& response);
  // How one answer begins: `close` says that the client asked for the connection to end with it.
  kj::Own<kj::AsyncOutputStream> begin(Response& to, unsigned status, kj::StringPtr statusText,
                                       const kj::HttpHeaders& headers, kj::Maybe<uint64_t> length,
                                       bool close);
  kj::Promise<void> send(schema::HttpResponse::Reader from, Response& to, bool close);
  kj::Own<kj::WebSocket> acceptWebSocket(schema::HttpResponse::Reader from, Response& to);
  kj::Promise<void> refuse(schema::Failure::Reader failure, WatchedRequest& to, bool close);
  bool shouldClose() override { return closing; }
  kj::Promise<void> handleApplicationError(kj::Exception exception,
                                           kj::Maybe<Response&> response) override;
  void taskFailed(kj::Exception&& exception) override;

  kj::Own<kj::HttpHeaderTable> headerTable;
  kj::HttpHeaderId hostId;
  kj::LowLevelAsyncIoProvider& io;
  kj::UnixEventPort& port;
  bool closing = false;  // while begin() is on the stack: kj asks shouldClose() from within
  schema::Entrypoint::Client entrypoint;
  kj::Maybe<kj::Own<IngressObserver>> requestObserver;
  kj::HashMap<const kj::AsyncIoStream*, Connection*> open;
  kj::HttpServer server;
  kj::Maybe<kj::Promise<void>> accepting;
  kj::Maybe<kj::AutoCloseFd> listener;
  kj::TaskSet connections;
};

}  // namespace mayfly::sandbox
