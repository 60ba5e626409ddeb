/**
 * One operation on one key, seen from outside. Times in ms of one clock; every value is written
 * once.
 */
export interface Operation {
  readonly kind: "write" | "read";
  readonly key: string;
  /** Null: a read that found nothing. */
  readonly value: string | null;
  readonly startMs: number;
  /** Infinity: a write that may have been executed at any time since, or never. */
  readonly endMs: number;
}

/** All that was done with one value: its write, and the reads that returned it. */
interface Cluster {
  readonly value: string | null;
  readonly write: Operation;
  /** When the first of these operations had ended, and when the last one had begun. */
  readonly firstEndMs: number;
  readonly lastStartMs: number;
}

/**
 * Whether a history of independent registers is linearizable, and if not, why. Exact, not a
 * heuristic: with unique values each read names its write, and then zones decide (Gibbons and
 * Korach, "Testing shared memories", 1997, theorem 4.12). A cluster's zone lies between its first
 * end and its last start. If the end comes first, the value must have been there throughout: two
 * such forward zones may not overlap, and no other cluster may lie inside one.
 */
export function whyNotLinearizable(history: readonly Operation[]): string | null {
  const keys = new Set(history.map(({ key }) => key));
  for (const key of keys) {
    const problem = whyNotRegister(history.filter((operation) => operation.key === key));
    if (problem !== null) return `key ${key}: ${problem}`;
  }
  return null;
}

function whyNotRegister(operations: readonly Operation[]): string | null {
  const clusters = gather(operations);
  if (typeof clusters === "string") return clusters;
  const forward = clusters.filter(isForward).sort((a, b) => a.firstEndMs - b.firstEndMs);
  for (const [index, zone] of forward.entries()) {
    const next = forward[index + 1];
    if (next !== undefined && next.firstEndMs < zone.lastStartMs)
      return `${show(next)} was seen while ${show(zone)} was both seen before and seen after`;
  }
  for (const zone of forward) {
    const inside = clusters.find(
      (other) =>
        !isForward(other) &&
        zone.firstEndMs < other.lastStartMs &&
        other.firstEndMs < zone.lastStartMs,
    );
    if (inside !== undefined)
      return `${show(inside)} came and went while ${show(zone)} was seen before and after`;
  }
  return null;
}

function isForward(cluster: Cluster): boolean {
  return cluster.firstEndMs < cluster.lastStartMs;
}

function gather(operations: readonly Operation[]): Cluster[] | string {
  const nothing: Operation = {
    kind: "write",
    key: "",
    value: null,
    startMs: Number.NEGATIVE_INFINITY,
    endMs: Number.NEGATIVE_INFINITY,
  };
  const writes = new Map<string | null, Operation>([[null, nothing]]);
  for (const operation of operations) {
    if (operation.kind !== "write") continue;
    if (writes.has(operation.value)) return `${operation.value} was written twice: a faulty test`;
    writes.set(operation.value, operation);
  }
  const clusters: Cluster[] = [];
  for (const [value, write] of writes) {
    const reads = operations.filter(
      (operation) => operation.kind === "read" && operation.value === value,
    );
    // Never seen and perhaps never executed: it constrains nothing.
    if (reads.length === 0 && write.endMs === Number.POSITIVE_INFINITY) continue;
    if (reads.some((read) => read.endMs < write.startMs))
      return `${show({ value })} was read before it was written`;
    const all = [write, ...reads];
    const firstEndMs = Math.min(...all.map(({ endMs }) => endMs));
    const lastStartMs = Math.max(...all.map(({ startMs }) => startMs));
    clusters.push({ value, write, firstEndMs, lastStartMs });
  }
  const unwritten = operations.find(({ kind, value }) => kind === "read" && !writes.has(value));
  return unwritten === undefined ? clusters : `${unwritten.value} was read and never written`;
}

function show({ value }: { readonly value: string | null }): string {
  return value === null ? "nothing" : `"${value}"`;
}
