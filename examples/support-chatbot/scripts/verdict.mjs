/** Compares a reply with an entry of expected.json. Null if it is as expected, else what is wrong, in words. */
export function verdictOn(expected, { status, body }) {
  if (expected.unknown) return verdictOnUnknown(status, body);
  if (status !== 200) return `expected HTTP 200, got ${status}: ${JSON.stringify(body)}`;
  return expected.refusal ? verdictOnRefusal(expected.refusal, body) : verdictOnAnswer(expected.answer, body);
}

function verdictOnAnswer(pattern, body) {
  if (!body.ok) return `expected an answer, got ${body.error.name}: ${body.error.message}`;
  return new RegExp(pattern, "u").test(String(body.answer)) ? null : `the answer does not match ${pattern}`;
}

function verdictOnRefusal({ name, message }, body) {
  if (body.ok) return `expected a refusal, got the answer ${JSON.stringify(body.answer)}`;
  if (!new RegExp(name, "u").test(body.error.name)) return `the error's name is ${body.error.name}, expected ${name}`;
  return new RegExp(message, "u").test(body.error.message) ? null : `the error's message is "${body.error.message}", expected ${message}`;
}

function verdictOnUnknown(status, body) {
  if (status !== 404 || body.error?.code !== "unknown-question") return `expected HTTP 404 unknown-question, got ${status}: ${JSON.stringify(body)}`;
  return Array.isArray(body.knownQuestions) && body.knownQuestions.length > 0 ? null : "the reply does not list the known questions";
}
