import type { History } from "./history.ts";

/** A text, or nothing: what one key holds. */
export type CellValue = string | null;

export type CellInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string }
  /** To what is there; to the empty text where nothing is. */
  | { readonly kind: "append"; readonly value: string }
  | { readonly kind: "delete" }
  | { readonly kind: "cas"; readonly expected: CellValue; readonly value: string };

export type CellOutput =
  /** The answer of a write, append or delete that tells nothing more. */
  | { readonly kind: "done" }
  | { readonly kind: "value"; readonly value: CellValue }
  /** Whether there was a value before a write or a delete. */
  | { readonly kind: "existed"; readonly existed: boolean }
  | { readonly kind: "matched"; readonly matched: boolean };

export type CellHistory = History<CellInput, CellOutput>;
