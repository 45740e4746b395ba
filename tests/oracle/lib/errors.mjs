/** What keeps the comparison from running at all, with the remedy; main prints it as it is. */
export function cannotRun(problem, remedy) {
  return Object.assign(new Error(`error[oracle.cannot-run]: ${problem}\n  fix    ${remedy}`), { code: "oracle.cannot-run" });
}
