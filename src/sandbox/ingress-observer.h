// Who hears of the requests that a parent worker serves: the supervisor, for its log and its clocks.
//
// Contract   begin() comes before the worker sees a request; what it gives is destroyed when the request is over, however it
//            ends. A WatchedRequest tells served() once, when it is destroyed.
// Threads    The sandbox's only one.
#pragma once

#include <kj/async.h>
#include <kj/compat/http.h>
#include <kj/memory.h>
#include <kj/time.h>

#include "schema/host.capnp.h"

namespace mayfly::sandbox {

// What became of one request.
struct ServedRequest {
  using Outcome = schema::ServedRequest::Outcome;

  kj::HttpMethod method;
  kj::String target;    // as the client wrote it
  unsigned status = 0;  // 0: none was sent
  kj::Duration duration = 0 * kj::SECONDS;
  Outcome outcome = Outcome::CANCELED;
};

class IngressObserver {
public:
  virtual ~IngressObserver() noexcept(false) = default;

  // The request waits for the promise; null: there is nothing to wait for.
  virtual kj::Maybe<kj::Promise<kj::Own<void>>> begin() = 0;
  virtual void served(const ServedRequest& request) = 0;
};

// The way back of one request, watched.
class WatchedRequest final : public kj::HttpService::Response {
public:
  WatchedRequest(kj::HttpService::Response& inner, kj::Maybe<IngressObserver&> observer,
                 kj::HttpMethod method, kj::StringPtr target)
      : inner(inner), observer(observer), record{.method = method} {
    if (observer == nullptr) return;
    startedAt = kj::systemPreciseMonotonicClock().now();
    record.target = kj::str(target);  // kj keeps it no longer than until the body is read
  }
  ~WatchedRequest() noexcept(false) {
    KJ_IF_MAYBE (listening, observer) {
      record.duration = kj::systemPreciseMonotonicClock().now() - startedAt;
      listening->served(record);
    }
  }
  KJ_DISALLOW_COPY_AND_MOVE(WatchedRequest);

  // The worker threw, or was not asked.
  void refused() { refusal = true; }

  // The answer has been sent whole.
  void complete() {
    record.outcome = refusal ? ServedRequest::Outcome::EXCEPTION : ServedRequest::Outcome::OK;
  }

  // It could not be made or sent.
  void failed(const kj::Exception& why) {
    if (record.status == 0 && why.getType() != kj::Exception::Type::DISCONNECTED)
      record.outcome = ServedRequest::Outcome::EXCEPTION;
  }

  kj::Own<kj::AsyncOutputStream> send(unsigned status, kj::StringPtr statusText,
                                      const kj::HttpHeaders& headers,
                                      kj::Maybe<uint64_t> length) override {
    begun(status);
    return inner.send(status, statusText, headers, length);
  }
  kj::Own<kj::WebSocket> acceptWebSocket(const kj::HttpHeaders& headers) override {
    begun(101);
    return inner.acceptWebSocket(headers);
  }

private:
  void begun(unsigned status) {
    record.status = status;
    record.outcome = ServedRequest::Outcome::RESPONSE_STREAM_DISCONNECTED;
  }

  kj::HttpService::Response& inner;
  kj::Maybe<IngressObserver&> observer;
  kj::TimePoint startedAt = kj::origin<kj::TimePoint>();
  ServedRequest record;
  bool refusal = false;
};

}  // namespace mayfly::sandbox
