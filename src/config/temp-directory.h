// For tests: a directory with files, gone when this is.
#pragma once

#include <gtest/gtest.h>
#include <kj/exception.h>
#include <kj/string.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mayfly::config {

class TempDirectory final {
public:
  TempDirectory() {
    auto pattern = (std::filesystem::temp_directory_path() / "mayfly-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
    root = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;

  std::string root;

  // Writes a file and the directories above it; gives its path.
  kj::String write(const std::string& name, const std::string& content) const {
    auto path = std::filesystem::path(root) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return kj::str(path.c_str());
  }
  kj::String path(const std::string& name = "") const {
    return kj::str(
        (name.empty() ? std::filesystem::path(root) : std::filesystem::path(root) / name).c_str());
  }
};

// The text of the OperatorError that `action` throws; a failure if it throws none.
template <typename Action>
std::string errorOf(Action&& action) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions(action))
    return exception->getDescription().cStr();
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace mayfly::config
