#include "supervisor/host-service.h"

namespace mayfly::supervisor {
namespace {

observe::Level levelOf(schema::LogLevel level) {
  switch (level) {
    case schema::LogLevel::DEBUG:
      return observe::Level::DEBUG;
    case schema::LogLevel::INFO:
      return observe::Level::INFO;
    case schema::LogLevel::LOG:
      return observe::Level::LOG;
    case schema::LogLevel::WARN:
      return observe::Level::WARN;
    case schema::LogLevel::ERROR:
      return observe::Level::ERROR;
  }
  return observe::Level::LOG;  // a number that the schema does not know
}

kj::StringPtr nameOf(schema::ServedRequest::Outcome outcome) {
  switch (outcome) {
    case schema::ServedRequest::Outcome::OK:
      return "ok"_kj;
    case schema::ServedRequest::Outcome::EXCEPTION:
      return "exception"_kj;
    case schema::ServedRequest::Outcome::CANCELED:
      return "canceled"_kj;
    case schema::ServedRequest::Outcome::RESPONSE_STREAM_DISCONNECTED:
      return "responseStreamDisconnected"_kj;
  }
  return "unknown"_kj;  // a number that the schema does not know
}

// Puts what a sandbox tried to reach beside what it printed.
class OutboundNotices final : public egress::OutboundObserver {
public:
  explicit OutboundNotices(kj::Own<SharedLog> shared) : shared(kj::mv(shared)) {}

  void refused(const egress::OutboundEvent& event) override {
    note(observe::Level::WARN, "refused", event);
  }
  void failed(const egress::OutboundEvent& event) override {
    note(observe::Level::INFO, "failed", event);
  }

private:
  void note(observe::Level level, kj::StringPtr verb, const egress::OutboundEvent& event) {
    shared->log->notice(level, kj::str("outbound request ", verb, " (", event.code,
                                       "): ", event.host, ":", event.port, " ", event.detail));
  }

  kj::Own<SharedLog> shared;
};

}  // namespace

void HostService::assign(kj::Own<SharedLog> log,
                         kj::Maybe<const egress::OutboundNetwork&> outbound) {
  KJ_IF_MAYBE (allowed, outbound) {
    network = egress::newNetworkEntrypoint(*allowed, kj::heap<OutboundNotices>(kj::addRef(*log)));
  }
  sandboxLog = kj::mv(log);
}

void HostService::revoke() {
  revoked = true;
  sandboxLog = nullptr;
  network = egress::newRefusingEntrypoint();
}

kj::Promise<void> HostService::log(LogContext context) {
  KJ_IF_MAYBE (shared, sandboxLog) {
    auto params = context.getParams();
    (*shared)->log->console(levelOf(params.getLevel()), params.getMessage());
  }
  return kj::READY_NOW;
}

kj::Promise<void> HostService::outbound(OutboundContext context) {
  context.getResults().setNetwork(network);
  return kj::READY_NOW;
}

kj::Promise<void> HostService::started(StartedContext) {
  if (!revoked) clock.startUpEnded();
  return kj::READY_NOW;
}

kj::Promise<void> HostService::served(ServedContext context) {
  KJ_IF_MAYBE (shared, sandboxLog) {
    auto request = context.getParams().getRequest();
    (*shared)->log->request({.method = request.getMethod(),
                             .target = request.getTarget(),
                             .status = request.getStatus(),
                             .durationMicros = request.getDurationMicros(),
                             .outcome = nameOf(request.getOutcome())});
  }
  return kj::READY_NOW;
}

kj::Promise<void> HostService::began(BeganContext context) {
  if (revoked) return kj::READY_NOW;
  KJ_IF_MAYBE (limits, ownLimits) {
    // Too many in flight, or a number twice: no business of anybody else's.
    auto admission = clock.began(context.getParams().getInvocation(), *limits);
    KJ_REQUIRE(admission == Admission::BEGUN, "the invocation cannot begin");
  }
  return kj::READY_NOW;
}

kj::Promise<void> HostService::finished(FinishedContext context) {
  if (revoked || ownLimits == nullptr) return kj::READY_NOW;
  KJ_REQUIRE(clock.finished(context.getParams().getInvocation()),
             "no such invocation is in flight");
  return kj::READY_NOW;
}

}  // namespace mayfly::supervisor
