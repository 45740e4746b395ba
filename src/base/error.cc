#include "base/error.h"

#include <kj/debug.h>
#include <kj/vector.h>

namespace mayfly {
namespace {

constexpr kj::StringPtr PREFIX = "error["_kj;

// Appends `  label  text`, later lines of the text aligned under its first.
void appendPart(kj::Vector<char>& out, kj::StringPtr label, kj::StringPtr text) {
  if (text.size() == 0) return;
  out.addAll("\n  "_kj);
  out.addAll(label);
  for (size_t i = label.size(); i < 7; ++i)
    out.add(' ');
  for (char c : text) {
    out.add(c);
    if (c == '\n') out.addAll("         "_kj);
  }
}

}  // namespace

kj::String OperatorError::render(kj::StringPtr severity) const {
  kj::Vector<char> out;
  out.addAll(kj::str(severity, '[', code, "]: ", what));
  appendPart(out, "where"_kj, where);
  appendPart(out, "why"_kj, why);
  appendPart(out, "fix"_kj, fix);
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

kj::Exception OperatorError::toException() const {
  return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, render());
}

void OperatorError::raise() const { kj::throwFatalException(toException()); }

kj::Maybe<kj::StringPtr> findOperatorError(const kj::Exception& exception) {
  kj::StringPtr description = exception.getDescription();
  if (description.startsWith(PREFIX)) return description;
  return nullptr;
}

kj::String describeForOperator(const kj::Exception& exception) {
  KJ_IF_MAYBE (text, findOperatorError(exception)) {
    return kj::str(*text);
  }
  return OperatorError{
      .code = kj::str("internal.fault"),
      .what = kj::str("something failed that should not"),
      .where = kj::str(exception.getFile(), ':', exception.getLine()),
      .why = kj::str(exception.getDescription()),
  }
      .render();
}

}  // namespace mayfly
