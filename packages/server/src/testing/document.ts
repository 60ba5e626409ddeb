import { readFileSync } from "node:fs";

const DOCS = new URL("../../../../docs/", import.meta.url);

/** The rows of the first table below a heading of a document, without its head; cells trimmed. */
export function documentTable(name: string, heading: string): readonly (readonly string[])[] {
  const lines = readFileSync(new URL(name, DOCS), "utf8").split("\n");
  const begin = lines.findIndex((line) => /^#+ /.test(line) && line.endsWith(` ${heading}`));
  if (begin < 0) throw new Error(`${name} has no heading "${heading}"`);
  const first = lines.findIndex((line, index) => index > begin && line.startsWith("|"));
  const next = lines.findIndex((line, index) => index > begin && /^#+ /.test(line));
  if (first < 0 || (next >= 0 && next < first)) throw new Error(`no table below "${heading}"`);
  const end = lines.findIndex((line, index) => index > first && !line.startsWith("|"));
  return lines.slice(first + 2, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split("|")
      .map((cell) => cell.trim()),
  );
}

/** What stands in backquotes in a cell, in order. */
export function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
}
