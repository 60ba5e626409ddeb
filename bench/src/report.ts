/** What one item found: a table for people, figures for programs. */
export interface Report {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes?: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** One thing that can be measured, by name on the command line. */
export interface Item {
  readonly name: string;
  readonly summary: string;
  run(options: RunOptions): Promise<Report>;
}

export interface RunOptions {
  /** A look in seconds, not a measurement. */
  readonly quick: boolean;
  /** Runs of every case, interleaved. */
  readonly rounds: number;
  readonly say: (line: string) => void;
}
