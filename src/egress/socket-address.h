// One IPv4 or IPv6 address with a port.
#pragma once

#include <kj/string.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace mayfly::egress {

class SocketAddress {
public:
  static SocketAddress fromIp4(const in_addr& ip, uint16_t port);
  static SocketAddress fromIp6(const in6_addr& ip, uint16_t port, uint32_t scope = 0);

  // A dotted quad or an IPv6 address without brackets, nothing else. Null if it is neither.
  static kj::Maybe<SocketAddress> tryParse(kj::StringPtr ip, uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  socklen_t size() const;
  uint16_t port() const;

  // The IPv4 address if this is an IPv4-mapped IPv6 one, else itself.
  SocketAddress unmapped() const;

  kj::String toString() const;  // `127.0.0.1:80`, `[::1]:80`; for the operator only

private:
  SocketAddress() = default;
  sockaddr_storage storage{};
};

}  // namespace mayfly::egress
