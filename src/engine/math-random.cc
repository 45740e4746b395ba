#include "engine/math-random.h"

#include <kj/debug.h>
#include <sys/random.h>

#include <cstdint>

#include "engine/text.h"

namespace mayfly::engine {

namespace {

// xorshift128+, the generator that V8 itself uses; the state lives in isolate data slot 1.
struct Generator {
  uint64_t a = 0;
  uint64_t b = 0;

  double next() {
    if (a == 0 && b == 0) seed();
    uint64_t x = a;
    uint64_t y = b;
    a = y;
    x ^= x << 23;
    x ^= x >> 17;
    x ^= y ^ (y >> 26);
    b = x;
    return static_cast<double>((a + b) >> 11) * 0x1.0p-53;
  }

  void seed() {
    KJ_REQUIRE(getrandom(this, sizeof(*this), 0) == sizeof(*this), "the kernel gave no randomness");
  }
};

Generator& generator(v8::Isolate* isolate) { return *static_cast<Generator*>(isolate->GetData(1)); }

void random(const v8::FunctionCallbackInfo<v8::Value>& info) {
  info.GetReturnValue().Set(generator(info.GetIsolate()).next());
}

}  // namespace

void installMathRandom(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  isolate->SetData(1, new Generator());
  auto math =
      context->Global()->Get(context, name(isolate, "Math")).ToLocalChecked().As<v8::Object>();
  auto function =
      v8::FunctionTemplate::New(isolate, random, {}, {}, 0, v8::ConstructorBehavior::kThrow,
                                v8::SideEffectType::kHasNoSideEffect)
          ->GetFunction(context)
          .ToLocalChecked();
  function->SetName(name(isolate, "random"));
  math->DefineOwnProperty(context, name(isolate, "random"), function, v8::DontEnum).Check();
}

void reseedMathRandom(v8::Isolate* isolate) { generator(isolate).seed(); }

}  // namespace mayfly::engine
