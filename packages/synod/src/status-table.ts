import type { NodeStatus } from "@synod/server";
import { textTable } from "./text-table.ts";

export interface NodeReport {
  readonly url: string;
  readonly status: NodeStatus | null;
  /** Why there is no status. */
  readonly reason: string;
}

type Column = readonly [title: string, cell: (status: NodeStatus, most: number) => string];

const COLUMNS: readonly Column[] = [
  ["NODE", (status) => String(status.id)],
  ["ROLE", (status) => status.role],
  ["LEADER", (status) => (status.leader === null ? "-" : String(status.leader))],
  ["BALLOT", (status) => status.ballot],
  ["EXECUTED", (status) => String(status.executedUpTo)],
  ["LAG", (status, most) => String(most - status.executedUpTo)],
  ["VOTES", (status) => (status.voter ? "yes" : "no")],
  ["READY", (status) => (status.ready ? "yes" : "no")],
  ["INCARNATION", (status) => String(status.incarnation)],
  ["JOURNAL", (status) => bytes(status.journalBytes)],
  ["SNAPSHOT", (status) => bytes(status.snapshotBytes)],
  ["PID", (status) => String(status.pid)],
];

/**
 * One line per node, and below them one per reason to worry. LAG is counted from the furthest node
 * that answered.
 */
export function statusTable(reports: readonly NodeReport[]): string {
  const most = Math.max(0, ...reports.map(({ status }) => status?.chosenUpTo ?? 0));
  const rows = [["URL", ...COLUMNS.map(([title]) => title)]];
  for (const { url, status, reason } of reports) {
    const cells = status === null ? [reason] : COLUMNS.map(([, cell]) => cell(status, most));
    rows.push([url, ...cells]);
  }
  const lines = textTable(rows);
  return [...lines, ...reports.flatMap(worries), ""].join("\n");
}

function worries({ status }: NodeReport): string[] {
  if (status === null) return [];
  const lines: string[] = [];
  if (!status.voter) lines.push(`node ${status.id} does not vote: ${status.nonVoterReason}`);
  if (!status.ready) lines.push(`node ${status.id} is not ready: ${status.notReadyReason}`);
  if (status.diskFull) lines.push(`node ${status.id}: its disk is full; it only reads`);
  for (const peer of status.peers) {
    if (peer.refused !== "")
      lines.push(`node ${status.id} does not count node ${peer.id}'s votes: ${peer.refused}`);
  }
  return lines;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
