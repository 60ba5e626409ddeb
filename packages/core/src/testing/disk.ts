import type { About, JournalRecord } from "../effect.ts";

/**
 * The journal of one simulated replica: what a crash leaves is a prefix that holds all that was
 * synced.
 */
export interface Platter {
  items: Item[];
  /** Items that a sync has covered. */
  synced: number;
  /** Records that have rotted: a restart is told their names. */
  readonly rotten: Set<JournalRecord>;
}

type Item =
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "checkpoint"; readonly records: readonly JournalRecord[] };

export function createPlatter(): Platter {
  return { items: [], synced: 0, rotten: new Set() };
}

/** What a restart reads, and what it is told to be missing. */
export function contents(platter: Platter): { records: JournalRecord[]; missing: About[] } {
  const all = written(platter);
  const isRotten = (record: JournalRecord): boolean => platter.rotten.has(record);
  return {
    records: all.filter((record) => !isRotten(record)),
    missing: all.filter(isRotten).map(({ about }) => about),
  };
}

/** Damages a record for good, until a checkpoint replaces it. */
export function rot(platter: Platter, record: JournalRecord): void {
  platter.rotten.add(record);
}

/** Everything since the last checkpoint, damaged or not. */
export function written(platter: Platter): JournalRecord[] {
  let records: JournalRecord[] = [];
  for (const item of platter.items)
    if (item.kind === "checkpoint") records = [...item.records];
    else records.push(item.record);
  return records;
}

/** Forgets everything before the last durable checkpoint, as the host removes old segments. */
export function tidy(platter: Platter): void {
  for (let at = platter.synced - 1; at > 0; at -= 1) {
    if (platter.items[at]?.kind !== "checkpoint") continue;
    platter.items.splice(0, at);
    platter.synced -= at;
    return;
  }
}

/** Loses the power: `extra` items beyond the synced ones happen to survive. */
export function losePower(platter: Platter, extra: number): void {
  platter.items.length = Math.min(platter.items.length, platter.synced + extra);
  platter.synced = platter.items.length;
}
