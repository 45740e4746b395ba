#include "config/jsonc-parser.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {
namespace {

struct Position {
  unsigned line = 1;
  unsigned column = 0;  // of the character read last
  char last = '\0';
};

// Feeds the library's parser and keeps count of lines, which its tree would lose.
class CountingIterator {
public:
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  CountingIterator(const char* start, Position& counted) : at(start), position(&counted) {}
  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    if (position->last == '\n') {
      ++position->line;
      position->column = 0;
    }
    position->last = *at++;
    ++position->column;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }

private:
  const char* at;
  Position* position;
};

// Builds the tree. Positions are those of the end of each token.
class TreeBuilder final {
public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  TreeBuilder(kj::StringPtr fileName, const Position& current)
      : file(fileName), position(current) {}

  ConfigValue root;

  bool null() { return add(ConfigValue::Kind::NOTHING, kj::String()); }
  bool boolean(bool value) {
    return add(ConfigValue::Kind::BOOLEAN, kj::str(value ? "true" : "false"));
  }
  bool number_integer(number_integer_t value) {
    return add(ConfigValue::Kind::NUMBER, kj::str(value));
  }
  bool number_unsigned(number_unsigned_t value) {
    return add(ConfigValue::Kind::NUMBER, kj::str(value));
  }
  bool number_float(number_float_t, const string_t& written) {
    return add(ConfigValue::Kind::NUMBER, kj::heapString(written.data(), written.size()));
  }
  bool string(string_t& value) {
    return add(ConfigValue::Kind::STRING, kj::heapString(value.data(), value.size()));
  }
  bool binary(binary_t&) { return false; }

  bool start_object(std::size_t) { return open(ConfigValue::Kind::OBJECT); }
  bool start_array(std::size_t) { return open(ConfigValue::Kind::ARRAY); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(string_t& name) {
    for (auto& member : containers.back()->items) {
      if (member.key == kj::StringPtr(name.c_str(), name.size())) {
        OperatorError{
            .code = kj::str("config.duplicate-key"),
            .what = kj::str("the key ", quoteJson(member.key), " stands twice in one object"),
            .where = kj::str(file, ':', position.line),
            .why = kj::str("it stands in line ", member.line,
                           " already, and only one of the two could count"),
            .fix = kj::str("remove one"),
        }
            .raise();
      }
    }
    nextKey = kj::heapString(name.data(), name.size());
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& exception) {
    // What the library says is `[…] parse error at line 3, column 5: syntax error while …`.
    kj::StringPtr text = exception.what();
    KJ_IF_MAYBE (at, text.findFirst(']')) text = text.slice(*at + 1);
    size_t start = 0;
    while (start < text.size() && !text.slice(start).startsWith("error"))
      ++start;
    KJ_IF_MAYBE (colon, text.slice(start).findFirst(':')) start += *colon + 1;
    text = start < text.size() ? text.slice(start) : text;
    while (text.startsWith(" "))
      text = text.slice(1);
    OperatorError{
        .code = kj::str("config.syntax"),
        .what = kj::str("this is not JSON, not even with comments and trailing commas"),
        .where = kj::str(file, ':', position.line, ':', position.column),
        .why = escapeLine(text),
    }
        .raise();
  }

private:
  kj::StringPtr file;
  const Position& position;
  std::vector<ConfigValue*>
      containers;  // the innermost last; stable, since only its own items grow
  kj::String nextKey;

  ConfigValue& place(ConfigValue value) {
    // The parser has read one character beyond a number by now. If that is a line break, it belongs to this line.
    value.line = position.line;
    value.key = kj::mv(nextKey);
    if (containers.empty()) {
      root = kj::mv(value);
      return root;
    }
    return containers.back()->items.add(kj::mv(value));
  }

  bool add(ConfigValue::Kind kind, kj::String text) {
    ConfigValue value;
    value.kind = kind;
    value.text = kj::mv(text);
    place(kj::mv(value));
    return true;
  }

  bool open(ConfigValue::Kind kind) {
    if (containers.size() >= MAX_CONFIG_DEPTH) {
      OperatorError{
          .code = kj::str("config.syntax"),
          .what = kj::str("objects and arrays are nested more than ", MAX_CONFIG_DEPTH, " deep"),
          .where = kj::str(file, ':', position.line, ':', position.column),
      }
          .raise();
    }
    ConfigValue value;
    value.kind = kind;
    containers.push_back(&place(kj::mv(value)));
    return true;
  }

  bool close() {
    containers.pop_back();
    return true;
  }
};

}  // namespace

kj::String blankCommentsAndTrailingCommas(kj::StringPtr text) {
  auto out = kj::heapString(text.begin(), text.size());
  constexpr size_t NONE = SIZE_MAX;
  size_t comma = NONE;       // a comma that nothing followed so far
  char lastSignificant = 0;  // before that comma, if there is one
  size_t i = 0;
  auto blank = [&](size_t end) {
    for (; i < end; ++i) {
      if (out[i] != '\n' && out[i] != '\r') out[i] = ' ';
    }
  };
  while (i < text.size()) {
    char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
      }
      ++i;
      lastSignificant = '"';
      comma = NONE;
    } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '/') {
      size_t end = i;
      while (end < text.size() && text[end] != '\n')
        ++end;
      blank(end);
    } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '*') {
      size_t end = i + 2;
      while (end + 1 < text.size() && !(text[end] == '*' && text[end + 1] == '/'))
        ++end;
      if (end + 1 >= text.size()) return out;
      blank(end + 2);
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++i;
    } else if (c == ',') {
      // Only a comma after a value is a trailing one: `[,]` stays an error.
      bool afterValue = lastSignificant != 0 && lastSignificant != '[' && lastSignificant != '{' &&
                        lastSignificant != ',' && lastSignificant != ':';
      comma = afterValue ? i : NONE;
      lastSignificant = ',';
      ++i;
    } else {
      if ((c == '}' || c == ']') && comma != NONE) out[comma] = ' ';
      comma = NONE;
      lastSignificant = c;
      ++i;
    }
  }
  return out;
}

ConfigValue parseJsonc(kj::StringPtr text, kj::StringPtr file) {
  KJ_IF_MAYBE (at, text.findFirst('\0')) {
    // To the library a NUL is the end, so that whatever follows would be passed over in silence.
    unsigned line = 1 + static_cast<unsigned>(std::count(text.begin(), text.begin() + *at, '\n'));
    OperatorError{
        .code = kj::str("config.syntax"),
        .what = kj::str("there is a NUL character in the configuration"),
        .where = kj::str(file, ':', line),
    }
        .raise();
  }
  auto cleaned = blankCommentsAndTrailingCommas(text);
  Position position;
  TreeBuilder builder(file, position);
  nlohmann::json::sax_parse(CountingIterator(cleaned.begin(), position),
                            CountingIterator(cleaned.end(), position), &builder);
  return kj::mv(builder.root);
}

}  // namespace mayfly::config
