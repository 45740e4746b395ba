// Math.random for forked siblings: V8's own would repeat in each of them, since its state is copied by fork.
#pragma once

#include <v8.h>

namespace mayfly::engine {

// Replaces Math.random in `context`. In the zygote; draws nothing yet.
void installMathRandom(v8::Isolate* isolate, v8::Local<v8::Context> context);

// In the child: new state from the kernel.
void reseedMathRandom(v8::Isolate* isolate);

}  // namespace mayfly::engine
