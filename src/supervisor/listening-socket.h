// The listening socket of a parent worker: opened by the supervisor, served by the parent's process.
//
// Contract   Bound and listening before the worker starts, so that a busy port is known at once and a restart of the
//            worker loses no connection. Options that the worker cannot set behind its filter are set here
//            (no Nagle delay, non-blocking), and accepted connections inherit the first.
// Errors     OperatorErrors `serve.address`, `serve.port-in-use`, `serve.listen`.
#pragma once

#include <kj/io.h>
#include <kj/string.h>

#include "schema/host.capnp.h"

namespace mayfly::supervisor {

class ListeningSocket final {
public:
  // `address` is HOST:PORT; `[::1]:80` for IPv6. Port 0: the kernel chooses.
  explicit ListeningSocket(kj::StringPtr address);

  int fd() const { return socket.get(); }
  kj::StringPtr url() const { return boundUrl; }  // `http://127.0.0.1:8787`

private:
  kj::AutoCloseFd socket;
  kj::String boundUrl;
};

// The capability that carries a listening descriptor to a parent. Does not own it.
schema::ListenSocket::Client newListenSocketCapability(int fd);

}  // namespace mayfly::supervisor
