#include "egress/address-policy.h"

#include <ada.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::egress {
namespace {

// IPv4 that is not public unicast: the special-purpose registries of IANA, and one address that only a cloud's
// metadata service has.
constexpr const char* SPECIAL_IP4[] = {
    "0.0.0.0/8",         // this network
    "10.0.0.0/8",        // private
    "100.64.0.0/10",     // shared between a carrier and its customers
    "127.0.0.0/8",       // loopback
    "168.63.129.16/32",  // Azure's host agent
    "169.254.0.0/16",    // link-local, metadata services
    "172.16.0.0/12",     // private
    "192.0.0.0/24",      // protocol assignments
    "192.0.2.0/24",      // documentation
    "192.88.99.0/24",    // 6to4 relays
    "192.168.0.0/16",    // private
    "198.18.0.0/15",     // benchmarking
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved, broadcast
};

// IPv6 outside of here is loopback, private, link-local, multicast, NAT64 (64:ff9b::/96) or unassigned.
constexpr const char* GLOBAL_IP6 = "2000::/3";
constexpr const char* SPECIAL_IP6[] = {
    "2001::/23",      // protocol assignments, Teredo among them
    "2001:db8::/32",  // documentation
    "2002::/16",      // 6to4: an IPv4 address in disguise
    "3fff::/20",      // documentation
};

const kj::Array<kj::CidrRange>& specialRanges() {
  static const kj::Array<kj::CidrRange> RANGES = [] {
    kj::Vector<kj::CidrRange> result;
    for (auto text : SPECIAL_IP4)
      result.add(kj::CidrRange(text));
    for (auto text : SPECIAL_IP6)
      result.add(kj::CidrRange(text));
    return result.releaseAsArray();
  }();
  return RANGES;
}

const kj::CidrRange& globalIp6() {
  static const kj::CidrRange RANGE(GLOBAL_IP6);
  return RANGE;
}

// The fetch standard's bad ports, and from 2375 on the services that are known to be tricked by HTTP.
constexpr uint16_t BLOCKED_PORTS[] = {
    0,    1,    7,    9,    11,   13,   15,   17,    19,   20,   21,   22,   23,   25,    37,
    42,   43,   53,   69,   77,   79,   87,   95,    101,  102,  103,  104,  109,  110,   111,
    113,  115,  117,  119,  123,  135,  137,  139,   143,  161,  179,  389,  427,  465,   512,
    513,  514,  515,  526,  530,  531,  532,  540,   548,  554,  556,  563,  587,  601,   636,
    989,  990,  993,  995,  1719, 1720, 1723, 2049,  3659, 4045, 4190, 5060, 5061, 6000,  6566,
    6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 2375, 3306, 5432, 6379, 9200, 11211, 27017,
};

[[noreturn]] void refuseRule(kj::StringPtr rule, kj::StringPtr where, kj::StringPtr why) {
  OperatorError{
      .code = kj::str("config.egress-rule"),
      .what = kj::str(quoteJson(rule), " is not a rule for \"mayfly.egress.allow\""),
      .where = kj::str(where),
      .why = kj::str(why),
      .fix = kj::str("write an address and port (\"127.0.0.1:9000\"), a range (\"10.0.0.0/8\"), a "
                     "name and port "
                     "(\"db.corp:5432\"), \"private\" or \"loopback\""),
  }
      .raise();
}

kj::Maybe<uint16_t> parsePort(kj::StringPtr text) {
  if (text.size() == 0 || text.size() > 5) return nullptr;
  uint32_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return nullptr;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value == 0 || value > 65535) return nullptr;
  return static_cast<uint16_t>(value);
}

// A host name as a URL would spell it after parsing; null if it is none.
kj::Maybe<kj::String> normaliseHost(kj::StringPtr host) {
  for (char c : host) {
    if (c == '/' || c == '@' || c == '?' || c == '#' || c == '\\' || c == ':') return nullptr;
  }
  auto url = ada::parse<ada::url_aggregator>(std::string("http://") + host.cStr() + "/");
  if (!url || url->get_hostname().empty()) return nullptr;
  auto name = url->get_hostname();
  return kj::heapString(name.data(), name.size());
}

}  // namespace

void AddressPolicy::allow(kj::StringPtr rule, kj::StringPtr where) {
  auto addRange = [&](kj::StringPtr cidr, uint16_t port) {
    ranges.add(Range{kj::CidrRange(cidr), port});
  };
  if (rule == "private") {
    for (auto cidr : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"})
      addRange(cidr, 0);
    return;
  }
  if (rule == "loopback") {
    for (auto cidr : {"127.0.0.0/8", "::1/128"})
      addRange(cidr, 0);
    return;
  }

  // Split into host, prefix length and port: `[v6]/n:port`, `v4/n:port`, `name:port`, or an address alone.
  kj::String host;
  kj::StringPtr rest;
  if (rule.startsWith("[")) {
    size_t close =
        KJ_UNWRAP_OR(rule.findFirst(']'), refuseRule(rule, where, "the bracket is never closed"));
    host = kj::str(rule.slice(1, close));
    rest = rule.slice(close + 1);
    if (host.findFirst(':') == nullptr)
      refuseRule(rule, where, "only IPv6 addresses stand in brackets");
  } else if (SocketAddress::tryParse(rule.slice(0), 0) != nullptr) {
    host = kj::str(rule);
    rest = ""_kj;
  } else {
    size_t end = 0;
    bool manyColons = rule.findFirst(':') != rule.findLast(':');
    while (end < rule.size() && rule[end] != '/' && (manyColons || rule[end] != ':'))
      ++end;
    host = kj::str(rule.slice(0, end));
    rest = rule.slice(end);
  }

  kj::Maybe<uint16_t> prefixBits;
  if (rest.startsWith("/")) {
    size_t end = 1;
    while (end < rest.size() && rest[end] != ':')
      ++end;
    auto digits = kj::str(rest.slice(1, end));
    if (digits == "0") {
      prefixBits = uint16_t(0);
    } else {
      prefixBits =
          KJ_UNWRAP_OR(parsePort(digits),
                       refuseRule(rule, where, "the number after \"/\" is not a prefix length"));
    }
    rest = rest.slice(end);
  }
  uint16_t port = 0;
  if (rest.size() > 0) {
    if (!rest.startsWith(":"))
      refuseRule(rule, where, kj::str("it does not say what ", quoteJson(rest), " means"));
    port = KJ_UNWRAP_OR(parsePort(rest.slice(1)),
                        refuseRule(rule, where, "a port is a number from 1 to 65535"));
  }

  KJ_IF_MAYBE (address, SocketAddress::tryParse(host, port)) {
    uint16_t allBits = address->get()->sa_family == AF_INET ? 32 : 128;
    KJ_IF_MAYBE (bits, prefixBits) {
      if (*bits > allBits)
        refuseRule(rule, where, kj::str("such an address has only ", allBits, " bits"));
      addRange(kj::str(host, '/', *bits), port);
    } else {
      addRange(kj::str(host, '/', allBits), port);
    }
    return;
  }
  if (prefixBits != nullptr) refuseRule(rule, where, "before the \"/\" there is no address");
  if (port == 0)
    refuseRule(rule, where,
               "a name needs a port, so that not every service of that host is opened");
  auto name = KJ_UNWRAP_OR(normaliseHost(host),
                           refuseRule(rule, where, kj::str(quoteJson(host), " is no host name")));
  if (SocketAddress::tryParse(name, 0) != nullptr) {
    refuseRule(rule, where,
               kj::str(quoteJson(host), " is an unusual way to write the address ", name));
  }
  hosts.add(NamedHost{kj::mv(name), port});
}

Verdict AddressPolicy::judge(kj::StringPtr host, const SocketAddress& address) const {
  auto judged = address.unmapped();
  if (isPublicAddress(judged)) return Verdict::PUBLIC;
  for (auto& rule : ranges) {
    if ((rule.port == 0 || rule.port == judged.port()) && rule.range.matches(judged.get()))
      return Verdict::OPERATOR;
  }
  for (auto& rule : hosts) {
    if (rule.port == judged.port() && rule.host == host) return Verdict::OPERATOR;
  }
  return Verdict::FORBIDDEN;
}

bool AddressPolicy::namesPort(kj::StringPtr host, uint16_t port) const {
  if (port == 0) return false;  // in a rule that is every port, but none by name
  for (auto& rule : hosts) {
    if (rule.port == port && rule.host == host) return true;
  }
  KJ_IF_MAYBE (address, SocketAddress::tryParse(host, port)) {
    auto judged = address->unmapped();
    for (auto& rule : ranges) {
      if (rule.port == port && rule.range.matches(judged.get())) return true;
    }
  }
  return false;
}

bool isPublicAddress(const SocketAddress& address) {
  auto judged = address.unmapped();
  if (judged.get()->sa_family == AF_INET6 && !globalIp6().matches(judged.get())) return false;
  for (auto& range : specialRanges()) {
    if (range.matches(judged.get())) return false;
  }
  return true;
}

bool isBlockedForSockets(uint16_t port) {
  return port == 25;  // between mail servers: what comes from here is spam
}

bool isBlockedPort(uint16_t port) {
  return std::find(std::begin(BLOCKED_PORTS), std::end(BLOCKED_PORTS), port) !=
         std::end(BLOCKED_PORTS);
}

}  // namespace mayfly::egress
