import type { MemberList } from "@synod/server";
import { textTable } from "../text-table.ts";

/** One line per member, then what is going on. */
export function memberTable(list: MemberList): string {
  const rows = list.members.map(({ id, peer, roles, dataId, holdsState }) => [
    String(id),
    peer,
    roles.length === 0 ? "all" : roles.join(", "),
    dataId === "" ? "-" : dataId,
    holdsState ? "yes" : "no",
  ]);
  const lines = textTable([["NODE", "PEER", "ROLES", "DATA ID", "HOLDS STATE"], ...rows]);
  lines.push(`configuration ${list.configuration}, after slot ${list.began}`);
  if (list.quorums !== null)
    lines.push(
      `quorums of ${list.quorums.phase1} in phase 1 and ${list.quorums.phase2} in phase 2`,
    );
  if (list.stopping) lines.push("it is over; the next one is about to begin");
  else if (!list.settled) lines.push("not settled yet: too few members hold the state");
  if (list.waitsFor !== "") lines.push(`a change waits: ${list.waitsFor}`);
  for (const { id, dataId } of list.applicants)
    lines.push(`node ${id} wants to be a member, with data id ${dataId}`);
  return [...lines, ""].join("\n");
}
