#include "supervisor/listening-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <kj/debug.h>
#include <kj/memory.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

namespace mayfly::supervisor {
namespace {

constexpr int BACKLOG = 1024;
constexpr uint32_t BEYOND_ALL_PORTS = 65'536;

[[noreturn]] void raiseAddress(kj::StringPtr address, kj::String why) {
  OperatorError{
      .code = kj::str("serve.address"),
      .what = kj::str("cannot listen on \"", address, "\""),
      .where = kj::String(),
      .why = kj::mv(why),
      .fix = kj::str("give --listen HOST:PORT, PORT from 0 to 65535, such as 127.0.0.1:8787 or "
                     "[::1]:8787")}
      .raise();
}

[[noreturn]] void raiseListen(kj::StringPtr address, int error) {
  if (error == EADDRINUSE) {
    OperatorError{
        .code = kj::str("serve.port-in-use"),
        .what = kj::str("another program already listens on ", address),
        .where = kj::String(),
        .why = kj::str(strerror(error)),
        .fix = kj::str(
            "stop that program, or choose another port: --listen 127.0.0.1:0 takes a free one")}
        .raise();
  }
  OperatorError{
      .code = kj::str("serve.listen"),
      .what = kj::str("cannot listen on ", address),
      .where = kj::String(),
      .why = kj::str(strerror(error)),
      .fix = error == EACCES
                 ? kj::str("choose a port above 1023, or allow this user to use low ports")
                 : kj::str("check the address given with --listen")}
      .raise();
}

struct HostAndPort {
  kj::String host;
  kj::String port;
};

// Not left to getaddrinfo, which takes any number modulo 65536.
void checkPort(kj::StringPtr address, kj::StringPtr port) {
  uint32_t number = 0;
  for (char c : port) {
    if (c < '0' || c > '9') raiseAddress(address, kj::str("the port is not a number"));
    number = kj::min(number * 10 + static_cast<uint32_t>(c - '0'), BEYOND_ALL_PORTS);
  }
  if (number == BEYOND_ALL_PORTS)
    raiseAddress(address, kj::str("a port is a number from 0 to 65535"));
}

HostAndPort splitAddress(kj::StringPtr address) {
  KJ_IF_MAYBE (colon, address.findLast(':')) {
    auto host = address.slice(0, *colon);
    auto port = address.slice(*colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
      host = host.slice(1, host.size() - 1);
    if (host.size() > 0 && port.size() > 0) {
      checkPort(address, port);
      return {kj::str(host), kj::str(port)};
    }
  }
  raiseAddress(address, kj::str("it is not of the form HOST:PORT"));
}

kj::String urlOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  KJ_SYSCALL(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size));
  char text[INET6_ADDRSTRLEN] = {};
  if (bound.ss_family == AF_INET6) {
    auto& ip6 = reinterpret_cast<sockaddr_in6&>(bound);
    inet_ntop(AF_INET6, &ip6.sin6_addr, text, sizeof text);
    return kj::str("http://[", text, "]:", ntohs(ip6.sin6_port));
  }
  auto& ip4 = reinterpret_cast<sockaddr_in&>(bound);
  inet_ntop(AF_INET, &ip4.sin_addr, text, sizeof text);
  return kj::str("http://", text, ":", ntohs(ip4.sin_port));
}

kj::AutoCloseFd openListening(kj::StringPtr address) {
  auto parts = splitAddress(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(parts.host.cStr(), parts.port.cStr(), &hints, &found); error != 0) {
    raiseAddress(address, kj::str(gai_strerror(error)));
  }
  KJ_DEFER(freeaddrinfo(found));
  kj::AutoCloseFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) raiseListen(address, errno);
  int on = 1;
  KJ_SYSCALL(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  KJ_SYSCALL(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) raiseListen(address, errno);
  if (listen(fd.get(), BACKLOG) != 0) raiseListen(address, errno);
  return fd;
}

class ListenSocketCapability final : public schema::ListenSocket::Server {
public:
  explicit ListenSocketCapability(int fd) : fd(fd) {}
  kj::Maybe<int> getFd() override { return fd; }

private:
  const int fd;
};

}  // namespace

ListeningSocket::ListeningSocket(kj::StringPtr address)
    : socket(openListening(address)), boundUrl(urlOf(socket.get())) {}

schema::ListenSocket::Client newListenSocketCapability(int fd) {
  return kj::heap<ListenSocketCapability>(fd);
}

}  // namespace mayfly::supervisor
