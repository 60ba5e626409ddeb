/** Rows of cells in columns. A row that ends early makes no column wide with its last cell. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => cellWidth(row, column))));
  const width = (column: number): number => widths[column] ?? 0;
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join("  ")
      .trimEnd(),
  );

  function cellWidth(row: readonly string[], column: number): number {
    return row.length < head.length && column === row.length - 1 ? 0 : (row[column]?.length ?? 0);
  }
}
