#include "config/toml-parser.h"

#include <cmath>
#include <sstream>
#include <string_view>

#include <toml++/toml.hpp>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {
namespace {

template <typename T>
kj::String print(const T& value) {
  std::ostringstream out;
  out << value;
  return kj::str(out.str().c_str());
}

ConfigValue convert(const toml::node& node, kj::StringPtr file) {
  using Kind = ConfigValue::Kind;
  ConfigValue result;
  result.line = node.source().begin.line;
  if (auto table = node.as_table()) {
    result.kind = Kind::OBJECT;
    for (auto&& [key, member] : *table) {
      auto value = convert(member, file);
      value.key = kj::heapString(key.data(), key.length());
      if (key.source().begin.line != 0) value.line = key.source().begin.line;
      result.items.add(kj::mv(value));
    }
  } else if (auto array = node.as_array()) {
    result.kind = Kind::ARRAY;
    for (auto& item : *array)
      result.items.add(convert(item, file));
  } else if (auto string = node.as_string()) {
    result.kind = Kind::STRING;
    result.text = kj::heapString(string->get().data(), string->get().size());
  } else if (auto integer = node.as_integer()) {
    result.kind = Kind::NUMBER;
    result.text = kj::str(integer->get());
  } else if (auto number = node.as_floating_point()) {
    result.kind = Kind::NUMBER;
    if (!std::isfinite(number->get())) {
      OperatorError{
          .code = kj::str("config.syntax"),
          .what = kj::str("infinities and NaN have no place in a configuration"),
          .where = kj::str(file, ':', result.line),
      }
          .raise();
    }
    result.text = kj::str(number->get());
  } else if (auto boolean = node.as_boolean()) {
    result.kind = Kind::BOOLEAN;
    result.text = kj::str(boolean->get() ? "true" : "false");
  } else if (auto date = node.as_date()) {
    result.kind = Kind::STRING;
    result.text = print(date->get());
  } else if (auto time = node.as_time()) {
    result.kind = Kind::STRING;
    result.text = print(time->get());
  } else if (auto dateTime = node.as_date_time()) {
    result.kind = Kind::STRING;
    result.text = print(dateTime->get());
  }
  return result;
}

}  // namespace

ConfigValue parseToml(kj::StringPtr text, kj::StringPtr file) {
  try {
    auto table = toml::parse(std::string_view(text.begin(), text.size()));
    return convert(table, file);
  } catch (const toml::parse_error& error) {
    auto description = error.description();
    OperatorError{
        .code = kj::str("config.syntax"),
        .what = kj::str("this is not TOML"),
        .where = kj::str(file, ':', error.source().begin.line, ':', error.source().begin.column),
        .why = escapeLine(kj::arrayPtr(description.data(), description.size())),
    }
        .raise();
  }
}

}  // namespace mayfly::config
