#include "egress/socket-address.h"

#include <arpa/inet.h>

#include <cstring>

namespace mayfly::egress {

SocketAddress SocketAddress::fromIp4(const in_addr& ip, uint16_t port) {
  SocketAddress result;
  auto& ip4 = reinterpret_cast<sockaddr_in&>(result.storage);
  ip4.sin_family = AF_INET;
  ip4.sin_addr = ip;
  ip4.sin_port = htons(port);
  return result;
}

SocketAddress SocketAddress::fromIp6(const in6_addr& ip, uint16_t port, uint32_t scope) {
  SocketAddress result;
  auto& ip6 = reinterpret_cast<sockaddr_in6&>(result.storage);
  ip6.sin6_family = AF_INET6;
  ip6.sin6_addr = ip;
  ip6.sin6_port = htons(port);
  ip6.sin6_scope_id = scope;
  return result;
}

kj::Maybe<SocketAddress> SocketAddress::tryParse(kj::StringPtr ip, uint16_t port) {
  if (strlen(ip.cStr()) != ip.size()) return nullptr;  // inet_pton would stop at the NUL
  in_addr ip4{};
  if (inet_pton(AF_INET, ip.cStr(), &ip4) == 1) return fromIp4(ip4, port);
  in6_addr ip6{};
  if (inet_pton(AF_INET6, ip.cStr(), &ip6) == 1) return fromIp6(ip6, port);
  return nullptr;
}

socklen_t SocketAddress::size() const {
  return storage.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

uint16_t SocketAddress::port() const {
  if (storage.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
}

SocketAddress SocketAddress::unmapped() const {
  if (storage.ss_family != AF_INET6) return *this;
  auto& ip6 = reinterpret_cast<const sockaddr_in6&>(storage);
  if (!IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr)) return *this;
  in_addr ip4{};
  memcpy(&ip4, ip6.sin6_addr.s6_addr + 12, sizeof ip4);
  return fromIp4(ip4, port());
}

kj::String SocketAddress::toString() const {
  char text[INET6_ADDRSTRLEN] = "?";
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    return kj::str(static_cast<const char*>(text), ':', port());
  }
  inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text, sizeof text);
  return kj::str('[', static_cast<const char*>(text), "]:", port());
}

}  // namespace mayfly::egress
