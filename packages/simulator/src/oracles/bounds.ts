import type { HostStatus, HostTuning } from "@synod/runtime";
import type { Accuse } from "./verdict.ts";

/** Largest single thing that may stand above a limit: one record with a whole batch. */
const SLACK_BYTES = 1_000_000;

/** Queues and disk stay within their limits. */
export function checkBounds(
  status: HostStatus,
  limits: Pick<HostTuning, "outstandingMax" | "journalBytesMax">,
  accuse: Accuse,
): void {
  const { node, outstanding, journalBytes } = status;
  if (outstanding > limits.outstandingMax)
    accuse(
      "bounds",
      `node ${node} holds ${outstanding} requests, its limit is ${limits.outstandingMax}`,
    );
  const most = 8 * limits.journalBytesMax + SLACK_BYTES;
  if (journalBytes > most)
    accuse("bounds", `the journal of node ${node} has ${journalBytes} bytes`);
}
