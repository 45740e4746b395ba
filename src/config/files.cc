#include "config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <kj/io.h>
#include <simdutf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {
namespace {

namespace fs = std::filesystem;

kj::String toKj(const fs::path& path) { return kj::str(path.generic_string().c_str()); }

[[noreturn]] void raiseUnreadable(kj::StringPtr path, kj::StringPtr purpose, int error) {
  bool missing = error == ENOENT || error == ENOTDIR;
  OperatorError{
      .code = kj::str(missing ? "config.no-file" : "config.unreadable"),
      .what = missing ? kj::str("there is no file ", escapeLine(path))
                      : kj::str("cannot read ", escapeLine(path)),
      .why = kj::str(missing ? "" : strerror(error), missing ? "" : "; ", "it is ", purpose),
  }
      .raise();
}

}  // namespace

kj::Array<kj::byte> readFile(kj::StringPtr path, size_t maxBytes, kj::StringPtr purpose) {
  int fd = open(path.cStr(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not make us wait
  if (fd < 0) raiseUnreadable(path, purpose, errno);
  kj::AutoCloseFd file(fd);
  struct stat info{};
  if (fstat(file, &info) != 0) raiseUnreadable(path, purpose, errno);
  if (S_ISDIR(info.st_mode)) raiseUnreadable(path, purpose, EISDIR);
  if (!S_ISREG(info.st_mode)) raiseUnreadable(path, purpose, EINVAL);
  if (static_cast<uint64_t>(info.st_size) > maxBytes) {
    OperatorError{
        .code = kj::str("config.too-large"),
        .what = kj::str(escapeLine(path), " has ", info.st_size, " bytes"),
        .why = kj::str("it is ", purpose, ", and the limit for that is ", maxBytes, " bytes"),
    }
        .raise();
  }
  auto bytes = kj::heapArray<kj::byte>(static_cast<size_t>(info.st_size));
  size_t count = kj::FdInputStream(file.get()).tryRead(bytes.begin(), bytes.size(), bytes.size());
  return count == bytes.size() ? kj::mv(bytes) : kj::heapArray<kj::byte>(bytes.slice(0, count));
}

kj::String readTextFile(kj::StringPtr path, size_t maxBytes, kj::StringPtr purpose) {
  auto bytes = readFile(path, maxBytes, purpose);
  kj::ArrayPtr<const char> text = bytes.asChars();
  auto valid = simdutf::validate_utf8_with_errors(text.begin(), text.size());
  if (valid.error != simdutf::SUCCESS) {
    size_t line = 1;
    for (char c : text.slice(0, valid.count))
      line += c == '\n';
    OperatorError{
        .code = kj::str("config.not-utf8"),
        .what = kj::str(escapeLine(path), " is not UTF-8 text"),
        .where = kj::str(escapeLine(path), ':', line),
        .fix = kj::str("save it as UTF-8"),
    }
        .raise();
  }
  if (text.size() >= 3 && memcmp(text.begin(), "\xef\xbb\xbf", 3) == 0)
    text = text.slice(3, text.size());
  return kj::heapString(text.begin(), text.size());
}

bool fileExists(kj::StringPtr path) {
  struct stat info{};
  return stat(path.cStr(), &info) == 0 && S_ISREG(info.st_mode);
}

kj::String resolvePath(kj::StringPtr directory, kj::StringPtr path) {
  return toKj((fs::absolute(fs::path(directory.cStr())) / path.cStr()).lexically_normal());
}

kj::String parentOf(kj::StringPtr path) { return toKj(fs::path(path.cStr()).parent_path()); }

kj::String fileNameOf(kj::StringPtr path) { return toKj(fs::path(path.cStr()).filename()); }

kj::Maybe<kj::String> relativeTo(kj::StringPtr directory, kj::StringPtr path) {
  auto relative = fs::path(path.cStr()).lexically_relative(directory.cStr());
  if (relative.empty() || relative == "." || *relative.begin() == "..") return nullptr;
  return toKj(relative);
}

}  // namespace mayfly::config
