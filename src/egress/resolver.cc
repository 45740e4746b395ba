#include "egress/resolver.h"

#include <kj/debug.h>
#include <kj/thread.h>
#include <kj/vector.h>
#include <netdb.h>
#include <nss.h>
#include <resolv.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <deque>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::egress {
namespace {

kj::Array<SocketAddress> lookUp(kj::StringPtr host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  int status = getaddrinfo(host.cStr(), nullptr, &hints, &list);
  if (status == EAI_NONAME || status == EAI_NODATA) return nullptr;
  KJ_REQUIRE(status == 0, "the name could not be looked up", gai_strerror(status));
  KJ_DEFER(freeaddrinfo(list));
  kj::Vector<SocketAddress> result;
  for (addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      result.add(
          SocketAddress::fromIp4(reinterpret_cast<sockaddr_in*>(entry->ai_addr)->sin_addr, port));
    } else if (entry->ai_family == AF_INET6) {
      auto ip6 = reinterpret_cast<sockaddr_in6*>(entry->ai_addr);
      result.add(SocketAddress::fromIp6(ip6->sin6_addr, port, ip6->sin6_scope_id));
    }
  }
  return result.releaseAsArray();
}

// glibc keeps the name servers of each thread in its _res, and leaves alone what a program has put there.
void askOnly(const SocketAddress& nameServer) {
  KJ_REQUIRE(res_init() == 0, "the resolver could not be set up");
  _res.nscount = 1;
  memcpy(&_res.nsaddr_list[0], nameServer.get(), sizeof(sockaddr_in));
}

class SystemResolver final : public Resolver, private kj::TaskSet::ErrorHandler {
public:
  explicit SystemResolver(kj::Maybe<SocketAddress> server) : nameServer(kj::mv(server)) {
    // Other sources of names, such as a resolver service of the machine, would not ask our server.
    if (nameServer != nullptr) __nss_configure_lookup("hosts", "files dns");
  }

  kj::Promise<kj::Array<SocketAddress>> resolve(kj::String host, uint16_t port) override {
    auto paf = kj::newPromiseAndFulfiller<kj::Array<SocketAddress>>();
    waiting.push_back(Lookup{kj::mv(host), port, kj::mv(paf.fulfiller)});
    startWaiting();
    return kj::mv(paf.promise);
  }

private:
  struct Lookup {
    kj::String host;
    uint16_t port;
    kj::Own<kj::PromiseFulfiller<kj::Array<SocketAddress>>> asker;
  };

  const kj::Maybe<SocketAddress> nameServer;
  std::deque<Lookup> waiting;
  unsigned running = 0;
  kj::TaskSet tasks{*this};

  void startWaiting() {
    while (running < MAX_LOOKUPS && !waiting.empty()) {
      auto next = kj::mv(waiting.front());
      waiting.pop_front();
      if (!next.asker->isWaiting()) continue;  // gave up meanwhile
      ++running;
      tasks.add(run(kj::mv(next)));
    }
  }

  // Ends when the thread does, even if the asker gave up: getaddrinfo() cannot be interrupted, and what counts
  // is the number of threads.
  kj::Promise<void> run(Lookup lookup) {
    try {
      lookup.asker->fulfill(co_await lookUpOnThread(kj::mv(lookup.host), lookup.port));
    } catch (...) {
      lookup.asker->reject(kj::getCaughtExceptionAsKj());
    }
    --running;
    startWaiting();
  }

  kj::Promise<kj::Array<SocketAddress>> lookUpOnThread(kj::String host, uint16_t port) {
    auto paf = kj::newPromiseAndCrossThreadFulfiller<kj::Array<SocketAddress>>();
    kj::Thread thread([host = kj::mv(host), port, nameServer = nameServer,
                       fulfiller = kj::mv(paf.fulfiller)]() mutable {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the event loop's business
      fulfiller->rejectIfThrows([&] {
        KJ_IF_MAYBE (server, nameServer) askOnly(*server);
        fulfiller->fulfill(lookUp(host, port));
      });
    });
    thread.detach();
    return kj::mv(paf.promise);
  }

  void taskFailed(kj::Exception&& exception) override {
    KJ_LOG(ERROR, "a lookup failed outside of its promise", exception);
  }
};

}  // namespace

kj::Own<Resolver> newSystemResolver(kj::Maybe<SocketAddress> nameServer) {
  return kj::heap<SystemResolver>(kj::mv(nameServer));
}

SocketAddress readNameServer(kj::StringPtr text, kj::StringPtr where) {
  kj::String host = kj::str(text);
  unsigned long port = NAMESERVER_PORT;
  KJ_IF_MAYBE (colon, text.findLast(':')) {
    host = kj::str(text.slice(0, *colon));
    auto digits = text.slice(*colon + 1);
    char* end = nullptr;
    port = strtoul(digits.cStr(), &end, 10);
    bool isNumber = digits.size() > 0 && digits[0] >= '0' && digits[0] <= '9' && *end == '\0';
    if (!isNumber || port > 65535) port = 0;
  }
  auto address = SocketAddress::tryParse(host, static_cast<uint16_t>(port));
  KJ_IF_MAYBE (found, address) {
    if (port != 0 && found->get()->sa_family == AF_INET) return *found;
  }
  OperatorError{
      .code = kj::str("config.name-server"),
      .what = kj::str(quoteJson(text), " is no name server for \"mayfly.egress.dns\""),
      .where = kj::str(where),
      .why = kj::str("it must be an IPv4 address, with a port or without"),
      .fix = kj::str("write \"192.0.2.53\" or \"127.0.0.1:5353\""),
  }
      .raise();
}

}  // namespace mayfly::egress
