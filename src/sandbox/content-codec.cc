#include "sandbox/content-codec.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <kj/debug.h>
#include <zlib.h>

namespace mayfly::sandbox {
namespace {

constexpr int GZIP_FORMAT = MAX_WBITS + 16;
constexpr int GZIP_LEVEL = 6;
constexpr uint32_t BROTLI_QUALITY = 5;

[[noreturn]] void refuse(kj::StringPtr text) {
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(text)));
}

class GzipDecoder final : public ContentCodec {
public:
  GzipDecoder() { KJ_REQUIRE(inflateInit2(&state, GZIP_FORMAT) == Z_OK, "out of memory"); }
  ~GzipDecoder() noexcept(false) override { inflateEnd(&state); }

  size_t read(kj::ArrayPtr<kj::byte> output) override {
    state.next_out = output.begin();
    state.avail_out = static_cast<uInt>(output.size());
    while (state.avail_out > 0) {
      auto left = rest();
      if (atEnd) {
        if (left.size() == 0) break;
        // Files may be put behind one another; each begins anew.
        KJ_REQUIRE(inflateReset(&state) == Z_OK);
        atEnd = false;
      }
      state.next_in = const_cast<kj::byte*>(left.begin());
      state.avail_in = static_cast<uInt>(left.size());
      int status = inflate(&state, Z_NO_FLUSH);
      used += left.size() - state.avail_in;
      if (status == Z_STREAM_END) {
        atEnd = true;
      } else if (status == Z_BUF_ERROR) {
        break;
      } else if (status != Z_OK) {
        refuse("Gzip decompression failed.");
      }
    }
    size_t produced = output.size() - state.avail_out;
    if (produced == 0 && ended && !atEnd) refuse("Gzip compressed stream ended prematurely.");
    return produced;
  }

private:
  z_stream state{};
  bool atEnd = false;  // of a gzip file
};

class GzipEncoder final : public ContentCodec {
public:
  GzipEncoder() {
    KJ_REQUIRE(deflateInit2(&state, GZIP_LEVEL, Z_DEFLATED, GZIP_FORMAT, /*memLevel=*/8,
                            Z_DEFAULT_STRATEGY) == Z_OK,
               "out of memory");
  }
  ~GzipEncoder() noexcept(false) override { deflateEnd(&state); }

  size_t read(kj::ArrayPtr<kj::byte> output) override {
    auto left = rest();
    state.next_in = const_cast<kj::byte*>(left.begin());
    state.avail_in = static_cast<uInt>(left.size());
    state.next_out = output.begin();
    state.avail_out = static_cast<uInt>(output.size());
    if (!atEnd) {
      int status = deflate(&state, ended ? Z_FINISH : Z_SYNC_FLUSH);
      used += left.size() - state.avail_in;
      atEnd = status == Z_STREAM_END;
      KJ_ASSERT(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, status);
    }
    return output.size() - state.avail_out;
  }

private:
  z_stream state{};
  bool atEnd = false;
};

class BrotliDecoder final : public ContentCodec {
public:
  BrotliDecoder() : state(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    KJ_REQUIRE(state != nullptr, "out of memory");
  }
  ~BrotliDecoder() noexcept(false) override { BrotliDecoderDestroyInstance(state); }

  size_t read(kj::ArrayPtr<kj::byte> output) override {
    auto left = rest();
    size_t inputLeft = left.size();
    size_t outputLeft = output.size();
    const uint8_t* nextIn = left.begin();
    uint8_t* nextOut = output.begin();
    auto status =
        BrotliDecoderDecompressStream(state, &inputLeft, &nextIn, &outputLeft, &nextOut, nullptr);
    used += left.size() - inputLeft;
    bool atEnd = status == BROTLI_DECODER_RESULT_SUCCESS;
    if (status == BROTLI_DECODER_RESULT_ERROR || (atEnd && inputLeft > 0))
      refuse("Brotli decompression failed.");
    size_t produced = output.size() - outputLeft;
    if (produced == 0 && ended && !atEnd) refuse("Brotli compressed stream ended prematurely.");
    return produced;
  }

private:
  BrotliDecoderState* state;
};

class BrotliEncoder final : public ContentCodec {
public:
  BrotliEncoder() : state(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    KJ_REQUIRE(state != nullptr, "out of memory");
    BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
  }
  ~BrotliEncoder() noexcept(false) override { BrotliEncoderDestroyInstance(state); }

  size_t read(kj::ArrayPtr<kj::byte> output) override {
    auto operation = ended ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;
    size_t outputLeft = output.size();
    uint8_t* nextOut = output.begin();
    do {
      auto left = rest();
      size_t inputLeft = left.size();
      const uint8_t* nextIn = left.begin();
      KJ_ASSERT(BrotliEncoderCompressStream(state, operation, &inputLeft, &nextIn, &outputLeft,
                                            &nextOut, nullptr));
      used += left.size() - inputLeft;
    } while (outputLeft > 0 && (rest().size() > 0 || BrotliEncoderHasMoreOutput(state)));
    return output.size() - outputLeft;
  }

private:
  BrotliEncoderState* state;
};

}  // namespace

void ContentCodec::write(kj::ArrayPtr<const kj::byte> piece) {
  KJ_REQUIRE(!ended && rest().size() == 0, "the last piece has not been read out");
  input = kj::heapArray<kj::byte>(piece);
  used = 0;
}

kj::Own<ContentCodec> newContentCodec(kj::StringPtr coding, Direction direction) {
  bool decode = direction == Direction::DECODE;
  if (coding == "gzip") {
    if (decode) return kj::heap<GzipDecoder>();
    return kj::heap<GzipEncoder>();
  }
  KJ_REQUIRE(coding == "br", "no such content coding", coding);
  if (decode) return kj::heap<BrotliDecoder>();
  return kj::heap<BrotliEncoder>();
}

}  // namespace mayfly::sandbox
