// Host names to addresses.
//
// Contract   Every address of the name, in the order of preference. Names nothing: an empty array.
// Ownership  Outlives the promises it gave out.
// Threads    Event loop of its creator. The system's resolver runs its queries on threads of its own, at most
//            MAX_LOOKUPS at a time; further ones wait their turn.
// Trust      `host` was written by a guest, and the answer by whoever answers for that name.
#pragma once

#include <kj/array.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "egress/socket-address.h"

namespace mayfly::egress {

class Resolver {
public:
  virtual ~Resolver() noexcept(false) = default;
  virtual kj::Promise<kj::Array<SocketAddress>> resolve(kj::String host, uint16_t port) = 0;
};

constexpr unsigned MAX_LOOKUPS = 16;

// The system's: /etc/hosts, then the name servers of /etc/resolv.conf, or only `nameServer` if there is one.
kj::Own<Resolver> newSystemResolver(kj::Maybe<SocketAddress> nameServer = nullptr);

// An IPv4 address, with a port unless it is 53. Throws OperatorError `config.name-server`; `where` is for its text.
SocketAddress readNameServer(kj::StringPtr text, kj::StringPtr where);

}  // namespace mayfly::egress
