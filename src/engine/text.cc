#include "engine/text.h"

#include <kj/debug.h>

namespace mayfly::engine {

v8::Local<v8::String> text(v8::Isolate* isolate, kj::ArrayPtr<const char> utf8) {
  v8::Local<v8::String> result;
  KJ_REQUIRE(utf8.size() <= static_cast<size_t>(v8::String::kMaxLength), "string too long for V8",
             utf8.size());
  KJ_REQUIRE(v8::String::NewFromUtf8(isolate, utf8.begin(), v8::NewStringType::kNormal,
                                     static_cast<int>(utf8.size()))
                 .ToLocal(&result),
             "out of string memory");
  return result;
}

v8::Local<v8::String> name(v8::Isolate* isolate, kj::StringPtr utf8) {
  return v8::String::NewFromUtf8(isolate, utf8.cStr(), v8::NewStringType::kInternalized,
                                 static_cast<int>(utf8.size()))
      .ToLocalChecked();
}

kj::String utf8(v8::Isolate* isolate, v8::Local<v8::String> string) {
  auto result = kj::heapString(string->Utf8LengthV2(isolate));
  string->WriteUtf8V2(isolate, result.begin(), result.size(),
                      v8::String::WriteFlags::kReplaceInvalidUtf8);
  return result;
}

kj::String utf8(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  if (!value->IsString()) return kj::String();
  return utf8(isolate, value.As<v8::String>());
}

kj::String latin1(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  if (!value->IsString()) return kj::String();
  auto string = value.As<v8::String>();
  auto result = kj::heapString(string->Length());
  if (string->ContainsOnlyOneByte()) {
    string->WriteOneByteV2(isolate, 0, string->Length(),
                           reinterpret_cast<uint8_t*>(result.begin()));
  } else {
    v8::String::Value units(isolate, string);
    for (uint32_t i = 0; i < units.length(); ++i) {
      result[i] = (*units)[i] < 256 ? static_cast<char>((*units)[i]) : '?';
    }
  }
  return result;
}

v8::Local<v8::String> fromLatin1(v8::Isolate* isolate, kj::ArrayPtr<const char> bytes) {
  return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t*>(bytes.begin()),
                                    v8::NewStringType::kNormal, static_cast<int>(bytes.size()))
      .ToLocalChecked();
}

kj::String describeUncaught(v8::Isolate* isolate, v8::TryCatch& tryCatch) {
  if (!tryCatch.HasCaught()) return kj::str("Uncaught (no exception)");
  auto message = tryCatch.Message();
  if (message.IsEmpty()) return kj::str("Uncaught exception");
  return kj::str(utf8(isolate, message->Get().As<v8::Value>()), positionOf(isolate, message));
}

kj::String positionOf(v8::Isolate* isolate, v8::Local<v8::Message> message) {
  if (message.IsEmpty()) return kj::String();
  auto context = isolate->GetCurrentContext();
  auto resource = utf8(isolate, message->GetScriptResourceName());
  int line = message->GetLineNumber(context).FromMaybe(0);
  int column = message->GetStartColumn(context).FromMaybe(-1) + 1;
  if (resource.size() == 0 || line <= 0 || isBuiltinScript(resource)) return kj::String();
  return kj::str("\n  at ", resource, ":", line, ":", column);
}

}  // namespace mayfly::engine
