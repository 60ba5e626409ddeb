import type { HostStatus, HostTuning } from "@synod/runtime";
import type { Accuse } from "./verdict.ts";

/** The limits that a host was given. */
export interface BoundedBy
  extends Pick<HostTuning, "outstandingMax" | "journalBytesMax" | "sessionsMax"> {
  /** Nodes that were ever members: each has a session. */
  readonly nodes: number;
}

/** Largest single thing that may stand above a limit: one record with a whole batch. */
const SLACK_BYTES = 1_000_000;

/** A host's own barrier comes on top of what clients may have outstanding. */
const OWN_REQUESTS_MAX = 1;

/** Values that a replica may hold in memory, beyond those that its journal holds too. */
const ENTRIES_MAX = 20_000;

/** Queues, memory and disk stay within their limits; reads and writes are limited on their own. */
export function checkBounds(status: HostStatus, limits: BoundedBy, accuse: Accuse): void {
  const { node, outstanding, journalBytes, snapshotBytes, sessions, replica } = status;
  const bounds: readonly (readonly [string, number, number])[] = [
    ["requests", outstanding, 2 * limits.outstandingMax + OWN_REQUESTS_MAX],
    ["bytes of journal", journalBytes, 8 * limits.journalBytesMax + SLACK_BYTES],
    // One session belongs to each node; one more may be opened before the oldest goes.
    ["sessions", sessions, limits.sessionsMax + limits.nodes + 1],
    ["bytes of snapshots", snapshotBytes, 4 * SLACK_BYTES],
    ["bytes of proposals in its queue", replica.detail["queueBytes"] ?? 0, 16 * SLACK_BYTES],
    ["reads waiting", replica.detail["readsWaiting"] ?? 0, 2 * limits.outstandingMax],
    ["values in memory", replica.detail["entries"] ?? 0, ENTRIES_MAX],
  ];
  for (const [what, held, most] of bounds)
    if (held > most) accuse("bounds", `node ${node} holds ${held} ${what}, at most ${most} may be`);
}
