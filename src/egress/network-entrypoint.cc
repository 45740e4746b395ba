#include "egress/network-entrypoint.h"

#include <kj/debug.h>

#include "egress/body-stream.h"
#include "egress/byte-connection.h"
#include "egress/header-fields.h"
#include "egress/origin.h"
#include "egress/request-places.h"
#include "egress/target.h"
#include "egress/trouble.h"
#include "rpc/web-socket-bridge.h"

namespace mayfly::egress {
namespace {

void refuseCall(schema::Reply::Builder reply) {
  auto failure = reply.initFailure();
  failure.setName("TypeError");
  failure.setMessage("The network has no RPC methods; it can only fetch().");
}

// What a response needs until its body is read.
struct Exchange {
  kj::Own<Origin> origin;
  kj::Own<void> place;
  kj::ForkedPromise<void> sending;  // an upload may go on while its answer is read
};

// What a WebSocket needs until it is closed.
struct Upgraded {
  kj::Own<Origin> origin;
  kj::Own<void> place;
};

bool hasNoBody(kj::HttpMethod method, unsigned status) {
  return method == kj::HttpMethod::HEAD || status == 204 || status == 205 || status == 304;
}

class NetworkEntrypoint final : public schema::Entrypoint::Server {
public:
  NetworkEntrypoint(const OutboundNetwork& outbound, kj::Own<OutboundObserver> watcher)
      : net(outbound),
        observer(kj::mv(watcher)),
        places(net.timer, {.atOnce = net.limits.requestsAtOnce,
                           .waiting = net.limits.requestsWaiting,
                           .time = net.limits.placeTime}) {}

  kj::Promise<void> fetch(FetchContext context) override {
    return reach(
        context, TroubleKind::PROTOCOL, "fetch"_kj,
        [this, context]() mutable {
          return readTarget(context.getParams().getRequest().getUrl(), net.policy);
        },
        [this, context](Target& target) mutable { return send(context, target); });
  }

  kj::Promise<void> connect(ConnectContext context) override {
    return reach(
        context, TroubleKind::CONNECT, "connection"_kj,
        [this, context]() mutable {
          return readSocketTarget(context.getParams().getAddress(), net.policy);
        },
        [this, context](Target& target) mutable { return dial(context, target); });
  }

  kj::Promise<void> call(CallContext context) override {
    refuseCall(context.getResults().initReply());
    return kj::READY_NOW;
  }

  kj::Promise<void> get(GetContext context) override {
    refuseCall(context.getResults().initReply());
    return kj::READY_NOW;
  }

private:
  // Goes where `read` says. Whatever goes wrong on the way is told to the operator and becomes the answer.
  template <typename Context, typename Read, typename Go>
  kj::Promise<void> reach(Context context, TroubleKind otherwise, kj::StringPtr what, Read read,
                          Go go) {
    kj::String host;
    uint16_t port = 0;
    kj::Maybe<Trouble> failed;
    try {
      kj::OneOf<Target, Unreachable> target = read();
      KJ_IF_MAYBE (unreachable, target.template tryGet<Unreachable>()) {
        host = kj::mv(unreachable->host);
        failed = kj::mv(unreachable->trouble);
      } else {
        auto& reachable = target.template get<Target>();
        host = kj::str(reachable.host);
        port = reachable.port;
        co_await go(reachable);
        co_return;
      }
    } catch (...) {
      failed = Trouble::from(kj::getCaughtExceptionAsKj(), otherwise);
    }
    auto& trouble = KJ_ASSERT_NONNULL(failed);
    tell(trouble, host, port);
    fillFailure(context.getResults().initResult().initFailure(), trouble, host, what);
  }

  OutboundNetwork net;
  kj::Own<OutboundObserver> observer;
  RequestPlaces places;
  kj::Maybe<kj::Own<Connections>>
      connections;  // made by the first request: most sandboxes have none

  Connections& openConnections() {
    KJ_IF_MAYBE (existing, connections) return **existing;
    return *connections.emplace(kj::heap<Connections>(net));
  }

  void tell(const Trouble& trouble, kj::StringPtr host, uint16_t port) {
    OutboundEvent event{operatorCode(trouble.kind), host, port, trouble.detail};
    if (trouble.kind == TroubleKind::BLOCKED || trouble.kind == TroubleKind::MALFORMED) {
      observer->refused(event);
    } else {
      observer->failed(event);
    }
  }

  kj::Promise<void> send(FetchContext& context, const Target& target) {
    auto request = context.getParams().getRequest();
    kj::HttpMethod method = readMethod(request.getMethod());
    auto body = request.getBody();
    bool hasBody = !body.isNone();
    if (hasBody && (method == kj::HttpMethod::GET || method == kj::HttpMethod::HEAD)) {
      raise(TroubleKind::MALFORMED, "Request with a GET or HEAD method cannot have a body.");
    }
    auto& table = openConnections().headerTable();
    kj::HttpHeaders headers(table);
    KJ_IF_MAYBE (trouble, copyRequestFields(request.getHeaders(), target.authority,
                                            net.limits.headerBytes, headers)) {
      kj::throwFatalException(trouble->toException());
    }
    auto origin = openConnections().to(target);
    if (request.hasWebSocket()) {
      if (method != kj::HttpMethod::GET)
        raise(TroubleKind::MALFORMED, "Only a GET request can ask for a WebSocket.");
      auto place = co_await places.take();
      co_await upgrade(context, target, kj::mv(headers), kj::mv(origin), kj::mv(place));
      co_return;
    }

    kj::Maybe<uint64_t> length;
    if (body.isBytes()) {
      length = uint64_t(body.getBytes().size());
    } else if (hasBody && body.getLength() >= 0) {
      length = static_cast<uint64_t>(body.getLength());
    } else if (!hasBody && method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD) {
      length = uint64_t(0);
    }
    KJ_IF_MAYBE (bytes, length) {
      if (*bytes > net.limits.bodyBytes) raise(TroubleKind::BODY, "the request body is too large");
    }

    auto place = co_await places.take();
    auto exchange = origin->client().request(method, target.path, headers, length);
    auto sending = writeBody(kj::mv(exchange.body), body, length).fork();
    auto response = co_await exchange.response.exclusiveJoin(headerDeadline(sending.addBranch()));
    answer(context, method, kj::mv(response), kj::str(target.host),
           kj::heap(Exchange{kj::mv(origin), kj::mv(place), kj::mv(sending)}));
  }

  kj::Promise<void> upgrade(FetchContext& context, const Target& target, kj::HttpHeaders headers,
                            kj::Own<Origin> origin, kj::Own<void> place) {
    // The handshake is ours.
    for (auto id :
         {kj::HttpHeaderId::SEC_WEBSOCKET_ACCEPT, kj::HttpHeaderId::SEC_WEBSOCKET_EXTENSIONS,
          kj::HttpHeaderId::SEC_WEBSOCKET_KEY, kj::HttpHeaderId::SEC_WEBSOCKET_VERSION}) {
      headers.unset(id);
    }
    auto tooLate = net.timer.afterDelay(net.limits.connectTime + net.limits.headerTime)
                       .then([]() -> kj::HttpClient::WebSocketResponse {
                         raise(TroubleKind::TIMEOUT, "no answer in time");
                       });
    auto response = co_await origin->client()
                        .openWebSocket(target.path, headers)
                        .exclusiveJoin(kj::mv(tooLate));
    auto keep = kj::heap(Upgraded{kj::mv(origin), kj::mv(place)});
    KJ_IF_MAYBE (body, response.webSocketOrBody.tryGet<kj::Own<kj::AsyncInputStream>>()) {
      if (response.statusCode == 101) raise(TroubleKind::PROTOCOL, "not a WebSocket handshake");
      answer(context, kj::HttpMethod::GET,
             {response.statusCode, response.statusText, response.headers, kj::mv(*body)},
             kj::str(target.host), kj::mv(keep));
      co_return;
    }
    auto result = context.getResults().initResult().initResponse();
    result.setStatus(101);
    result.setStatusText(response.statusText);
    KJ_IF_MAYBE (trouble, copyResponseFields(*response.headers, net.limits.headerBytes, result)) {
      kj::throwFatalException(trouble->toException());
    }
    result.setMaxMessageBytes(net.limits.webSocketMessageBytes);
    result.setWebSocket(
        rpc::WebSocketBridge::own(kj::mv(response.webSocketOrBody.get<kj::Own<kj::WebSocket>>()),
                                  context.getParams().getRequest().getWebSocket(),
                                  net.limits.webSocketMessageBytes, kj::mv(keep)));
  }

  kj::Promise<void> dial(ConnectContext& context, Target& target) {
    auto place = co_await places.take();
    auto secureTransport = context.getParams().getSecureTransport();
    target.secure = secureTransport == schema::SecureTransport::ON;
    auto stream = co_await openConnections().dial(target);
    kj::Maybe<kj::SecureNetworkWrapper&> tls;
    if (secureTransport == schema::SecureTransport::START_TLS) tls = net.tls;
    auto connection = context.getResults().initResult().initConnection();
    connection.setRemoteAddress(context.getParams().getAddress());
    fillConnection(connection, kj::mv(stream), tls, target.host, kj::mv(place));
  }

  [[noreturn]] static void raise(TroubleKind kind, kj::StringPtr detail) {
    kj::throwFatalException(Trouble{kind, kj::str(detail)}.toException());
  }

  static kj::HttpMethod readMethod(kj::StringPtr name) {
    KJ_IF_MAYBE (method, kj::tryParseHttpMethod(name)) {
      if (*method != kj::HttpMethod::TRACE) return *method;
    }
    raise(TroubleKind::MALFORMED, "Unsupported HTTP method.");
  }

  // Rejects if the header of the response does not come in time after the request was sent. A connection that
  // closes while we send may still have an answer for us, so that alone is not the end.
  kj::Promise<kj::HttpClient::Response> headerDeadline(kj::Promise<void> sending) {
    try {
      co_await sending;
    } catch (...) {
      auto exception = kj::getCaughtExceptionAsKj();
      if (exception.getType() != kj::Exception::Type::DISCONNECTED)
        kj::throwFatalException(kj::mv(exception));
    }
    co_await net.timer.afterDelay(net.limits.headerTime);
    raise(TroubleKind::TIMEOUT, "no answer in time");
  }

  kj::Promise<void> writeBody(kj::Own<kj::AsyncOutputStream> connection, schema::Body::Reader body,
                              kj::Maybe<uint64_t> length) {
    switch (body.which()) {
      case schema::Body::NONE:
        return kj::READY_NOW;
      case schema::Body::BYTES: {
        if (body.getBytes().size() == 0) return kj::READY_NOW;
        auto bytes = kj::heapArray<kj::byte>(body.getBytes());
        auto writing = connection->write(bytes.begin(), bytes.size());
        return writing.attach(kj::mv(bytes), kj::mv(connection));
      }
      case schema::Body::STREAM:
        if (length.orDefault(1) == 0) return kj::READY_NOW;
        return sendBody(body.getStream(), kj::mv(connection), length, net.timer, net.limits);
    }
    raise(TroubleKind::MALFORMED, "Unknown kind of body.");
  }

  void answer(FetchContext& context, kj::HttpMethod method, kj::HttpClient::Response response,
              kj::String host, kj::Own<void> keep) {
    if (response.statusCode < 200 || response.statusCode > 999) {
      kj::throwFatalException(
          Trouble{TroubleKind::PROTOCOL, kj::str("status ", response.statusCode)}.toException());
    }
    auto result = context.getResults().initResult().initResponse();
    result.setStatus(static_cast<uint16_t>(response.statusCode));
    result.setStatusText(response.statusText);
    KJ_IF_MAYBE (trouble, copyResponseFields(*response.headers, net.limits.headerBytes, result)) {
      kj::throwFatalException(trouble->toException());
    }
    auto body = result.initBody();
    if (hasNoBody(method, response.statusCode)) {
      body.setNone();
      return;
    }
    KJ_IF_MAYBE (length, response.body->tryGetLength()) {
      if (*length > net.limits.bodyBytes)
        raise(TroubleKind::BODY, "the response body is too large");
      body.setLength(static_cast<int64_t>(*length));
    }
    body.setStream(
        newResponseBody(kj::mv(response.body), kj::mv(host), net.timer, net.limits, kj::mv(keep)));
  }
};

class RefusingEntrypoint final : public schema::Entrypoint::Server {
public:
  kj::Promise<void> fetch(FetchContext context) override {
    refuse(context.getResults().initResult().initFailure());
    return kj::READY_NOW;
  }

  kj::Promise<void> connect(ConnectContext context) override {
    refuse(context.getResults().initResult().initFailure());
    return kj::READY_NOW;
  }

  kj::Promise<void> call(CallContext context) override {
    refuseCall(context.getResults().initReply());
    return kj::READY_NOW;
  }

  kj::Promise<void> get(GetContext context) override {
    refuseCall(context.getResults().initReply());
    return kj::READY_NOW;
  }

private:
  static void refuse(schema::Failure::Builder failure) {
    failure.setName("Error");
    failure.setMessage(
        "This worker is not permitted to access the internet via global functions like fetch(). "
        "It must use capabilities (such as bindings in 'env') to talk to the outside world.");
    failure.setCode("ERR_OUTBOUND_BLOCKED");
  }
};

}  // namespace

schema::Entrypoint::Client newNetworkEntrypoint(const OutboundNetwork& outbound,
                                                kj::Own<OutboundObserver> observer) {
  return kj::heap<NetworkEntrypoint>(outbound, kj::mv(observer));
}

schema::Entrypoint::Client newRefusingEntrypoint() { return kj::heap<RefusingEntrypoint>(); }

}  // namespace mayfly::egress
