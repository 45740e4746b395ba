#include "config/secrets-file.h"

#include "base/error.h"
#include "base/text-escape.h"

namespace mayfly::config {
namespace {

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

class SecretsReader {
public:
  SecretsReader(kj::StringPtr content, kj::StringPtr fileName) : text(content), file(fileName) {}

  kj::Vector<VariableBinding> read() {
    kj::Vector<VariableBinding> result;
    for (;;) {
      skipBlank(/*linesToo=*/true);
      if (at >= text.size()) return result;
      if (peek() == '#') {
        skipLine();
        continue;
      }
      auto name = readName();
      skipBlank(false);
      if (peek() != '=') raise("a line is KEY=value");
      ++at;
      skipBlank(false);
      auto value = readValue();
      set(result, kj::mv(name), kj::mv(value));
    }
  }

private:
  kj::StringPtr text;
  kj::StringPtr file;
  size_t at = 0;
  unsigned line = 1;

  char peek() const { return at < text.size() ? text[at] : '\0'; }

  void skipBlank(bool linesToo) {
    for (; at < text.size(); ++at) {
      char c = text[at];
      if (c == '\n' && linesToo) {
        ++line;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  void skipLine() {
    while (at < text.size() && text[at] != '\n')
      ++at;
  }

  kj::String readName() {
    for (;;) {
      size_t start = at;
      while (isNameCharacter(peek()))
        ++at;
      if (at == start) raise("a name holds letters, digits, '_', '-' and '.'");
      auto name = kj::heapString(text.begin() + start, at - start);
      if (name != "export" || (peek() != ' ' && peek() != '\t')) return name;
      skipBlank(false);
      if (peek() == '=') return name;
    }
  }

  kj::String readValue() {
    char quote = peek();
    if (quote == '"' || quote == '\'' || quote == '`') return readQuoted(quote);
    size_t start = at;
    skipLine();
    size_t end = at;
    for (size_t i = start; i < at; ++i) {
      if (text[i] == '#' && (i == start || text[i - 1] == ' ' || text[i - 1] == '\t')) {
        end = i;
        break;
      }
    }
    while (end > start && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\r'))
      --end;
    return kj::heapString(text.begin() + start, end - start);
  }

  kj::String readQuoted(char quote) {
    unsigned startLine = line;
    kj::Vector<char> value;
    for (++at; peek() != quote || at >= text.size(); ++at) {
      if (at >= text.size()) {
        line = startLine;
        raise("the quote is never closed");
      }
      char c = text[at];
      if (c == '\n') ++line;
      if (quote == '"' && c == '\\' && at + 1 < text.size()) {
        char escaped = text[++at];
        if (escaped == '\n') ++line;
        switch (escaped) {
          case 'n':
            c = '\n';
            break;
          case 'r':
            c = '\r';
            break;
          case 't':
            c = '\t';
            break;
          case '"':
          case '\\':
            c = escaped;
            break;
          default:
            value.add('\\');
            c = escaped;
        }
      }
      value.add(c);
    }
    ++at;
    skipBlank(false);
    if (peek() == '#') skipLine();
    if (at < text.size() && peek() != '\n') raise("something follows the closing quote");
    value.add('\0');
    return kj::String(value.releaseAsArray());
  }

  static void set(kj::Vector<VariableBinding>& bindings, kj::String name, kj::String value) {
    auto json = quoteJson(value);
    for (auto& binding : bindings) {
      if (binding.name == name) {
        binding.json = kj::mv(json);
        return;
      }
    }
    bindings.add(VariableBinding{kj::mv(name), kj::mv(json)});
  }

  [[noreturn]] void raise(kj::StringPtr why) const {
    OperatorError{
        .code = kj::str("config.syntax"),
        .what = kj::str("a line of ", escapeLine(file), " is not KEY=value"),
        .where = kj::str(escapeLine(file), ':', line),
        .why = kj::str(why),
    }
        .raise();
  }
};

}  // namespace

kj::Vector<VariableBinding> parseSecrets(kj::StringPtr text, kj::StringPtr file) {
  return SecretsReader(text, file).read();
}

}  // namespace mayfly::config
