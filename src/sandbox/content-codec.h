// The content codings of HTTP, a piece at a time: gzip and br, both ways.
//
// Contract   write() hands in a piece; read() then gives what comes of it, at most so many bytes a call, until it
//            gives none. After end() a last series of read() gives the rest. Encoders give all they have after each
//            piece, so that streams do not stand still.
// Memory     The window of the coding (32 KiB, for br up to 16 MiB) and the piece: never what a piece unfolds to.
// Trust      What is decoded is hostile.
// Errors     read() throws kj::Exception with the text that programs see: `Gzip decompression failed.`,
//            `Gzip compressed stream ended prematurely.`, and the same for `Brotli`.
#pragma once

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

#include <cstdint>

namespace mayfly::sandbox {

class ContentCodec {
public:
  virtual ~ContentCodec() noexcept(false) = default;

  void write(kj::ArrayPtr<const kj::byte> piece);
  void end() { ended = true; }

  // How many bytes of `output` were filled. Fewer than it has: the codec wants more input, or is done.
  virtual size_t read(kj::ArrayPtr<kj::byte> output) = 0;

protected:
  kj::Array<kj::byte> input;
  size_t used = 0;  // of `input`
  bool ended = false;

  kj::ArrayPtr<const kj::byte> rest() const { return input.slice(used, input.size()); }
};

enum class Direction : uint8_t { ENCODE, DECODE };

// `coding` as the Content-Encoding header names it. Throws for another than `gzip` and `br`.
kj::Own<ContentCodec> newContentCodec(kj::StringPtr coding, Direction direction);

}  // namespace mayfly::sandbox
