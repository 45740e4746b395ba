// The network as one sandbox sees it: an Entrypoint whose `fetch` speaks HTTP/1.1 to the host of the URL, or WebSocket
// if it is asked to, and whose `connect` opens byte connections.
//
// Contract   One hop: redirects are answered as they are, and following one is another fetch, checked anew.
//            The address that is connected to is the one that was checked. `call` and `get` are refused.
// Ownership  One for each sandbox: connections, and what a server may remember of them, are never shared.
//            The outbound network, resolver, TLS context, policy and observer must outlive the last reference
//            to the capability and to any response body obtained through it.
// Threads    Event loop of the supervisor.
// Trust      The whole request is hostile, and so is the response.
// Errors     As schema Failures that name the host and nothing behind it:
//              ERR_OUTBOUND_BLOCKED     the address, port or scheme is not permitted
//              ERR_OUTBOUND_CONNECT     no such host, refused, unreachable, TLS failed
//              ERR_OUTBOUND_TIMEOUT     too slow
//              ERR_OUTBOUND_PROTOCOL    the answer is not HTTP, or its header is too large
//              ERR_OUTBOUND_BODY        a body broke off, was too large or not as long as announced
//              ERR_OUTBOUND_LIMIT       too many requests wait, or none of those under way comes to an end
//            A malformed request is a TypeError without a code.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <kj/compat/tls.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include <cstddef>

#include "egress/address-policy.h"
#include "egress/outbound-observer.h"
#include "egress/resolver.h"
#include "schema/value.capnp.h"

namespace mayfly::egress {

struct OutboundLimits {
  kj::Duration connectTime = 10 * kj::SECONDS;  // name, connection and TLS together
  kj::Duration headerTime =
      10 * kj::SECONDS;  // from the end of the request to the end of the response's header
  kj::Duration idleTime = 30 * kj::SECONDS;  // between two pieces of a body, either way
  size_t headerBytes = 128 * 1024;
  uint64_t bodyBytes = 100 * 1024 * 1024;  // each way

  // Of one sandbox, open response bodies, WebSockets and byte connections included; further ones wait their turn, as on the platform. It has 6 for
  // each invocation; whose invocation a fetch belongs to is not the sandbox's to say, and a parent has many.
  unsigned requestsAtOnce = 32;
  unsigned requestsWaiting = 1000;
  kj::Duration placeTime = 30 * kj::SECONDS;
  uint32_t webSocketMessageBytes =
      1024 * 1024;  // one message, each way; it is held here while it is whole
};

// What all sandboxes share. References must outlive every entrypoint.
struct OutboundNetwork {
  kj::Network& network;
  kj::Timer& timer;
  Resolver& resolver;
  kj::SecureNetworkWrapper& tls;
  const AddressPolicy& policy;
  OutboundLimits limits;
};

// For a sandbox that may reach the network as far as the policy goes.
schema::Entrypoint::Client newNetworkEntrypoint(const OutboundNetwork& outbound,
                                                kj::Own<OutboundObserver> observer);

// For one that may not: every fetch is refused before a name is looked up.
schema::Entrypoint::Client newRefusingEntrypoint();

}  // namespace mayfly::egress
