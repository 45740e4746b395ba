// The handlers object of one export (ObjectHandlers, SourceHandlers, … in builtins/internal/ops.ts), and how its
// methods are called.
#pragma once

#include <kj/debug.h>
#include <v8.h>

#include "sandbox/bridge.h"

namespace mayfly::sandbox {

class Handlers {
public:
  Handlers(Bridge& bridge, v8::Local<v8::Object> handlers)
      : bridge(bridge), object(bridge.isolate, handlers) {}

  // Calls a method inside the current Turn and waits for what it returns. A throw is a rejection.
  kj::Promise<Outcome> call(kj::StringPtr method, kj::ArrayPtr<v8::Local<v8::Value>> arguments) {
    v8::TryCatch tryCatch(bridge.isolate);
    v8::Local<v8::Value> result;
    if (bridge.callMethod(object.Get(bridge.isolate), method, arguments).ToLocal(&result)) {
      return bridge.fromJs(result);
    }
    KJ_REQUIRE(tryCatch.HasCaught() && !tryCatch.HasTerminated(), "JavaScript was terminated");
    return Outcome{false, v8::Global<v8::Value>(bridge.isolate, tryCatch.Exception())};
  }

  void notifyLater(kj::StringPtr method) {
    bridge.notifyLater(v8::Global<v8::Object>(bridge.isolate, object), method);
  }

  Bridge& bridge;
  v8::Global<v8::Object> object;
};

}  // namespace mayfly::sandbox
