import type { CellHistory } from "./cell.ts";

/** One format, fed line by line; both answers are what is wrong, or null. */
export interface LineFormat {
  /** `line` counts from 1; blank lines are not passed on. */
  line(text: string, line: number): string | null;
  operations(): CellHistory;
}
