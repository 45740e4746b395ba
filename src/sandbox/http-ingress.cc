#include "sandbox/http-ingress.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "rpc/byte-streams.h"
#include "rpc/web-socket-bridge.h"

namespace mayfly::sandbox {

namespace {

kj::Own<kj::HttpHeaderTable> makeTable(kj::HttpHeaderId& host) {
  kj::HttpHeaderTable::Builder builder;
  host = builder.add("Host");
  return builder.build();
}

// Bodies that are there at once and no longer than this travel inside the request's message.
constexpr uint64_t INLINE_BODY_BYTES = 64 * 1024;

void fillHeaders(const kj::HttpHeaders& headers, schema::HttpRequest::Builder builder) {
  auto list = builder.initHeaders(static_cast<uint>([&] {
    size_t count = 0;
    headers.forEach([&](auto, auto) { ++count; });
    return count;
  }()));
  uint i = 0;
  headers.forEach([&](kj::StringPtr name, kj::StringPtr value) {
    list[i].setName(name);
    list[i].setValue(value);
    ++i;
  });
}

bool isHopByHop(kj::StringPtr name) {
  for (auto hop : {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade",
                   "te", "trailer"}) {
    if (strcasecmp(name.cStr(), hop) == 0) return true;
  }
  return false;
}

constexpr char OUR_FAILURE[] = "answering a request";

// Whether the length of the body is said once, and as a number.
bool isWellFramed(const kj::HttpHeaders& headers) {
  KJ_IF_MAYBE (length, headers.get(kj::HttpHeaderId::CONTENT_LENGTH)) {
    if (headers.get(kj::HttpHeaderId::TRANSFER_ENCODING) != nullptr) return false;
    if (length->size() == 0 || length->size() > 15) return false;
    for (char c : *length) {
      if (c < '0' || c > '9') return false;
    }
  }
  return true;
}

// What the handshake itself says; the rest of the response, Sec-WebSocket-Protocol among it, is the program's.
bool isHandshake(kj::StringPtr name) {
  for (auto ours : {"sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key",
                    "sec-websocket-version"}) {
    if (strcasecmp(name.cStr(), ours) == 0) return true;
  }
  return false;
}

// Of the answers that are ours. Programs' responses bring their own (builtins/runtime/fetch/reason-phrase.ts).
kj::StringPtr reasonPhrase(uint status) {
  switch (status) {
    case 400:
      return "Bad Request"_kj;
    case 503:
      return "Service Unavailable"_kj;
    default:
      return "Internal Server Error"_kj;
  }
}

}  // namespace

// One request of one connection, as kj's server asks it.
class HttpIngress::Service final : public kj::HttpService {
public:
  Service(HttpIngress& ingress, Connection& connection)
      : ingress(ingress), connection(connection) {}

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            Response& response) override {
    kj::Maybe<IngressObserver&> observer;
    KJ_IF_MAYBE (listening, ingress.requestObserver) observer = **listening;
    WatchedRequest watched(response, observer, method, url);
    kj::Own<void> invocation;
    try {
      KJ_IF_MAYBE (listening, observer) {
        KJ_IF_MAYBE (begun, listening->begin()) invocation = co_await *begun;
      }
      co_await ingress.answer(connection, method, url, headers, body, watched);
      watched.complete();
    } catch (...) {
      auto e = kj::getCaughtExceptionAsKj();
      watched.failed(e);
      // Marked, so that handleApplicationError() tells our failures from requests that kj could not even read.
      kj::throwFatalException(
          kj::Exception(e.getType(), OUR_FAILURE, __LINE__, kj::str(e.getDescription())));
    }
  }

private:
  HttpIngress& ingress;
  Connection& connection;
};

HttpIngress::HttpIngress(kj::Timer& timer, kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& port,
                         schema::Entrypoint::Client entrypoint,
                         kj::Maybe<kj::Own<IngressObserver>> observer)
    : headerTable(makeTable(hostId)),
      io(io),
      port(port),
      entrypoint(kj::mv(entrypoint)),
      requestObserver(kj::mv(observer)),
      server(
          timer, *headerTable,
          [this](kj::AsyncIoStream& stream) -> kj::Own<kj::HttpService> {
            return kj::heap<Service>(*this, *KJ_ASSERT_NONNULL(open.find(&stream)));
          },
          kj::HttpServerSettings{.headerTimeout = 15 * kj::SECONDS,
                                 .pipelineTimeout = 75 * kj::SECONDS,
                                 .errorHandler = *this,
                                 .callbacks = *this}),
      connections(*this) {}

void HttpIngress::listen(kj::AutoCloseFd socket) {
  int fd = socket;
  listener = kj::mv(socket);
  accepting =
      accept(fd).eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "stopped accepting", e); });
}

kj::Promise<void> HttpIngress::drain() {
  accepting = nullptr;
  listener = nullptr;
  return server.drain().then([this] { return connections.onEmpty(); });
}

kj::Promise<void> HttpIngress::accept(int socket) {
  kj::UnixEventPort::FdObserver observer(port, socket, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  for (;;) {
    int fd = ::accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      // Out of descriptors, or a client that left already: neither ends the service.
      co_await observer.whenBecomesReadable();
      continue;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connections.add(serve(kj::AutoCloseFd(fd)));
  }
}

kj::Promise<void> HttpIngress::serve(kj::AutoCloseFd socket) {
  int duplicate;
  KJ_SYSCALL(duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 6));
  auto watched = kj::AutoCloseFd(duplicate);
  auto stream = io.wrapSocketFd(kj::mv(socket), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                                    kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK);
  Connection connection;
  auto key = stream.get();
  open.insert(key, &connection);
  KJ_DEFER(open.erase(key));
  // Leaving this function, by whichever promise, cancels what the connection had in flight.
  co_await server.listenHttp(kj::mv(stream)).exclusiveJoin(whenHungUp(watched, connection));
}

// kj's server notices a client that left only when it writes; an abandoned program should not run that long.
kj::Promise<void> HttpIngress::whenHungUp(int fd, const Connection& connection) {
  kj::UnixEventPort::FdObserver observer(port, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  for (;;) {
    co_await observer.whenBecomesReadable();
    KJ_IF_MAYBE (atEnd, observer.atEndHint()) {
      if (!*atEnd) continue;
      // The last messages may still be on their way in.
      if (connection.upgraded) co_await kj::Promise<void>(kj::NEVER_DONE);
      co_return;
    }
  }
}

kj::Promise<void> HttpIngress::answer(Connection& connection, kj::HttpMethod method,
                                      kj::StringPtr url, const kj::HttpHeaders& headers,
                                      kj::AsyncInputStream& body, WatchedRequest& response) {
  if (!isWellFramed(headers)) {
    response.refused();
    // Two readings of where a request ends let one hide inside another when a proxy stands in front.
    kj::HttpHeaders plain(*headerTable);
    begin(response, 400, reasonPhrase(400), plain, uint64_t(0), /*close=*/true);
    co_return;
  }
  bool close = false;
  KJ_IF_MAYBE (wish, headers.get(kj::HttpHeaderId::CONNECTION))
    close = strcasecmp(wish->cStr(), "close") == 0;
  auto call = entrypoint.fetchRequest();
  auto request = call.initRequest();
  request.setMethod(kj::str(method));
  if (url.startsWith("/")) {
    kj::StringPtr host = "localhost";
    KJ_IF_MAYBE (named, headers.get(hostId)) host = *named;
    request.setUrl(kj::str("http://", host, url));
  } else {
    request.setUrl(url);
  }
  fillHeaders(headers, request);

  kj::Own<void> revoke;
  kj::Maybe<uint64_t> length = body.tryGetLength();
  uint64_t known = 0;
  KJ_IF_MAYBE (n, length) known = *n;
  if (length == nullptr || known > INLINE_BODY_BYTES) {
    auto offered = rpc::offerStream(body);
    request.initBody().setStream(kj::mv(offered.source));
    request.getBody().setLength(length == nullptr ? -1 : static_cast<int64_t>(known));
    revoke = kj::mv(offered.revoke);
  } else if (known > 0) {
    auto bytes = co_await body.readAllBytes();
    request.initBody().setBytes(bytes);
  }

  kj::Maybe<kj::Own<rpc::WebSocketBridge>> upgrade;
  if (headers.isWebSocket()) {
    auto& bridge = *upgrade.emplace(kj::heap<rpc::WebSocketBridge>(schema::MAX_MESSAGE_BYTES));
    request.setWebSocket(bridge.takeSink());
  }

  auto answer = co_await call.send();
  auto result = answer.getResult();
  KJ_IF_MAYBE (bridge, upgrade) {
    if (result.isResponse() && result.getResponse().hasWebSocket()) {
      auto response101 = result.getResponse();
      auto socket = acceptWebSocket(response101, response);
      connection.upgraded = true;
      co_await (*bridge)->run(*socket, response101.getWebSocket());
      co_return;
    }
  }
  if (result.isFailure()) {
    co_await refuse(result.getFailure(), response, close);
  } else {
    co_await send(result.getResponse(), response, close);
  }
}

kj::Own<kj::AsyncOutputStream> HttpIngress::begin(Response& to, unsigned status,
                                                  kj::StringPtr statusText,
                                                  const kj::HttpHeaders& headers,
                                                  kj::Maybe<uint64_t> length, bool close) {
  closing = close;
  KJ_DEFER(closing = false);
  return to.send(status, statusText, headers, length);
}

kj::Promise<void> HttpIngress::send(schema::HttpResponse::Reader from, Response& to, bool close) {
  kj::HttpHeaders headers(*headerTable);
  for (auto header : from.getHeaders()) {
    if (!isHopByHop(header.getName()))
      headers.add(kj::str(header.getName()), kj::str(header.getValue()));
  }
  auto status = from.getStatus();
  kj::StringPtr statusText = from.getStatusText();
  if (statusText.size() == 0) statusText = "Unknown"_kj;
  auto body = from.getBody();
  switch (body.which()) {
    case schema::Body::NONE: {
      begin(to, status, statusText, headers, uint64_t(0), close);
      break;
    }
    case schema::Body::BYTES: {
      auto bytes = body.getBytes();
      auto output = begin(to, status, statusText, headers, uint64_t(bytes.size()), close);
      co_await output->write(bytes.begin(), bytes.size());
      break;
    }
    case schema::Body::STREAM: {
      kj::Maybe<uint64_t> length;
      if (body.getLength() >= 0) length = static_cast<uint64_t>(body.getLength());
      auto output = begin(to, status, statusText, headers, length, close);
      co_await rpc::pump(body.getStream(), *output);
      break;
    }
  }
}

kj::Own<kj::WebSocket> HttpIngress::acceptWebSocket(schema::HttpResponse::Reader from,
                                                    Response& to) {
  kj::HttpHeaders headers(*headerTable);
  for (auto header : from.getHeaders()) {
    if (!isHopByHop(header.getName()) && !isHandshake(header.getName()))
      headers.add(kj::str(header.getName()), kj::str(header.getValue()));
  }
  return to.acceptWebSocket(headers);
}

kj::Promise<void> HttpIngress::refuse(schema::Failure::Reader failure, WatchedRequest& to,
                                      bool close) {
  to.refused();
  // The stack and the message of the program's own errors are the operator's; the client gets the class.
  bool overloaded =
      failure.getCode() == "ERR_OVERLOADED" || failure.getCode() == "ERR_TENANT_LIMIT";
  kj::HttpHeaders headers(*headerTable);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, "text/plain; charset=utf-8");
  auto text = failure.getCode().size() > 0
                  ? kj::str(failure.getCode(), ": ", failure.getMessage(), "\n")
                  : kj::str("The worker threw an exception.\n");
  uint status = overloaded ? 503 : 500;
  auto output = begin(to, status, reasonPhrase(status), headers, uint64_t(text.size()), close);
  co_await output->write(text.begin(), text.size());
}

kj::Promise<void> HttpIngress::handleApplicationError(kj::Exception exception,
                                                      kj::Maybe<Response&> response) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return kj::READY_NOW;
  bool ours = strcmp(exception.getFile(), OUR_FAILURE) == 0;
  if (ours) KJ_LOG(ERROR, "a request failed", exception);
  KJ_IF_MAYBE (to, response) {
    unsigned status = ours ? 500 : 400;
    kj::HttpHeaders headers(*headerTable);
    auto text = ours ? "The server failed to answer.\n"_kj : "The request is malformed.\n"_kj;
    auto output = begin(*to, status, reasonPhrase(status), headers, uint64_t(text.size()),
                        /*close=*/true);
    return output->write(text.begin(), text.size()).attach(kj::mv(output));
  }
  return kj::READY_NOW;
}

void HttpIngress::taskFailed(kj::Exception&& exception) {
  // A connection that broke is the client's affair.
  if (exception.getType() != kj::Exception::Type::DISCONNECTED)
    KJ_LOG(INFO, "a connection ended", exception);
}

}  // namespace mayfly::sandbox
