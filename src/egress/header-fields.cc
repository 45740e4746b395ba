#include "egress/header-fields.h"

#include <kj/vector.h>

#include "base/text-escape.h"

namespace mayfly::egress {
namespace {

constexpr kj::StringPtr CONNECTION_FIELDS[] = {
    "connection"_kj,     "content-length"_kj,    "expect"_kj,           "host"_kj,
    "http2-settings"_kj, "keep-alive"_kj,        "proxy-connection"_kj, "te"_kj,
    "trailer"_kj,        "transfer-encoding"_kj, "upgrade"_kj,
};

kj::String toLower(kj::ArrayPtr<const char> text) {
  auto result = kj::heapString(text.begin(), text.size());
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool describesConnection(kj::StringPtr lowerName) {
  for (auto& name : CONNECTION_FIELDS) {
    if (lowerName == name) return true;
  }
  return false;
}

bool isToken(kj::StringPtr name) {
  if (name.size() == 0) return false;
  for (char c : name) {
    bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fits && (c == '\0' || "!#$%&'*+-.^_`|~"_kj.findFirst(c) == nullptr)) return false;
  }
  return true;
}

bool isFieldValue(kj::ArrayPtr<const char> value) {
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

kj::ArrayPtr<const char> trim(kj::ArrayPtr<const char> text) {
  auto isBlank = [](char c) { return c == ' ' || c == '\t'; };
  while (text.size() > 0 && isBlank(text[0]))
    text = text.slice(1, text.size());
  while (text.size() > 0 && isBlank(text[text.size() - 1]))
    text = text.slice(0, text.size() - 1);
  return text;
}

// Adds the names that a Connection field lists.
void addListed(kj::ArrayPtr<const char> value, kj::Vector<kj::String>& names) {
  size_t start = 0;
  for (size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && value[i] != ',') continue;
    auto name = trim(value.slice(start, i));
    if (name.size() > 0) names.add(toLower(name));
    start = i + 1;
  }
}

bool isListed(const kj::Vector<kj::String>& names, kj::StringPtr name) {
  for (auto& listed : names) {
    if (listed == name) return true;
  }
  return false;
}

}  // namespace

kj::Maybe<Trouble> copyRequestFields(HeaderList::Reader fields, kj::StringPtr authority,
                                     size_t maxBytes, kj::HttpHeaders& out) {
  size_t bytes = 0;
  kj::Vector<kj::String> listed;
  for (auto field : fields) {
    kj::StringPtr name = field.getName();
    kj::StringPtr value = field.getValue();
    bytes += name.size() + value.size() + 4;
    if (bytes > maxBytes) {
      return Trouble{TroubleKind::MALFORMED,
                     kj::str("Request headers are longer than ", maxBytes, " bytes")};
    }
    if (!isToken(name)) {
      return Trouble{TroubleKind::MALFORMED, kj::str("Invalid header name: ", quoteJson(name))};
    }
    if (!isFieldValue(value)) {
      return Trouble{TroubleKind::MALFORMED, kj::str("Invalid value of header ", name)};
    }
    auto lower = toLower(name);
    if (lower == "connection") addListed(value, listed);
  }

  out.set(kj::HttpHeaderId::HOST, kj::str(authority));
  for (auto field : fields) {
    auto lower = toLower(kj::StringPtr(field.getName()));
    if (describesConnection(lower) || isListed(listed, lower)) continue;
    auto value = trim(kj::StringPtr(field.getValue()).asArray());
    out.add(kj::str(kj::StringPtr(field.getName())), kj::heapString(value.begin(), value.size()));
  }
  return nullptr;
}

kj::Maybe<Trouble> copyResponseFields(const kj::HttpHeaders& fields, size_t maxBytes,
                                      schema::HttpResponse::Builder out) {
  struct Field {
    kj::StringPtr name;
    kj::StringPtr value;
  };
  kj::Vector<Field> all;
  kj::Vector<kj::String> listed;
  size_t bytes = 0;
  bool clean = true;
  fields.forEach([&](kj::StringPtr name, kj::StringPtr value) {
    bytes += name.size() + value.size() + 4;
    clean = clean && isToken(name) && isFieldValue(value);
    if (toLower(name) == "connection") addListed(value, listed);
    all.add(Field{name, value});
  });
  if (bytes > maxBytes)
    return Trouble{TroubleKind::PROTOCOL, kj::str("the header has ", bytes, " bytes")};
  if (!clean) return Trouble{TroubleKind::PROTOCOL, kj::str("the header holds control characters")};

  kj::Vector<Field> kept;
  for (auto& field : all) {
    auto lower = toLower(field.name);
    // How the body came is of use to the reader, and nobody sends it on from here.
    bool framing = lower == "content-length" || lower == "transfer-encoding";
    if (!framing && (describesConnection(lower) || isListed(listed, lower))) continue;
    kept.add(field);
  }
  auto list = out.initHeaders(static_cast<unsigned>(kept.size()));
  for (unsigned i = 0; i < kept.size(); ++i) {
    list[i].setName(kept[i].name);
    list[i].setValue(kept[i].value);
  }
  return nullptr;
}

}  // namespace mayfly::egress
