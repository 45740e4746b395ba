// Text between V8 and KJ. All functions need an active Turn.
#pragma once

#include <kj/string.h>
#include <v8.h>

namespace mayfly::engine {

// UTF-8 to a JavaScript string; what is not UTF-8 becomes U+FFFD.
v8::Local<v8::String> text(v8::Isolate* isolate, kj::ArrayPtr<const char> utf8);
inline v8::Local<v8::String> text(v8::Isolate* isolate, kj::StringPtr utf8) {
  return text(isolate, utf8.asArray());
}
inline v8::Local<v8::String> text(v8::Isolate* isolate, const kj::String& utf8) {
  return text(isolate, utf8.asArray());
}
inline v8::Local<v8::String> text(v8::Isolate* isolate, const char* utf8) {
  return text(isolate, kj::StringPtr(utf8));
}

// An internalized string: for property names.
v8::Local<v8::String> name(v8::Isolate* isolate, kj::StringPtr utf8);

// A JavaScript string as UTF-8; lone surrogates become U+FFFD.
kj::String utf8(v8::Isolate* isolate, v8::Local<v8::String> string);
kj::String utf8(v8::Isolate* isolate, v8::Local<v8::Value> value);  // empty unless a string

// A JavaScript string of bytes (base64) as bytes; units above 255 become '?'.
kj::String latin1(v8::Isolate* isolate, v8::Local<v8::Value> value);
v8::Local<v8::String> fromLatin1(v8::Isolate* isolate, kj::ArrayPtr<const char> bytes);

// "Uncaught TypeError: …\n  at main.js:3:7", as the person who has to repair the code needs it.
kj::String describeUncaught(v8::Isolate* isolate, v8::TryCatch& tryCatch);

// Where a message comes from, "\n  at main.js:3:7"; empty if it is not in the program.
kj::String positionOf(v8::Isolate* isolate, v8::Local<v8::Message> message);

// Whether a script is one of ours: nothing of it belongs into what a program sees.
inline bool isBuiltinScript(kj::StringPtr name) { return name.startsWith("mayfly:"); }

}  // namespace mayfly::engine
