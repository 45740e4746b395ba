#include "observe/redaction.h"

#include <kj/vector.h>

#include <cstdint>

namespace mayfly::observe {
namespace {

constexpr kj::StringPtr HIDDEN = "REDACTED"_kj;
constexpr size_t SHORTEST = 13;
constexpr size_t MIN_HEX_DIGITS = 32;
constexpr size_t MIN_MIXED = 21;
constexpr size_t MAX_CARD = 19;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isSeparator(char c) { return c == '+' || c == '_' || c == '-'; }
bool isHexDigit(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool isOfIdentifiers(char c) { return isDigit(c) || isUpper(c) || isLower(c) || isSeparator(c); }

size_t count(kj::ArrayPtr<const char> run, bool (*is)(char)) {
  size_t found = 0;
  for (char c : run)
    if (is(c)) ++found;
  return found;
}

bool looksLikeHex(kj::ArrayPtr<const char> run) {
  auto digits = count(run, isHexDigit);
  return digits >= MIN_HEX_DIGITS && digits + count(run, isSeparator) == run.size();
}

bool looksMixed(kj::ArrayPtr<const char> run) {
  return run.size() >= MIN_MIXED && count(run, isDigit) >= 2 && count(run, isUpper) >= 2 &&
         count(run, isLower) >= 2;
}

// Luhn's check digit.
bool looksLikeCard(kj::ArrayPtr<const char> run) {
  if (run.size() < SHORTEST || run.size() > MAX_CARD || count(run, isDigit) != run.size())
    return false;
  uint32_t sum = 0;
  for (size_t i = 0; i < run.size(); ++i) {
    auto digit = static_cast<uint32_t>(run[run.size() - 1 - i] - '0');
    auto value = i % 2 == 0 ? digit : 2 * digit;
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 == 0;
}

}  // namespace

kj::String redactUrl(kj::ArrayPtr<const char> url) {
  kj::Vector<char> out(url.size() + 1);
  for (size_t start = 0; start < url.size();) {
    size_t end = start;
    while (end < url.size() && isOfIdentifiers(url[end]))
      ++end;
    auto run = url.slice(start, end);
    if (looksLikeHex(run) || looksMixed(run) || looksLikeCard(run)) {
      out.addAll(HIDDEN);
    } else {
      out.addAll(run);
    }
    if (end < url.size()) out.add(url[end++]);
    start = end;
  }
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

}  // namespace mayfly::observe
