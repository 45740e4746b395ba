// Where a request goes, as the one URL parser that decides reads it.
#pragma once

#include <kj/one-of.h>
#include <kj/string.h>

#include <cstdint>

#include "egress/address-policy.h"
#include "egress/trouble.h"

namespace mayfly::egress {

struct Target {
  bool secure;      // https
  kj::String host;  // a name, a dotted quad, or an IPv6 address without brackets; in lower case
  uint16_t port;
  kj::String
      authority;  // for the Host header: with brackets, and with the port unless it is the scheme's own
  kj::String path;  // with the query; begins with `/`
};

struct Unreachable {
  Trouble trouble;
  kj::String host;  // for messages; may be empty
};

constexpr size_t MAX_URL_BYTES = 64 * 1024;

// Refuses what is no http(s) URL, has a user name or password, or a port that is blocked and that no rule names.
kj::OneOf<Target, Unreachable> readTarget(kj::StringPtr url, const AddressPolicy& policy);

// The same for the address of a byte connection, `host:port`.
kj::OneOf<Target, Unreachable> readSocketTarget(kj::StringPtr address, const AddressPolicy& policy);

}  // namespace mayfly::egress
