#include "base/text-escape.h"

#include <kj/vector.h>

#include <cstdint>

namespace mayfly {
namespace {

struct CodePoint {
  uint32_t value;
  uint8_t length;  // 0: the byte at this place is not valid UTF-8
};

// Reads one code point: strictly, so no overlong forms and no surrogates.
CodePoint readCodePoint(kj::ArrayPtr<const char> text, size_t at) {
  auto byteAt = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byteAt(at);
  if (first < 0x80) return {first, 1};
  uint8_t length;
  uint32_t value;
  uint32_t smallest;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    value = first & 0x1f;
    smallest = 0x80;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    value = first & 0x0f;
    smallest = 0x800;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    value = first & 0x07;
    smallest = 0x10000;
  } else {
    return {first, 0};
  }
  if (text.size() - at < length) return {first, 0};
  for (size_t i = 1; i < length; ++i) {
    if ((byteAt(at + i) & 0xc0) != 0x80) return {first, 0};
    value = (value << 6) | (byteAt(at + i) & 0x3f);
  }
  if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return {first, 0};
  return {value, length};
}

struct CodePointRange {
  uint32_t first;
  uint32_t last;
};

// Beyond ASCII: controls, invisible characters, and those that change the order or the place of others.
constexpr CodePointRange DECEPTIVE[] = {
    {0x80, 0x9f},        // C1 controls
    {0xad, 0xad},        // soft hyphen
    {0x61c, 0x61c},      // Arabic letter mark
    {0x115f, 0x1160},    // Hangul fillers
    {0x180b, 0x180f},    // Mongolian selectors
    {0x200b, 0x200f},    // zero width, direction marks
    {0x2028, 0x202e},    // separators, direction embeddings and overrides
    {0x2060, 0x206f},    // word joiner, isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // half-width Hangul filler
    {0xfff9, 0xfffb},    // interlinear annotation
    {0xe0000, 0xe0fff},  // tags and selectors
};

bool isDeceptive(uint32_t c) {
  if (c < 0x20 || c == 0x7f) return true;
  if (c < 0x80) return false;
  for (auto& range : DECEPTIVE) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

void appendHex(kj::Vector<char>& out, uint32_t value, int digits) {
  constexpr char DIGITS[] = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out.add(DIGITS[(value >> shift) & 0xf]);
}

void appendEscapedForLine(kj::Vector<char>& out, uint32_t c) {
  if (c == '\n') {
    out.addAll("\\n"_kj);
  } else if (c == '\r') {
    out.addAll("\\r"_kj);
  } else if (c == '\t') {
    out.addAll("\\t"_kj);
  } else if (c < 0x100) {
    out.addAll("\\x"_kj);
    appendHex(out, c, 2);
  } else {
    out.addAll("\\u{"_kj);
    appendHex(out, c, c > 0xffff ? 5 : 4);
    out.add('}');
  }
}

void appendEscapedForJson(kj::Vector<char>& out, uint32_t c) {
  auto unit = [&](uint32_t value) {
    out.addAll("\\u"_kj);
    appendHex(out, value, 4);
  };
  if (c == '\n') {
    out.addAll("\\n"_kj);
  } else if (c == '\t') {
    out.addAll("\\t"_kj);
  } else if (c <= 0xffff) {
    unit(c);
  } else {
    unit(0xd800 + ((c - 0x10000) >> 10));
    unit(0xdc00 + ((c - 0x10000) & 0x3ff));
  }
}

kj::String finish(kj::Vector<char>& out) {
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

}  // namespace

kj::String escapeLine(kj::ArrayPtr<const char> text) {
  kj::Vector<char> out(text.size() + 1);
  for (size_t i = 0; i < text.size();) {
    auto c = readCodePoint(text, i);
    if (c.length == 0) {
      out.addAll("\\x"_kj);
      appendHex(out, c.value, 2);
      ++i;
      continue;
    }
    if (isDeceptive(c.value)) {
      appendEscapedForLine(out, c.value);
    } else {
      out.addAll(text.slice(i, i + c.length));
    }
    i += c.length;
  }
  return finish(out);
}

kj::String escapeLines(kj::ArrayPtr<const char> text, kj::StringPtr indent) {
  kj::Vector<kj::String> lines;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\n') continue;
    lines.add(escapeLine(text.slice(start, i)));
    start = i + 1;
  }
  return kj::strArray(lines, kj::str('\n', indent).cStr());
}

kj::String quoteJson(kj::ArrayPtr<const char> text) {
  kj::Vector<char> out(text.size() + 3);
  out.add('"');
  for (size_t i = 0; i < text.size();) {
    auto c = readCodePoint(text, i);
    if (c.length == 0) {
      out.addAll("\\ufffd"_kj);
      ++i;
      continue;
    }
    if (isDeceptive(c.value)) {
      appendEscapedForJson(out, c.value);
    } else {
      if (c.value == '"' || c.value == '\\') out.add('\\');
      out.addAll(text.slice(i, i + c.length));
    }
    i += c.length;
  }
  out.add('"');
  return finish(out);
}

}  // namespace mayfly
