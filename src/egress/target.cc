#include "egress/target.h"

#include <ada.h>

#include <string_view>

namespace mayfly::egress {
namespace {

kj::String copy(std::string_view text) { return kj::heapString(text.data(), text.size()); }

Unreachable malformed(kj::String message, kj::String host = kj::String()) {
  return {{TroubleKind::MALFORMED, kj::mv(message)}, kj::mv(host)};
}

kj::String shortened(kj::StringPtr url) {
  return url.size() <= 200 ? kj::str(url) : kj::str(url.slice(0, 200), "…");
}

// What the parser let through is at most 65535.
uint16_t readPort(std::string_view digits) {
  uint16_t port = 0;
  for (char digit : digits)
    port = static_cast<uint16_t>(port * 10 + (digit - '0'));
  return port;
}

}  // namespace

kj::OneOf<Target, Unreachable> readTarget(kj::StringPtr url, const AddressPolicy& policy) {
  if (url.size() > MAX_URL_BYTES)
    return malformed(kj::str("Invalid URL: longer than ", MAX_URL_BYTES, " bytes"));
  auto parsed = ada::parse<ada::url_aggregator>(std::string_view(url.begin(), url.size()));
  if (!parsed) return malformed(kj::str("Invalid URL: ", shortened(url)));

  bool secure = parsed->get_protocol() == "https:";
  if (!secure && parsed->get_protocol() != "http:")
    return malformed(kj::str("Fetch API cannot load: ", shortened(url)));

  auto hostname = parsed->get_hostname();
  if (hostname.starts_with('[')) hostname = hostname.substr(1, hostname.size() - 2);
  auto host = copy(hostname);
  if (parsed->has_credentials()) {
    return malformed(kj::str("Invalid URL: it holds a user name or password"), kj::mv(host));
  }

  uint16_t port = secure ? 443 : 80;
  if (parsed->has_port()) port = readPort(parsed->get_port());
  if (isBlockedPort(port) && !policy.namesPort(host, port)) {
    return Unreachable{{TroubleKind::BLOCKED, kj::str("port ", port, " is blocked")}, kj::mv(host)};
  }

  return Target{
      .secure = secure,
      .host = kj::mv(host),
      .port = port,
      .authority = copy(parsed->get_host()),
      .path = kj::str(copy(parsed->get_pathname()), copy(parsed->get_search())),
  };
}

kj::OneOf<Target, Unreachable> readSocketTarget(kj::StringPtr address,
                                                const AddressPolicy& policy) {
  // As a URL, so that a host is spelt the same way for both.
  auto text = kj::str("http://", address, "/");
  auto parsed = ada::parse<ada::url_aggregator>(std::string_view(text.begin(), text.size()));
  if (address.size() > MAX_URL_BYTES || !parsed || parsed->get_pathname() != "/" ||
      !parsed->get_search().empty() || parsed->has_hash() || parsed->has_credentials()) {
    return malformed(kj::str("Specified address could not be parsed: ", shortened(address)));
  }
  auto hostname = parsed->get_hostname();
  if (hostname.starts_with('[')) hostname = hostname.substr(1, hostname.size() - 2);
  auto host = copy(hostname);
  uint16_t port = parsed->has_port() ? readPort(parsed->get_port()) : uint16_t(80);
  if (port == 0 || (isBlockedForSockets(port) && !policy.namesPort(host, port))) {
    return Unreachable{{TroubleKind::BLOCKED, kj::str("port ", port, " is blocked")}, kj::mv(host)};
  }
  return Target{
      .secure = false, .host = kj::mv(host), .port = port, .authority = nullptr, .path = nullptr};
}

}  // namespace mayfly::egress
