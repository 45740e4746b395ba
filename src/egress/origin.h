// The connections of one sandbox, grouped by origin.
//
// Contract   Each new connection looks its host up again and checks every address of it: if one is forbidden, the
//            origin is. The connection goes to an address that was checked, never to the name.
// Ownership  Connections holds the origins; whoever uses one holds a reference, so that an origin that is
//            dropped from the table lives until its last response is read.
// Threads    Event loop of the supervisor.
// Errors     Connecting fails with a Trouble (egress/trouble.h) inside of a kj::Exception.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <kj/map.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "egress/network-entrypoint.h"
#include "egress/target.h"

namespace mayfly::egress {

// Opens checked connections.
class Connector final : public kj::Refcounted {
public:
  explicit Connector(const OutboundNetwork& outbound);

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(kj::String host, uint16_t port, bool secure);

  const OutboundNetwork net;
  const kj::HttpHeaderTable headerTable;

private:
  // KJ's own guard, as a second lock: what our table calls public must be public to KJ too.
  kj::Own<kj::Network> publicOnly;

  kj::Promise<kj::Own<kj::AsyncIoStream>> connectAndSecure(kj::String host, uint16_t port,
                                                           bool secure);
  kj::Promise<kj::Own<kj::AsyncIoStream>> connectToAny(kj::StringPtr host, uint16_t port);
};

// Keeps the idle connections to one scheme, host and port.
class Origin final : public kj::Refcounted, private kj::NetworkAddress {
public:
  Origin(kj::Own<Connector> connector, const Target& target);

  kj::HttpClient& client() { return *http; }

private:
  kj::Own<Connector> connector;
  kj::String host;
  uint16_t port;
  bool secure;
  kj::Own<kj::HttpClient> http;

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect() override;
  kj::Own<kj::ConnectionReceiver> listen() override;
  kj::Own<kj::NetworkAddress> clone() override;
  kj::String toString() override;
};

class Connections final {
public:
  explicit Connections(const OutboundNetwork& outbound)
      : connector(kj::refcounted<Connector>(outbound)) {}

  kj::Own<Origin> to(const Target& target);

  // A connection of its own.
  kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const Target& target) {
    return connector->connect(kj::str(target.host), target.port, target.secure)
        .attach(kj::addRef(*connector));
  }

  const kj::HttpHeaderTable& headerTable() const { return connector->headerTable; }

private:
  static constexpr size_t MAX_ORIGINS = 16;

  kj::Own<Connector> connector;
  kj::HashMap<kj::String, kj::Own<Origin>> origins;
};

}  // namespace mayfly::egress
