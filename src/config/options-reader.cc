#include "config/options-reader.h"

#include "base/error.h"
#include "base/text-escape.h"
#include "config/files.h"

namespace mayfly::config {
namespace {

struct Bounds {
  uint32_t min;
  uint32_t max;
};

void readRange(ObjectReader& limits, kj::StringPtr key, Bounds bounds, LimitRange& range) {
  KJ_IF_MAYBE (value, limits.find(key)) {
    if (value->kind != ConfigValue::Kind::OBJECT) {
      KJ_IF_MAYBE (number, limits.findInteger(key, bounds.min, bounds.max))
        range = {*number, *number};
      return;
    }
    limits.object(key, [&](ObjectReader& object) {
      auto byDefault = object.findInteger("default", bounds.min, bounds.max);
      auto max = object.findInteger("max", bounds.min, bounds.max);
      object.refuseUnread();
      KJ_IF_MAYBE (number, max) {
        range.max = *number;
        range.byDefault = kj::min(range.byDefault, range.max);
      }
      KJ_IF_MAYBE (number, byDefault) {
        range.byDefault = *number;
        if (max == nullptr) range.max = kj::max(range.max, range.byDefault);
      }
      if (range.byDefault > range.max) {
        OperatorError{
            .code = kj::str("config.limit-order"),
            .what =
                kj::str("the default of ", quoteJson(limits.pathOf(key)), " is over its maximum"),
            .where = object.where(),
            .why = kj::str("default ", range.byDefault, ", max ", range.max),
        }
            .raise();
      }
    });
  }
}

}  // namespace

MayflyOptions readMayflyOptions(ObjectReader& mayfly, kj::StringPtr directory) {
  MayflyOptions options;
  for (auto& file : mayfly.stringList("workers"))
    options.workerFiles.add(resolvePath(directory, file));
  mayfly.object("limits", [&](ObjectReader& limits) {
    readRange(limits, "cpuMs", {1, 300'000}, options.cpuMs);
    readRange(limits, "wallMs", {1, 3'600'000}, options.wallMs);
    readRange(limits, "memoryMb", {16, 65'536}, options.memoryMb);
    readRange(limits, "subRequests", {0, 1'000'000}, options.subRequests);
    KJ_IF_MAYBE (startup, limits.findInteger("startupCpuMs", 1, 300'000))
      options.startupCpuMs = *startup;
    limits.refuseUnread();
  });
  mayfly.object("pool", [&](ObjectReader& pool) {
    auto read = [&](kj::StringPtr key, Bounds bounds, uint32_t& option) {
      KJ_IF_MAYBE (number, pool.findInteger(key, bounds.min, bounds.max)) option = *number;
    };
    read("blank", {0, 1'000}, options.blankSandboxes);
    read("max", {1, 100'000}, options.maxSandboxes);
    read("maxPerWorker", {1, 100'000}, options.maxSandboxesPerWorker);
    read("maxWaiting", {0, 100'000}, options.maxWaitingLoads);
    read("waitMs", {1, 3'600'000}, options.loadWaitMs);
    read("idleMs", {10, 86'400'000}, options.idleMs);
    pool.refuseUnread();
  });
  mayfly.object("egress", [&](ObjectReader& egress) {
    egress.stringList("allow");  // checks the types
    KJ_IF_MAYBE (allow, egress.find("allow")) {
      for (auto& rule : allow->items)
        options.egressAllow.add(EgressRule{kj::str(rule.text), egress.where(rule)});
    }
    egress.findString("dns");  // checks the type
    KJ_IF_MAYBE (server, egress.find("dns"))
      options.nameServer = EgressRule{kj::str(server->text), egress.where(*server)};
    egress.refuseUnread();
  });
  mayfly.refuseUnread();
  return options;
}

}  // namespace mayfly::config
