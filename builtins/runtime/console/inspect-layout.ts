// Putting the parts of an object together: on one line if they fit, long lists in columns, else a line each.

export type Piece = string;

const LINE = 80;
/** Objects with fewer levels inside may go on one line. */
const COMPACT_LEVELS = 3;
const MAX_COLUMNS = 15;
const SEPARATOR = 2; // ", "

export interface Layout {
  prefix: string;
  brackets: [open: string, close: string];
  /** Of the line on which the object begins. */
  indentation: number;
  /** How deep the objects inside it nest. */
  innerLevels: number;
  /** For long lists: set the pieces in columns, aligned on this side. */
  columns: "left" | "right" | null;
  /** Pieces at the end that do not go into columns, such as "... 5 more items". */
  uncounted: number;
}

export function assemble(pieces: Piece[], layout: Layout): string {
  const { prefix, brackets, indentation, columns } = layout;
  const [open, close] = brackets;
  const head = prefix === "" ? open : `${prefix} ${open}`;
  if (pieces.length === 0) return `${head}${close}`;
  const lines = columns === null ? pieces : setInColumns(pieces, columns, layout);
  if (lines === pieces && layout.innerLevels < COMPACT_LEVELS) {
    let total = pieces.length * 2 + head.length + indentation + 10;
    for (const piece of pieces) total += piece.length;
    if (total <= LINE && !pieces.some((piece) => piece.includes("\n")) && !prefix.includes("\n")) {
      return `${head} ${pieces.join(", ")} ${close}`;
    }
  }
  const margin = `\n${" ".repeat(indentation)}`;
  return `${head}${margin}  ${lines.join(`,${margin}  `)}${margin}${close}`;
}

/** Lines of several pieces each, or the pieces as they are if columns would not look well. */
function setInColumns(pieces: Piece[], side: "left" | "right", layout: Layout): Piece[] {
  const count = pieces.length - layout.uncounted;
  let total = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const { length } = pieces[i]!;
    if (pieces[i]!.includes("\n")) return pieces;
    total += length + SEPARATOR;
    longest = Math.max(longest, length);
  }
  const width = longest + SEPARATOR;
  if (width * 3 + layout.indentation >= LINE || !(total / width > 5 || longest <= 6)) return pieces;
  // About as many columns as give a block two and a half times as wide as high, letters being higher than wide.
  const typical = Math.max(width - 3 - Math.sqrt(width - total / pieces.length), 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * typical * count) / typical),
    Math.floor((LINE - layout.indentation) / width),
    COMPACT_LEVELS * 4,
    MAX_COLUMNS,
  );
  if (columns <= 1) return pieces;
  const widths: number[] = [];
  for (let column = 0; column < columns; column++) {
    let widest = 0;
    for (let i = column; i < count; i += columns) widest = Math.max(widest, pieces[i]!.length);
    widths.push(widest + SEPARATOR);
  }
  const lines: string[] = [];
  for (let start = 0; start < count; start += columns) {
    const end = Math.min(start + columns, count);
    let line = "";
    for (let i = start; i < end; i++) {
      const cellWidth = widths[i - start]!;
      if (i === end - 1) line += side === "right" ? pieces[i]!.padStart(cellWidth - SEPARATOR) : pieces[i]!;
      else if (side === "right") line += `${pieces[i]!}, `.padStart(cellWidth);
      else line += `${pieces[i]!}, `.padEnd(cellWidth);
    }
    lines.push(line);
  }
  for (let i = count; i < pieces.length; i++) lines.push(pieces[i]!);
  return lines;
}
