import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import type { DiskTrouble } from "./fault-disk.ts";
import { drawDownMs, drawTarget, FIRST_FAULT_MS } from "./fault-draws.ts";

/** Trouble that takes nothing away that was durable: anybody may have it. */
export function drawDiskTrouble(draws: Draws, nodes: readonly NodeId[], atMs: number): DiskTrouble {
  const target = drawTarget(draws, nodes);
  switch (draws.pick(["slow-disk", "slow-disk", "full-disk", "io-error", "io-error"] as const)) {
    case "slow-disk":
      return {
        kind: "slow-disk",
        atMs,
        target,
        extraMs: draws.pick([5, 50, 500, 3_000, 10_000]),
        forMs: draws.pick([500, 3_000, 10_000]),
      };
    case "full-disk":
      return {
        kind: "full-disk",
        atMs,
        target,
        roomBytes: draws.pick([0, 1_024, 8_192, 65_536]),
        forMs: draws.pick([500, 3_000, 10_000]),
      };
    case "io-error":
      return {
        kind: "io-error",
        atMs,
        target,
        call: draws.pick(FAILING_CALLS),
        after: draws.between(0, draws.pick([3, 30])),
      };
  }
}

const FAILING_CALLS = Object.freeze([
  "sync",
  "sync",
  "sync",
  "sync",
  "write",
  "write",
  "syncDirectory",
  "rename",
  "read",
  "create",
  "remove",
  "list",
  "size",
] as const);

const LOSS_KINDS = Object.freeze([
  "wipe",
  "stale",
  "rot",
  "rot",
  "misdirect",
  "lost-file",
  "lie",
  "lie",
] as const);

/** What takes away what one victim had made durable. */
export function drawLoss(draws: Draws, target: NodeId, untilMs: number): DiskTrouble[] {
  const atMs = draws.between(FIRST_FAULT_MS, Math.floor(untilMs * 0.8));
  const downMs = drawDownMs(draws);
  const draw = draws.between(0, 0xffff);
  const kind = draws.pick(LOSS_KINDS);
  switch (kind) {
    case "wipe":
      return [{ kind, atMs, target, downMs }];
    case "stale": {
      const ageMs = draws.pick([3_000, 10_000, 20_000]);
      return [{ kind, atMs, target, ageMs, downMs }];
    }
    case "rot": {
      const place = draws.pick(["head", "middle", "tail", "tail", "identity", "snapshot"] as const);
      return [{ kind, atMs, target, place, draw, downMs }];
    }
    case "misdirect":
      return [{ kind, atMs, target, draw, downMs }];
    case "lost-file": {
      const use = draws.pick(["journal", "journal", "journal", "identity", "snapshot"] as const);
      return [{ kind, atMs, target, use, draw, downMs }];
    }
    case "lie": {
      const use = draws.pick(["journal", "journal", "journal", "identity", "snapshot"] as const);
      const after = draws.between(0, draws.pick([3, 30]));
      const times = draws.pick([1, 1, 1, 2]);
      const forMs = draws.pick([200, 1_000, 5_000]);
      return [{ kind, atMs, target, use, after, times, forMs, downMs }];
    }
  }
}
