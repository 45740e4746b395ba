#include "egress/origin.h"

#include <kj/debug.h>
#include <kj/vector.h>
#include <sys/random.h>

namespace mayfly::egress {
namespace {

constexpr kj::Duration KEEP_ALIVE = 15 * kj::SECONDS;

// For the keys and masks of WebSockets.
class SystemEntropy final : public kj::EntropySource {
public:
  void generate(kj::ArrayPtr<kj::byte> buffer) override {
    while (buffer.size() > 0) {
      ssize_t count;
      KJ_SYSCALL(count = getrandom(buffer.begin(), buffer.size(), 0));
      buffer = buffer.slice(static_cast<size_t>(count), buffer.size());
    }
  }
};

kj::EntropySource& systemEntropy() {
  static SystemEntropy entropy;
  return entropy;
}

// What to look up for a host: `localhost` and what ends in it is this machine for everybody (RFC 6761), whatever a name
// server says.
kj::String lookupName(kj::StringPtr host) {
  auto name = host.endsWith(".") ? kj::str(host.slice(0, host.size() - 1)) : kj::str(host);
  bool isLocal = name == "localhost" || name.endsWith(".localhost");
  return isLocal ? kj::str("localhost") : kj::str(host);
}

}  // namespace

Connector::Connector(const OutboundNetwork& outbound)
    : net(outbound), publicOnly(net.network.restrictPeers({"public"_kj})) {}

kj::Promise<kj::Own<kj::AsyncIoStream>> Connector::connect(kj::String host, uint16_t port,
                                                           bool secure) {
  auto tooLate =
      net.timer.afterDelay(net.limits.connectTime).then([]() -> kj::Own<kj::AsyncIoStream> {
        kj::throwFatalException(
            Trouble{TroubleKind::TIMEOUT, kj::str("connecting took too long")}.toException());
      });
  return connectAndSecure(kj::mv(host), port, secure).exclusiveJoin(kj::mv(tooLate));
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Connector::connectAndSecure(kj::String host, uint16_t port,
                                                                    bool secure) {
  auto stream = co_await connectToAny(host, port);
  if (!secure) co_return kj::mv(stream);
  kj::Maybe<kj::Exception> failure;
  try {
    // A trailing dot is part of the name in DNS, but never of a certificate.
    auto name = host.endsWith(".") ? kj::str(host.slice(0, host.size() - 1)) : kj::str(host);
    co_return co_await net.tls.wrapClient(kj::mv(stream), name);
  } catch (...) {
    failure = kj::getCaughtExceptionAsKj();
  }
  kj::throwFatalException(
      Trouble{TroubleKind::TLS, kj::str(KJ_ASSERT_NONNULL(failure).getDescription())}
          .toException());
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Connector::connectToAny(kj::StringPtr host, uint16_t port) {
  kj::Array<SocketAddress> addresses;
  kj::String lastError;
  try {
    addresses = co_await net.resolver.resolve(lookupName(host), port);
  } catch (...) {
    lastError = kj::str(kj::getCaughtExceptionAsKj().getDescription());
  }
  if (addresses.size() == 0) {
    kj::throwFatalException(Trouble{TroubleKind::NO_SUCH_HOST, kj::mv(lastError)}.toException());
  }
  for (auto& address : addresses) {
    if (net.policy.judge(host, address) == Verdict::FORBIDDEN) {
      kj::throwFatalException(
          Trouble{TroubleKind::BLOCKED, kj::str(host, " is ", address.toString())}.toException());
    }
  }
  for (auto& address : addresses) {
    auto verdict = net.policy.judge(host, address);
    auto& network = verdict == Verdict::OPERATOR ? net.network : *publicOnly;
    auto plain = address.unmapped();
    try {
      auto checked = network.getSockaddr(plain.get(), plain.size());
      co_return co_await checked->connect();
    } catch (...) {
      lastError = kj::str(plain.toString(), ": ", kj::getCaughtExceptionAsKj().getDescription());
    }
  }
  kj::throwFatalException(Trouble{TroubleKind::CONNECT, kj::mv(lastError)}.toException());
}

Origin::Origin(kj::Own<Connector> connectorToUse, const Target& target)
    : connector(kj::mv(connectorToUse)),
      host(kj::str(target.host)),
      port(target.port),
      secure(target.secure) {
  kj::HttpClientSettings settings;
  settings.idleTimeout = KEEP_ALIVE;
  settings.entropySource = systemEntropy();
  http = kj::newHttpClient(connector->net.timer, connector->headerTable, *this, settings);
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Origin::connect() {
  return connector->connect(kj::str(host), port, secure).attach(kj::addRef(*connector));
}

kj::Own<kj::ConnectionReceiver> Origin::listen() {
  KJ_FAIL_REQUIRE("an origin is only connected to");
}

kj::Own<kj::NetworkAddress> Origin::clone() { KJ_FAIL_REQUIRE("an origin is not copied"); }

kj::String Origin::toString() { return kj::str(host, ':', port); }

kj::Own<Origin> Connections::to(const Target& target) {
  auto key = kj::str(target.secure ? "https://" : "http://", target.authority);
  KJ_IF_MAYBE (origin, origins.find(key)) {
    return kj::addRef(**origin);
  }
  if (origins.size() >= MAX_ORIGINS)
    origins.clear();  // idle connections close; used ones are held by their users
  auto origin = kj::refcounted<Origin>(kj::addRef(*connector), target);
  auto result = kj::addRef(*origin);
  origins.insert(kj::mv(key), kj::mv(origin));
  return result;
}

}  // namespace mayfly::egress
