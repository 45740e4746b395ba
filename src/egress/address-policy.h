// Which network addresses guests may reach.
//
// Contract   Public unicast addresses are allowed. Everything else (loopback, private, link-local, shared,
//            documentation, benchmarking, multicast, reserved, IPv4 addresses that hide in IPv6 ones) is
//            forbidden unless a rule of the operator covers it. Ports that browsers block are forbidden to all.
// Threads    Immutable once the rules are in; any thread may then judge.
// Trust      Hosts and addresses are hostile. Rules are the operator's.
// Errors     allow() throws OperatorError `config.egress-rule`.
#pragma once

#include <kj/array.h>
#include <kj/string.h>  // kj/cidr.h does not compile without it
#include <kj/vector.h>

#include <kj/cidr.h>

#include <cstdint>

#include "egress/socket-address.h"

namespace mayfly::egress {

enum class Verdict : uint8_t {
  PUBLIC,    // allowed because the address is public
  OPERATOR,  // allowed because a rule covers it
  FORBIDDEN,
};

class AddressPolicy {
public:
  AddressPolicy() = default;  // no rules: the public internet only

  // The rule language is documented in config/mayfly-options.h. `where` is for the error message.
  void allow(kj::StringPtr rule, kj::StringPtr where);

  // The verdict on connecting to `address` because a URL named `host`. IPv4-mapped addresses are judged as the
  // IPv4 address they stand for.
  Verdict judge(kj::StringPtr host, const SocketAddress& address) const;

  // Whether a rule names this very host and port, blocked ports included.
  bool namesPort(kj::StringPtr host, uint16_t port) const;

private:
  struct Range {
    kj::CidrRange range;
    uint16_t port;  // 0: every port
  };
  struct NamedHost {
    kj::String host;
    uint16_t port;
  };
  kj::Vector<Range> ranges;
  kj::Vector<NamedHost> hosts;
};

// Whether an address is public unicast, after unwrapping ::ffff:0:0/96.
bool isPublicAddress(const SocketAddress& address);

// Whether another protocol lives on this port: those that the fetch standard blocks, and a few data stores.
bool isBlockedPort(uint16_t port);

// Whether no byte connection goes there either. Those that the fetch standard blocks are open to byte connections, which
// speak the protocol that belongs there.
bool isBlockedForSockets(uint16_t port);

}  // namespace mayfly::egress
