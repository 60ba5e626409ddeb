/** A snapshot that an application made of its own state: what the entries through `upTo` did. */
export interface LogSnapshot {
  readonly upTo: number;
  readonly parts: readonly Uint8Array[];
}

/** Parts that have come of a snapshot that is not complete. */
export interface Upload {
  readonly id: number;
  readonly parts: Uint8Array[];
}

/**
 * The whole state. Arrays are only appended to or replaced, so that frozen readers may keep them.
 */
export interface LogState {
  readonly compactedUpTo: number;
  readonly snapshot: LogSnapshot | null;
  /** Oldest first. */
  readonly uploads: readonly Upload[];
  /** Entries from `compactedUpTo + 1` on begin at `dropped` in here. */
  readonly entries: Uint8Array[];
  readonly dropped: number;
}
