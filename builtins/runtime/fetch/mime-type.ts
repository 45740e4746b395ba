// MIME types, as far as bodies need them: the essence and parameters.

export interface MimeType {
  /** Lower-case "type/subtype". */
  essence: string;
  parameters: Map<string, string>;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const ESSENCE = new RegExp(`^(${TOKEN}/${TOKEN})[\\t\\n\\r ]*(?:;|$)`);
const PARAMETER = new RegExp(`;[\\t\\n\\r ]*(${TOKEN})=(?:"((?:[^"\\\\]|\\\\.)*)"?[^;]*|([^;]*))|;[^;]*`, "gs");

/** Null if it is no MIME type. */
export function parseMimeType(input: string): MimeType | null {
  const text = input.trim();
  const match = ESSENCE.exec(text);
  if (match === null) return null;
  const parameters = new Map<string, string>();
  for (const [, name, quoted, plain] of text.slice(match[1]!.length).matchAll(PARAMETER)) {
    if (name === undefined) continue;
    const value = quoted !== undefined ? quoted.replace(/\\(.)/gs, "$1") : plain!.replace(/[\t\n\r ]+$/, "");
    if (quoted === undefined && value === "") continue;
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value);
  }
  return { essence: match[1]!.toLowerCase(), parameters };
}
