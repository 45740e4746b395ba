#include "config/object-reader.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {

using Kind = ConfigValue::Kind;

ObjectReader::ObjectReader(const ConfigValue& object, kj::StringPtr fileName, kj::StringPtr ownPath)
    : self(object), file(fileName), path(ownPath) {
  if (self.kind != Kind::OBJECT) wrongType(self, "an object"_kj);
}

kj::Maybe<const ConfigValue&> ObjectReader::find(kj::StringPtr key) {
  asked.add(kj::str(key));
  for (auto& item : self.items) {
    if (item.key == key) return item;
  }
  return nullptr;
}

kj::Maybe<kj::String> ObjectReader::findString(kj::StringPtr key) {
  KJ_IF_MAYBE (value, find(key)) {
    if (value->kind != Kind::STRING) wrongType(*value, "a string"_kj);
    return kj::str(value->text);
  }
  return nullptr;
}

kj::Maybe<bool> ObjectReader::findBoolean(kj::StringPtr key) {
  KJ_IF_MAYBE (value, find(key)) {
    if (value->kind != Kind::BOOLEAN) wrongType(*value, "true or false"_kj);
    return value->text == "true";
  }
  return nullptr;
}

kj::Maybe<uint32_t> ObjectReader::findInteger(kj::StringPtr key, uint32_t min, uint32_t max) {
  KJ_IF_MAYBE (value, find(key)) {
    auto expected = kj::str("a whole number from ", min, " to ", max);
    if (value->kind != Kind::NUMBER) wrongType(*value, expected);
    uint32_t number = 0;
    auto [end, error] = std::from_chars(value->text.begin(), value->text.end(), number);
    if (error != std::errc() || end != value->text.end() || number < min || number > max)
      wrongType(*value, expected);
    return number;
  }
  return nullptr;
}

kj::Array<kj::String> ObjectReader::stringList(kj::StringPtr key) {
  kj::Vector<kj::String> result;
  KJ_IF_MAYBE (value, find(key)) {
    if (value->kind != Kind::ARRAY) wrongType(*value, "an array of strings"_kj);
    for (auto& item : value->items) {
      if (item.kind != Kind::STRING)
        wrongType(*value, kj::str("an array of strings; one item is ", item.describe()));
      result.add(kj::str(item.text));
    }
  }
  return result.releaseAsArray();
}

kj::String ObjectReader::getString(kj::StringPtr key, kj::StringPtr purpose) {
  KJ_IF_MAYBE (text, findString(key)) {
    if (text->size() > 0) return kj::mv(*text);
  }
  OperatorError{
      .code = kj::str("config.missing-key"),
      .what = kj::str(quoteJson(pathOf(key)), " is missing or empty"),
      .where = where(),
      .why = kj::str("it is ", purpose),
  }
      .raise();
}

void ObjectReader::object(kj::StringPtr key, kj::FunctionParam<void(ObjectReader&)> read) {
  KJ_IF_MAYBE (value, find(key)) {
    if (value->kind != Kind::OBJECT) wrongType(*value, "an object"_kj);
    auto ownPath = pathOf(key);
    ObjectReader reader(*value, file, ownPath);
    read(reader);
  }
}

void ObjectReader::eachObject(kj::StringPtr key, kj::FunctionParam<void(ObjectReader&)> read) {
  KJ_IF_MAYBE (value, find(key)) {
    if (value->kind != Kind::ARRAY) wrongType(*value, "an array of objects"_kj);
    for (size_t i = 0; i < value->items.size(); ++i) {
      if (value->items[i].kind != Kind::OBJECT) {
        wrongType(*value, kj::str("an array of objects; one item is ", value->items[i].describe()));
      }
      auto ownPath = kj::str(pathOf(key), '[', i, ']');
      ObjectReader reader(value->items[i], file, ownPath);
      read(reader);
    }
  }
}

void ObjectReader::eachUnread(kj::FunctionParam<void(const ConfigValue&)> report) const {
  for (auto& item : self.items) {
    bool known = std::any_of(asked.begin(), asked.end(),
                             [&](const kj::String& key) { return key == item.key; });
    if (!known) report(item);
  }
}

void ObjectReader::refuseUnread() const {
  eachUnread([&](const ConfigValue& item) {
    auto known = KJ_MAP(key, asked)->kj::StringPtr { return key; };
    kj::String fix = kj::str("the keys here are ", kj::strArray(known, ", "));
    KJ_IF_MAYBE (nearest, findNearest(item.key, known))
      fix = kj::str("did you mean ", quoteJson(*nearest), "?");
    OperatorError{
        .code = kj::str("config.unknown-key"),
        .what = kj::str("there is no key ", quoteJson(pathOf(item.key))),
        .where = where(item),
        .fix = kj::mv(fix),
    }
        .raise();
  });
}

void ObjectReader::wrongType(const ConfigValue& value, kj::StringPtr expected) const {
  auto name = &value == &self ? kj::str(path) : pathOf(value.key);
  OperatorError{
      .code = kj::str("config.wrong-type"),
      .what = kj::str(name.size() == 0 ? kj::str("the configuration") : quoteJson(name),
                      " must be ", expected),
      .where = where(value),
      .why = kj::str("it is ", value.describe()),
  }
      .raise();
}

kj::String ObjectReader::pathOf(kj::StringPtr key) const {
  return path.size() == 0 ? kj::str(key) : kj::str(path, '.', key);
}

kj::Maybe<kj::StringPtr> findNearest(kj::StringPtr written,
                                     kj::ArrayPtr<const kj::StringPtr> known) {
  kj::Maybe<kj::StringPtr> nearest;
  size_t least =
      written.size() <= 4 ? 2 : 3;  // one typing error in a short word, two in a long one
  for (auto candidate : known) {
    // Levenshtein distance, one row at a time.
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= written.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j < row.size(); ++j) {
        size_t above = row[j];
        row[j] = std::min(
            {above + 1, row[j - 1] + 1, diagonal + (written[i - 1] == candidate[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() < least) {
      least = row.back();
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace mayfly::config
