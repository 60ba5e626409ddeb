import { type NodeId, scramble } from "@synod/core";
import { PATIENCE_MAX } from "@synod/core/protocols/omnipaxos";
import type { Life, MemberStatus } from "@synod/simulator";

/** One life in so many has an option; each is drawn apart from all else, and moves nothing else. */
const SHARE = 5;
/** Rounds after which a higher priority takes over. */
const TAKE_OVER_ROUNDS = 2;
const PRIORITIES = 3;
/** Leads have moved within a few virtual seconds, or rest would be long in coming. */
const MOVED_MS_MAX = 30_000;

const SALTS = { takeOver: 0x243f6a88, pace: 0x452821e6, priority: 0x03707344 } as const;

function drawn(life: Life, option: keyof typeof SALTS, node = 0): number {
  return scramble(scramble(life.seed ^ SALTS[option]) + node);
}

/** Whether priority moves leads in this life. */
function movesLeads(life: Life, electionMs: number): boolean {
  const slowMs = 2 * TAKE_OVER_ROUNDS * PATIENCE_MAX * electionMs;
  return drawn(life, "takeOver") % SHARE === 0 && slowMs <= MOVED_MS_MAX;
}

/**
 * Numbers that only some lives have. Where the time-out follows the links it stays between three
 * quarters and twice of what it is elsewhere: the oracles measure in that.
 */
export function omnipaxosOptions(
  life: Life,
  node: NodeId,
  electionMs: number,
): Record<string, number> {
  const isPaced = drawn(life, "pace") % SHARE === 0;
  const pace = { electionMinMs: (3 * electionMs) / 4, electionMaxMs: 2 * electionMs };
  const priority = drawn(life, "priority", node) % PRIORITIES;
  return {
    ...(isPaced ? pace : {}),
    ...(movesLeads(life, electionMs) ? { priority, takeOverRounds: TAKE_OVER_ROUNDS } : {}),
  };
}

/** Where priority moves leads, a member of a lower one leads for a while only. */
export function leadDueIn(
  life: Life,
  electionMs: number,
  members: readonly MemberStatus[],
): string | null {
  if (!movesLeads(life, electionMs)) return null;
  const leading = members.filter(({ status }) => status.role === "leader");
  const priorityOf = (node: NodeId): number =>
    omnipaxosOptions(life, node, electionMs)["priority"] ?? 0;
  const highest = Math.max(...leading.map(({ node }) => priorityOf(node)));
  const due = members.find(({ node, status }) => status.voter && priorityOf(node) > highest);
  if (leading.length === 0 || due === undefined) return null;
  return `node ${due.node} is preferred to all that lead`;
}
