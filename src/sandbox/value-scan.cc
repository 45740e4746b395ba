#include "sandbox/value-scan.h"

namespace mayfly::sandbox {

namespace {

constexpr kj::byte VERSION_TAG = 0xff;
constexpr uint32_t VERSION = 15;

// Estimates of what V8 13 allocates, a little above what was measured.
constexpr uint64_t SLOT = 8;
constexpr uint64_t STRING = 24;
constexpr uint64_t BOXED = 48;
constexpr uint64_t OBJECT = 96;
constexpr uint64_t BUFFER = 200;
constexpr uint64_t COLLECTION = 280;
constexpr uint64_t REGEXP = 400;
constexpr uint64_t HOST_OBJECT = 1024;

// Reads tags one after the other; containers are no more than more tags.
class Scanner {
public:
  Scanner(kj::ArrayPtr<const kj::byte> bytes, uint64_t budget) : rest(bytes), budget(budget) {}

  ValueVerdict scan() {
    if (rest.size() == 0 || tag() != VERSION_TAG || varint() != VERSION)
      return ValueVerdict::MALFORMED;
    while (sound && rest.size() > 0 && cost <= budget)
      item();
    if (!sound) return ValueVerdict::MALFORMED;
    return cost > budget ? ValueVerdict::TOO_COSTLY : ValueVerdict::AFFORDABLE;
  }

private:
  kj::byte tag() {
    if (rest.size() == 0) {
      sound = false;
      return 0;
    }
    auto result = rest[0];
    rest = rest.slice(1, rest.size());
    return result;
  }

  // V8 writes at most five bytes, and does not always read further ones in the same way.
  uint32_t varint() {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      auto byte = tag();
      value |= uint32_t(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    sound = false;
    return 0;
  }

  void skip(uint64_t size) {
    if (size > rest.size()) {
      sound = false;
    } else {
      rest = rest.slice(size, rest.size());
    }
  }

  void content(uint64_t fixed, uint64_t size) {
    cost += fixed + size;
    skip(size);
  }

  void text(kj::byte kind) {
    if (kind == 0) kind = tag();  // padding aligns characters of two bytes
    if (kind != '"' && kind != 'c' && kind != 'S') sound = false;
    content(STRING, varint());
  }

  void item() {
    cost += SLOT;
    auto kind = tag();
    switch (kind) {
      case 0:    // padding
      case '-':  // a hole
      case '_':  // undefined
      case '0':  // null
      case 'T':
      case 'F':
        return;
      case 'I':  // int32
      case 'U':  // uint32
      case '^':  // a reference to an object before
      case '?':  // how many objects there are
      case '{':  // the end of an object: how many properties
      case ':':  // the end of a Map
      case ',':  // the end of a Set
        varint();
        return;
      case '$':  // the end of a dense array: how many further properties, and its length
      case '@':  // the end of a sparse one
        varint();
        varint();
        return;
      case 'N':  // a double
        return content(STRING, 8);
      case 'D':  // Date
      case 'n':  // Number object
        return content(BOXED, 8);
      case 'Z':                                // BigInt
      case 'z':                                // its object
        return content(BOXED, varint() >> 1);  // the lowest bit is the sign
      case 'y':
      case 'x':
      case 's':  // String object; the string follows
        cost += BOXED;
        return;
      case '"':  // one byte a character
      case 'c':  // two
      case 'S':  // UTF-8
        return text(kind);
      case 'R':  // RegExp: its source, then its flags
        cost += REGEXP;
        text(tag());
        varint();
        return;
      case '\\':  // one of our own: its tag (builtins/rpc/lower.ts); the content follows
        varint();
        cost += HOST_OBJECT;
        return;
      default:
        return container(kind);
    }
  }

  void container(kj::byte kind) {
    switch (kind) {
      case 'o':
        cost += OBJECT;
        return;
      case 'A':  // V8 itself refuses a length beyond the bytes that are left
        varint();
        cost += OBJECT;
        return;
      case 'a':  // an array with holes, and room for them all
        cost += OBJECT + varint() * SLOT;
        return;
      case ';':   // Map
      case '\'':  // Set
        cost += COLLECTION;
        return;
      case 'B':  // ArrayBuffer
        return content(BUFFER, varint());
      case '~': {  // one that can be resized: its length, and the most that may become of it
        auto size = varint();
        varint();
        return content(BUFFER, size);
      }
      case 'V':  // a view on the buffer before: kind, offset, length, flags
        for (int field = 0; field < 4; ++field)
          varint();
        cost += BUFFER;
        return;
      default:
        sound = false;
    }
  }

  kj::ArrayPtr<const kj::byte> rest;
  const uint64_t budget;
  uint64_t cost = 0;
  bool sound = true;
};

}  // namespace

ValueVerdict scanValue(kj::ArrayPtr<const kj::byte> bytes, uint64_t budgetBytes) {
  return Scanner(bytes, budgetBytes).scan();
}

}  // namespace mayfly::sandbox
