// Text, base64 and URLs on simdutf and ada.

#include <ada.h>
#include <kj/debug.h>
#include <simdutf.h>

#include "sandbox/reply.h"

namespace mayfly::sandbox {

using engine::text;
using engine::utf8;

namespace {

void utf8Encode(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[0]->IsString());
  auto string = info[0].As<v8::String>();
  size_t size = string->Utf8LengthV2(bridge.isolate);
  v8::Local<v8::ArrayBuffer> buffer;
  KJ_REQUIRE(v8::ArrayBuffer::MaybeNew(bridge.isolate, size).ToLocal(&buffer),
             "Array buffer allocation failed");
  string->WriteUtf8V2(bridge.isolate, static_cast<char*>(buffer->Data()), size,
                      v8::String::WriteFlags::kReplaceInvalidUtf8);
  info.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, size));
}

void utf8Decode(Bridge& bridge, const Info& info) {
  auto bytes = bytesOf(info[0]);
  auto chars = reinterpret_cast<const char*>(bytes.begin());
  v8::Local<v8::String> result;
  v8::MaybeLocal<v8::String> made;
  if (bytes.size() == 0) {
    return info.GetReturnValue().SetEmptyString();
  } else if (bytes.size() > static_cast<size_t>(v8::String::kMaxLength)) {
    // falls through to the error below
  } else if (simdutf::validate_ascii(chars, bytes.size())) {
    made = v8::String::NewFromOneByte(bridge.isolate, bytes.begin(), v8::NewStringType::kNormal,
                                      static_cast<int>(bytes.size()));
  } else if (info[1]->IsTrue() && !simdutf::validate_utf8(chars, bytes.size())) {
    return bridge.throwTypeError("Failed to decode input: not valid UTF-8.");
  } else {
    made = v8::String::NewFromUtf8(bridge.isolate, chars, v8::NewStringType::kNormal,
                                   static_cast<int>(bytes.size()));
  }
  if (!made.ToLocal(&result)) {
    bridge.isolate->ThrowException(
        v8::Exception::RangeError(text(bridge.isolate, "Invalid string length")));
    return;
  }
  info.GetReturnValue().Set(result);
}

void base64Encode(Bridge& bridge, const Info& info) {
  auto bytes = bytesOf(info[0]);
  auto result = kj::heapString(simdutf::base64_length_from_binary(bytes.size()));
  simdutf::binary_to_base64(reinterpret_cast<const char*>(bytes.begin()), bytes.size(),
                            result.begin());
  info.GetReturnValue().Set(engine::fromLatin1(bridge.isolate, result.asArray()));
}

void base64Decode(Bridge& bridge, const Info& info) {
  auto input = engine::latin1(bridge.isolate, info[0]);
  auto output = kj::heapArray<kj::byte>(
      simdutf::maximal_binary_length_from_base64(input.begin(), input.size()));
  auto result = simdutf::base64_to_binary(input.begin(), input.size(),
                                          reinterpret_cast<char*>(output.begin()));
  if (result.error != simdutf::SUCCESS) return info.GetReturnValue().SetNull();
  info.GetReturnValue().Set(newBytes(bridge, output.slice(0, result.count)));
}

v8::Local<v8::Object> urlParts(Bridge& bridge, const ada::url_aggregator& url) {
  auto object = v8::Object::New(bridge.isolate);
  auto set = [&](const char* name, std::string_view value) {
    setField(bridge, object, name, text(bridge.isolate, kj::arrayPtr(value.data(), value.size())));
  };
  set("href", url.get_href());
  set("protocol", url.get_protocol());
  set("username", url.get_username());
  set("password", url.get_password());
  set("host", url.get_host());
  set("hostname", url.get_hostname());
  set("port", url.get_port());
  set("pathname", url.get_pathname());
  set("search", url.get_search());
  set("hash", url.get_hash());
  set("origin", url.get_origin());
  return object;
}

std::string_view view(const kj::String& string) { return {string.begin(), string.size()}; }

void parseUrl(Bridge& bridge, const Info& info) {
  auto input = utf8(bridge.isolate, info[0]);
  if (info[1]->IsString()) {
    auto baseText = utf8(bridge.isolate, info[1]);
    auto base = ada::parse<ada::url_aggregator>(view(baseText));
    if (!base) return info.GetReturnValue().SetNull();
    auto url = ada::parse<ada::url_aggregator>(view(input), &*base);
    if (!url) return info.GetReturnValue().SetNull();
    return info.GetReturnValue().Set(urlParts(bridge, *url));
  }
  auto url = ada::parse<ada::url_aggregator>(view(input));
  if (!url) return info.GetReturnValue().SetNull();
  info.GetReturnValue().Set(urlParts(bridge, *url));
}

void setUrlPart(Bridge& bridge, const Info& info) {
  auto href = utf8(bridge.isolate, info[0]);
  auto part = utf8(bridge.isolate, info[1]);
  auto text = utf8(bridge.isolate, info[2]);
  auto value = view(text);
  auto url = ada::parse<ada::url_aggregator>(view(href));
  if (!url) return info.GetReturnValue().SetNull();
  bool accepted = true;
  if (part == "href")
    accepted = url->set_href(value);
  else if (part == "protocol")
    accepted = url->set_protocol(value);
  else if (part == "username")
    accepted = url->set_username(value);
  else if (part == "password")
    accepted = url->set_password(value);
  else if (part == "host")
    accepted = url->set_host(value);
  else if (part == "hostname")
    accepted = url->set_hostname(value);
  else if (part == "port")
    accepted = url->set_port(value);
  else if (part == "pathname")
    accepted = url->set_pathname(value);
  else if (part == "search")
    url->set_search(value);
  else if (part == "hash")
    url->set_hash(value);
  else
    KJ_FAIL_REQUIRE("unknown part of a URL", part);
  if (!accepted) return info.GetReturnValue().SetNull();
  info.GetReturnValue().Set(urlParts(bridge, *url));
}

constexpr Operation OPERATIONS[] = {
    {"utf8Encode", operation<utf8Encode>},     {"utf8Decode", operation<utf8Decode>},
    {"base64Encode", operation<base64Encode>}, {"base64Decode", operation<base64Decode>},
    {"parseUrl", operation<parseUrl>},         {"setUrlPart", operation<setUrlPart>},
};

}  // namespace

kj::ArrayPtr<const Operation> textOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
