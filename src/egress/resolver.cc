#include "egress/resolver.h"

#include <kj/debug.h>
#include <kj/thread.h>
#include <kj/vector.h>
#include <netdb.h>
#include <signal.h>

#include <deque>

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

class SystemResolver final : public Resolver, private kj::TaskSet::ErrorHandler {
public:
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

  static kj::Promise<kj::Array<SocketAddress>> lookUpOnThread(kj::String host, uint16_t port) {
    auto paf = kj::newPromiseAndCrossThreadFulfiller<kj::Array<SocketAddress>>();
    kj::Thread thread([host = kj::mv(host), port, fulfiller = kj::mv(paf.fulfiller)]() mutable {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the event loop's business
      fulfiller->rejectIfThrows([&] { fulfiller->fulfill(lookUp(host, port)); });
    });
    thread.detach();
    return kj::mv(paf.promise);
  }

  void taskFailed(kj::Exception&& exception) override {
    KJ_LOG(ERROR, "a lookup failed outside of its promise", exception);
  }
};

}  // namespace

kj::Own<Resolver> newSystemResolver() { return kj::heap<SystemResolver>(); }

}  // namespace mayfly::egress
