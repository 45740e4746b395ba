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
  onStarted = []() {};
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
  onStarted();
  return kj::READY_NOW;
}

}  // namespace mayfly::supervisor
