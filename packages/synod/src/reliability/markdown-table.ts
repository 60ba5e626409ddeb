/** A table in Markdown: names to the left, everything else as it is. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
