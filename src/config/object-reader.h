// Typed access to one object of a configuration file, with errors that name key, line, what was expected and
// what was found. Remembers which keys were asked for, so that the others can be reported.
#pragma once

#include <kj/array.h>
#include <kj/function.h>
#include <kj/string.h>
#include <kj/vector.h>

#include <cstdint>

#include "config/config-value.h"

namespace mayfly::config {

class ObjectReader final {
public:
  // `path` is the object's own key for messages, e.g. `mayfly.limits`; empty for the top level. All three must
  // outlive the reader.
  ObjectReader(const ConfigValue& object, kj::StringPtr file, kj::StringPtr path);

  kj::Maybe<const ConfigValue&> find(kj::StringPtr key);
  kj::Maybe<kj::String> findString(kj::StringPtr key);
  kj::Maybe<bool> findBoolean(kj::StringPtr key);
  kj::Maybe<uint32_t> findInteger(kj::StringPtr key, uint32_t min, uint32_t max);
  kj::Array<kj::String> stringList(kj::StringPtr key);             // empty if there is none
  kj::String getString(kj::StringPtr key, kj::StringPtr purpose);  // must be there and not empty

  // Reads the object or each object of the array under `key`, if it is there.
  void object(kj::StringPtr key, kj::FunctionParam<void(ObjectReader&)> read);
  void eachObject(kj::StringPtr key, kj::FunctionParam<void(ObjectReader&)> read);

  // The members that nobody asked for.
  void eachUnread(kj::FunctionParam<void(const ConfigValue&)> report) const;

  // Throws `config.unknown-key` for the first of them, with the nearest of the keys that were asked for.
  void refuseUnread() const;

  [[noreturn]] void wrongType(const ConfigValue& value, kj::StringPtr expected) const;
  kj::String pathOf(kj::StringPtr key) const;
  kj::String where(const ConfigValue& value) const { return kj::str(file, ':', value.line); }
  kj::String where() const { return where(self); }

private:
  const ConfigValue& self;
  kj::StringPtr file;
  kj::StringPtr path;
  kj::Vector<kj::String> asked;
};

// The one of `known` that `written` was probably meant to be; null if none is near.
kj::Maybe<kj::StringPtr> findNearest(kj::StringPtr written,
                                     kj::ArrayPtr<const kj::StringPtr> known);

}  // namespace mayfly::config
