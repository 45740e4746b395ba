// console.table().

import { getOwnPropertyDescriptor, isArray, objectKeys } from "../support/intrinsics.ts";
import { ops } from "../../internal/ops.ts";
import { inspect } from "./inspect.ts";

const MAX_ROWS = 1000;
const INDEX = "(index)";
const VALUES = "Values";

/** Null if the data has no rows to show. */
export function formatTable(data: unknown, wanted: unknown): string | null {
  if (typeof data !== "object" || data === null || ops.isProxy(data)) return null;
  const rows = rowsOf(data);
  const columns: string[] = isArray(wanted) ? wanted.map((name) => String(name)) : [];
  let hasValues = false;
  const cells: { index: string; fields: Map<string, string>; value: string }[] = [];
  for (const [index, row] of rows) {
    const fields = new Map<string, string>();
    let value = "";
    if (typeof row === "object" && row !== null && !ops.isProxy(row)) {
      for (const key of objectKeys(row)) {
        if (isArray(wanted)) {
          if (!columns.includes(key)) continue;
        } else if (!columns.includes(key)) {
          columns.push(key);
        }
        fields.set(key, cellText(propertyOf(row, key)));
      }
    } else {
      hasValues = true;
      value = cellText(row);
    }
    cells.push({ index, fields, value });
  }
  const header = [INDEX, ...columns, ...(hasValues ? [VALUES] : [])];
  const lines = cells.map(({ index, fields, value }) => [
    index,
    ...columns.map((column) => fields.get(column) ?? ""),
    ...(hasValues ? [value] : []),
  ]);
  return drawTable(header, lines);
}

function rowsOf(data: object): [string, unknown][] {
  switch (ops.brand(data)) {
    case "Map":
      return [...(data as Map<unknown, unknown>)]
        .slice(0, MAX_ROWS)
        .map(([key, value], i) => [String(i), { Key: key, Values: value }]);
    case "Set":
      return [...(data as Set<unknown>)].slice(0, MAX_ROWS).map((value, i) => [String(i), value]);
    default:
      return objectKeys(data)
        .slice(0, MAX_ROWS)
        .map((key) => [key, propertyOf(data, key)]);
  }
}

function propertyOf(object: object, key: string): unknown {
  const descriptor = getOwnPropertyDescriptor(object, key);
  return descriptor !== undefined && "value" in descriptor ? descriptor.value : undefined;
}

function cellText(value: unknown): string {
  return inspect(value, { depth: 0 }).replaceAll("\n", " ").slice(0, 200);
}

function drawTable(header: string[], lines: string[][]): string {
  const widths = header.map((title, column) => {
    let width = title.length;
    for (const line of lines) width = Math.max(width, line[column]!.length);
    return width + 2;
  });
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width)).join(middle) + right;
  const row = (cells: string[]): string =>
    `│${cells.map((cell, column) => ` ${cell}`.padEnd(widths[column]!)).join("│")}│`;
  return [rule("┌", "┬", "┐"), row(header), rule("├", "┼", "┤"), ...lines.map(row), rule("└", "┴", "┘")].join("\n");
}
