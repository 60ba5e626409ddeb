/** What a soak came to: `synod soak --json` prints it. */
export interface SoakFigures {
  readonly nodes: number;
  readonly seconds: number;
  /** Histories that were recorded and checked, one each round. */
  readonly rounds: number;
  /** Operations in them, and how many of those nobody answered. */
  readonly operations: number;
  readonly unanswered: number;
  /** Writes that were acknowledged. */
  readonly writes: number;
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** What should never happen, in words. */
  readonly violations: readonly string[];
  readonly memory: Trend;
  readonly disk: Trend;
}

/** The largest of all nodes in the two halves of a run, bytes; null: nobody could tell. */
export interface Trend {
  readonly firstHalf: number | null;
  readonly secondHalf: number | null;
  /** Whether the second half stays within its bound; null: the run was too short to tell. */
  readonly flat: boolean | null;
}
