// Tells a module from a snippet, by its tokens.
//
// `import` and `export` are reserved words, so outside of all brackets either one means a module, unless it is a
// property (`a.import`) or the call `import(…)`. What has to be recognised is only what may hold the two words
// without meaning them: comments, strings, templates and regular expressions.
#include <string>
#include <string_view>

#include "config/program-source.h"

namespace mayfly::config {
namespace {

bool isWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// After these words a `/` begins a regular expression.
bool expectsOperand(std::string_view word) {
  for (std::string_view keyword :
       {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "do", "else",
        "await", "yield", "instanceof", "export", "default"}) {
    if (word == keyword) return true;
  }
  return false;
}

class TokenScan {
public:
  explicit TokenScan(kj::StringPtr source) : text(source.begin(), source.size()) {}

  bool findsModuleSyntax() {
    if (text.starts_with("#!")) skipLine();
    while (at < text.size()) {
      char c = text[at];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at;
      } else if (text.substr(at).starts_with("//")) {
        skipLine();
      } else if (text.substr(at).starts_with("/*")) {
        auto end = text.find("*/", at + 2);
        if (end == std::string_view::npos) return true;
        at = end + 2;
      } else if (c == '"' || c == '\'') {
        if (!skipString(c)) return true;
      } else if (c == '`') {
        ++at;
        if (!skipTemplate()) return true;
      } else if (c == '/' && operandExpected) {
        if (!skipRegularExpression()) return true;
      } else if (isWordCharacter(c)) {
        if (readWord()) return true;
      } else if (!readPunctuation(c)) {
        return true;
      }
    }
    return !brackets.empty();
  }

private:
  std::string_view text;
  size_t at = 0;
  std::string brackets;         // open ones; a `$` for the `${` of a template
  bool operandExpected = true;  // whether a `/` here begins a regular expression
  bool afterDot = false;

  void skipLine() {
    auto end = text.find('\n', at);
    at = end == std::string_view::npos ? text.size() : end;
  }

  void took(bool operandNext) {
    operandExpected = operandNext;
    afterDot = false;
  }

  bool skipString(char quote) {
    for (++at; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\n') return false;
      if (text[at] == '\\') ++at;
    }
    if (at >= text.size()) return false;
    ++at;
    took(false);
    return true;
  }

  // From inside of a template to its end, or to its next `${`.
  bool skipTemplate() {
    for (; at < text.size(); ++at) {
      if (text[at] == '\\') {
        ++at;
      } else if (text[at] == '`') {
        ++at;
        took(false);
        return true;
      } else if (text.substr(at).starts_with("${")) {
        at += 2;
        brackets.push_back('$');
        took(true);
        return true;
      }
    }
    return false;
  }

  bool skipRegularExpression() {
    bool inClass = false;
    for (++at; at < text.size() && text[at] != '\n'; ++at) {
      if (text[at] == '\\') {
        ++at;
      } else if (text[at] == '[') {
        inClass = true;
      } else if (text[at] == ']') {
        inClass = false;
      } else if (text[at] == '/' && !inClass) {
        ++at;
        while (at < text.size() && isWordCharacter(text[at]))
          ++at;
        took(false);
        return true;
      }
    }
    return false;
  }

  // True if the word makes this a module.
  bool readWord() {
    size_t start = at;
    while (at < text.size() && isWordCharacter(text[at]))
      ++at;
    auto word = text.substr(start, at - start);
    bool property = afterDot;
    took(!property && expectsOperand(word));
    if (property || !brackets.empty()) return false;
    if (word == "export") return true;
    if (word != "import") return false;
    size_t next = at;
    while (next < text.size() &&
           (text[next] == ' ' || text[next] == '\t' || text[next] == '\n' || text[next] == '\r'))
      ++next;
    return next >= text.size() || text[next] != '(';
  }

  // False if a bracket closes that was never opened.
  bool readPunctuation(char c) {
    ++at;
    if (c == '(' || c == '[' || c == '{') {
      brackets.push_back(c);
      took(true);
      return true;
    }
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty()) return false;
      char open = brackets.back();
      brackets.pop_back();
      if (open == '$') return c == '}' && skipTemplate();
      if ((open == '(') != (c == ')') || (open == '[') != (c == ']')) return false;
      took(
          c ==
          '}');  // after a block a `/` begins a regular expression; after an object literal it rarely follows
      return true;
    }
    bool spread = c == '.' && at < text.size() && text[at] == '.';
    bool increment = (c == '+' || c == '-') && at < text.size() && text[at] == c;
    if (spread || increment) {
      at += spread ? 2 : 1;
      took(true);
      return true;
    }
    took(true);
    afterDot = c == '.';
    return true;
  }
};

}  // namespace

bool looksLikeModule(kj::StringPtr source) { return TokenScan(source).findsModuleSyntax(); }

}  // namespace mayfly::config
