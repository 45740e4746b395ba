#include "config/config-value.h"

#include "base/text-escape.h"

namespace mayfly::config {

kj::String ConfigValue::toJson() const {
  switch (kind) {
    case Kind::NOTHING:
      return kj::str("null");
    case Kind::BOOLEAN:
    case Kind::NUMBER:
      return kj::str(text);
    case Kind::STRING:
      return quoteJson(text);
    case Kind::ARRAY:
      return kj::str('[',
                     kj::delimited(KJ_MAP(item, items) { return item.toJson(); }, ","_kj), ']');
    case Kind::OBJECT:
      return kj::str(
          '{',
          kj::delimited(
              KJ_MAP(item, items) { return kj::str(quoteJson(item.key), ':', item.toJson()); },
              ","_kj),
          '}');
  }
  KJ_UNREACHABLE;
}

kj::String ConfigValue::describe() const {
  switch (kind) {
    case Kind::NOTHING:
      return kj::str("null");
    case Kind::BOOLEAN:
      return kj::str("the boolean ", text);
    case Kind::NUMBER:
      return kj::str("the number ", text);
    case Kind::STRING:
      return text.size() <= 60 ? kj::str("the string ", quoteJson(text)) : kj::str("a long string");
    case Kind::ARRAY:
      return kj::str("an array");
    case Kind::OBJECT:
      return kj::str("an object");
  }
  KJ_UNREACHABLE;
}

}  // namespace mayfly::config
