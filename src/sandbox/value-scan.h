// Looks over bytes in V8's structured-clone format before V8 builds anything of them.
//
// Why     A few bytes can announce much: V8 makes room for every hole of an array, and an empty Map is 3 bytes here and
//         a quarter of a kilobyte on the heap. Memory that runs out ends the process, and a parent must not end because
//         of what one of its workers sent.
// Trust   The bytes are hostile. What this accepts may still be malformed: V8 checks that itself as it reads.
// Source  The format, version 15, as V8's ValueSerializer writes it; anything that ours never writes (shared memory,
//         transfers, native errors) is refused.
#pragma once

#include <kj/array.h>

#include <cstdint>

namespace mayfly::sandbox {

enum class ValueVerdict : uint8_t {
  AFFORDABLE,
  MALFORMED,
  TOO_COSTLY,  // it would take more than the budget once it is built
};

// `budgetBytes` of V8's heap and ArrayBuffers, estimated. One pass; strings and buffers are skipped.
ValueVerdict scanValue(kj::ArrayPtr<const kj::byte> bytes, uint64_t budgetBytes);

}  // namespace mayfly::sandbox
