import type { HostStatus, HostTuning } from "@synod/runtime";
import type { Accuse } from "./verdict.ts";

/** Largest single thing that may stand above a limit: one record with a whole batch. */
const SLACK_BYTES = 1_000_000;

/** A host's own barriers come on top of what clients may have outstanding. */
const OWN_REQUESTS_MAX = 8;

/** Queues and disk stay within their limits; reads and writes are limited each on their own. */
export function checkBounds(
  status: HostStatus,
  limits: Pick<HostTuning, "outstandingMax" | "journalBytesMax">,
  accuse: Accuse,
): void {
  const { node, outstanding, journalBytes } = status;
  if (outstanding > 2 * limits.outstandingMax + OWN_REQUESTS_MAX)
    accuse(
      "bounds",
      `node ${node} holds ${outstanding} requests, its limit is ${limits.outstandingMax}`,
    );
  const most = 8 * limits.journalBytesMax + SLACK_BYTES;
  if (journalBytes > most)
    accuse("bounds", `the journal of node ${node} has ${journalBytes} bytes`);
}
