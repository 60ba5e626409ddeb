/** What a load generator is told: plain data, because it is another process. */
export interface Load {
  /** HTTP addresses; connection i goes to the i-th, over and over. */
  readonly targets: readonly { readonly host: string; readonly port: number }[];
  readonly method: "PUT" | "GET";
  /** Requests outstanding, one per connection. */
  readonly connections: number;
  /** Requests per second that are asked for; null: as many as are answered. */
  readonly perSecond: number | null;
  readonly valueBytes: number;
  /** Keys are drawn from this many. */
  readonly keys: number;
  /** Keys one after the other from the first, instead of drawn: fills a store. */
  readonly inOrder: boolean;
  readonly warmUpMs: number;
  /** Ends after this time, or after `requests`, whatever comes first. */
  readonly measureMs: number;
  readonly requests: number;
}

/** From the generator. Times are of `Date.now()`, the one clock that processes share. */
export type LoadMessage =
  | { readonly kind: "measuring" }
  /** Once a second while it runs. */
  | { readonly kind: "progress"; readonly done: number }
  /** The answer to `mark`: the first write that was sent and acknowledged after it. */
  | { readonly kind: "first after mark"; readonly at: number }
  | { readonly kind: "result"; readonly result: LoadResult };

/** To the generator. */
export type LoadRequest = { readonly kind: "mark"; readonly at: number } | { readonly kind: "end" };

export interface LoadResult {
  readonly done: number;
  /** Answers other than success, and connections that broke. */
  readonly failures: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of `Date.now()`, when measuring began. */
  readonly beganAt: number;
  /** Requests done in each second since then; the last one is not whole. */
  readonly perSecond: readonly number[];
  /** CPU seconds per second of the generator itself. */
  readonly cores: number;
}
