// A configuration file as a tree, whatever its syntax, with the line of every value.
#pragma once

#include <kj/common.h>
#include <kj/string.h>
#include <kj/vector.h>

#include <cstdint>

namespace mayfly::config {

constexpr unsigned MAX_CONFIG_DEPTH = 64;
constexpr size_t MAX_CONFIG_BYTES = 4 * 1024 * 1024;

struct ConfigValue {
  enum class Kind : uint8_t { NOTHING, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

  Kind kind = Kind::NOTHING;
  unsigned line = 0;
  kj::String key;   // its name, if it is a member of an object
  kj::String text;  // STRING: its content; NUMBER: as JSON writes it; BOOLEAN: `true` or `false`
  kj::Vector<ConfigValue> items;  // of an array, or the members of an object

  kj::String toJson() const;

  // For messages: `a number (7)`, `an array`.
  kj::String describe() const;
};

}  // namespace mayfly::config
