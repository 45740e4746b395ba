// Prints the demo: colours on a terminal only, lines wrapped to its width.
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };
const MAX_COLUMNS = 110;
const INDENT = "    ";

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

export class Story {
  #out;
  #paint;
  #columns;
  #answered = [];
  #refused = [];

  constructor(out) {
    this.#out = out;
    const coloured = out.isTTY && process.env.NO_COLOR === undefined;
    this.#paint = (style, text) => (coloured ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text);
    this.#columns = Math.min(out.columns || MAX_COLUMNS, MAX_COLUMNS);   // some terminals report 0
  }

  opening(url, count) {
    this.#line(`Mayfly is listening on ${url}. ${count} questions for a shop's support desk; each answer is a program`);
    this.#line("that a model wrote, run in a fresh sandbox that sees one customer's orders and no network.");
  }

  question(number, { customerId, question }) {
    this.#line("");
    const [first, ...rest] = wrap(`${question}`, this.#columns - INDENT.length);
    this.#line(`${String(number).padStart(2)}  ${this.#paint("bold", first)}`);
    for (const line of rest) this.#line(INDENT + this.#paint("bold", line));
    this.#line(INDENT + this.#paint("dim", `asked by ${customerId}`));
  }

  reply(expected, { body, roundTripMs }, complaint) {
    if (body.program !== undefined) {
      this.#line(INDENT + this.#paint("dim", `programs/${body.program}, ${ms(roundTripMs)} (${ms(body.ms)} of it in the parent's call)`));
    }
    if (body.ok) {
      this.#answered.push(roundTripMs);
      this.#wrapped("green", String(body.answer));
    } else {
      this.#refused.push({ what: expected.question, why: `${body.error.name ?? body.error.code}: ${body.error.message}` });
      this.#wrapped("yellow", `refused: ${body.error.name ?? body.error.code}: ${body.error.message}${body.error.code && body.error.name ? ` [${body.error.code}]` : ""}`);
    }
    if (expected.remark) this.#line(INDENT + this.#paint("dim", `(${expected.remark})`));
    if (complaint !== null) this.#wrapped("red", `NOT AS EXPECTED: ${complaint}`);
  }

  neighbours({ count, slowestMs, complaints }) {
    if (count > 0) this.#line(INDENT + this.#paint("dim", `meanwhile question 1 was answered ${count} times, the slowest in ${ms(slowestMs)}`));
    for (const complaint of complaints) this.#wrapped("red", `NOT AS EXPECTED, for a neighbour: ${complaint}`);
  }

  stopped(leftover) {
    this.#line("");
    this.#line(leftover === null ? "Mayfly was stopped; no process of it is left." : this.#paint("red", leftover));
  }

  ending(failures) {
    if (this.#answered.length > 0) {
      this.#line(`${this.#answered.length} answered, median ${ms(median(this.#answered))} from question to answer. ${this.#refused.length} refused.`);
    }
    this.#line(failures === 0
      ? this.#paint("green", "Every answer and every refusal was as expected.")
      : this.#paint("red", `${failures} not as expected.`));
  }

  failure(message) {
    this.#line(this.#paint("red", `demo: ${message}`));
  }

  serverLog(lines) {
    if (lines.length === 0) return;
    this.#line("the last lines of Mayfly's own output:");
    for (const line of lines) this.#line(`  | ${line}`);
  }

  #wrapped(style, text) {
    for (const line of wrap(text, this.#columns - INDENT.length)) this.#line(INDENT + this.#paint(style, line));
  }

  #line(text) {
    this.#out.write(`${text}\n`);
  }
}

function wrap(text, width) {
  const lines = [];
  let current = "";
  for (const word of text.split(/\s+/)) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = "";
    }
    current += current === "" ? word : ` ${word}`;
  }
  return [...lines, current];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
