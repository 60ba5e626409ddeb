import type { CellInput, CellOutput } from "./cell.ts";
import type { HistoryOperation } from "./history.ts";

/** How an operation ended, as far as its client knows. */
export type Ending =
  | { readonly kind: "answered"; readonly output: CellOutput }
  /** It may take effect at any later time. */
  | { readonly kind: "unknown" }
  /** It took no effect and never will. */
  | { readonly kind: "refused" };

interface Begun {
  readonly key: string;
  readonly input: CellInput;
  readonly line: number;
}

/**
 * Pairs calls with returns in a format where each is a line of its own: times are line numbers, and
 * one process has at most one operation open.
 */
export class OpenOperations {
  readonly #open = new Map<string, Begun>();
  readonly #finished: HistoryOperation<CellInput, CellOutput>[] = [];

  /** Null, or what was expected instead. */
  begin(process: string, key: string, input: CellInput, line: number): string | null {
    const open = this.#open.get(process);
    if (open !== undefined)
      return `the end of the operation that process ${process} began in line ${open.line}`;
    this.#open.set(process, { key, input, line });
    return null;
  }

  /** The operation that `process` has open. */
  current(process: string): Begun | null {
    return this.#open.get(process) ?? null;
  }

  /** Ends the operation that `process` has open. */
  end(process: string, ending: Ending, line: number): void {
    const open = this.#open.get(process);
    if (open === undefined) return;
    this.#open.delete(process);
    if (ending.kind === "refused") return;
    const output = ending.kind === "answered" ? ending.output : null;
    const returned = ending.kind === "answered" ? line : null;
    this.#finish(process, open, output, returned);
  }

  /** All operations in the order of their calls; what is still open stays without an answer. */
  all(): readonly HistoryOperation<CellInput, CellOutput>[] {
    const open = [...this.#open.entries()].sort(([, a], [, b]) => a.line - b.line);
    for (const [process, begun] of open) this.#finish(process, begun, null, null);
    this.#open.clear();
    return this.#finished.toSorted((a, b) => a.call - b.call);
  }

  #finish(process: string, begun: Begun, output: CellOutput | null, returned: number | null): void {
    const { key, input, line } = begun;
    this.#finished.push({ process, key, input, output, call: line, returned });
  }
}

export function sameInput(a: CellInput, b: CellInput): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
