// What one case says about Mayfly and the platform.
//
// differences.json maps "FILE > CASE" to {there, saying, reason}:
//   there    "fails", or "skipped" if it must not be run there because it would never end or fill the memory
//   saying   a part of the error there, so that a case which begins to fail for another reason is noticed
//   reason   the sentence of the specification, or its recommendation to differ (†), that we follow instead

/** `there` is what runCase said, or null if it was not run. */
export function judge({ id, passed }, entry, there) {
  const problem = (detail) => ({ kind: "problem", id, detail });
  if (!passed) return problem(`fails here (mayfly test says why)${there?.passed ? ", passes there" : ""}`);
  if (there === null) return { kind: "skipped", id };
  if (entry === undefined) {
    return there.passed ? { kind: "agrees", id } : problem(`differs without being listed; there:\n${there.said}`);
  }
  if (there.passed) return problem("is listed in differences.json, but passes there");
  if (!there.said.includes(entry.saying)) return problem(`is listed, but fails there in another way than "${entry.saying}":\n${there.said}`);
  return { kind: "differs", id };
}

/** Problems of the list itself: entries that are incomplete or belong to no case. */
export function staleEntries(listed, cases) {
  const known = new Set(cases.map(({ id }) => id));
  const problems = [];
  for (const [id, entry] of Object.entries(listed)) {
    const problem = (detail) => problems.push({ kind: "problem", id, detail });
    if (!known.has(id)) problem("is listed in differences.json, but there is no such case");
    if (entry.there !== "fails" && entry.there !== "skipped") problem('differences.json: "there" must be "fails" or "skipped"');
    if (entry.there === "fails" && !entry.saying) problem('differences.json: "saying" is missing');
    if (!entry.reason) problem('differences.json: "reason" is missing');
  }
  return problems;
}
