import type { Writer } from "@synod/core";
import type { Model } from "../explore.ts";

/**
 * Two-phase commit as Gray and Lamport specify it ("Consensus on Transaction Commit", 2006), after
 * Stateright's example. Its resource managers are interchangeable, so it also calibrates symmetry.
 */
export interface TwoPhaseState {
  readonly managers: readonly Manager[];
  readonly decision: "none" | "commit" | "abort";
}

interface Manager {
  readonly state: (typeof STATES)[number];
  /** It has said that it is prepared. */
  readonly said: boolean;
  /** The transaction manager has heard so. */
  readonly heard: boolean;
}

const STATES = ["working", "prepared", "committed", "aborted"] as const;

export interface TwoPhaseAction {
  readonly kind: "commit" | "abort" | "hear" | "prepare" | "giveUp" | "obey";
  readonly manager: number;
}

/**
 * What is taken for the same state: `none`, only what is the same; `byState`, what becomes the same
 * when managers are sorted by their own state, as Stateright's test does it; `full`, whatever is
 * the same but for the names of managers.
 */
export type Symmetry = "none" | "byState" | "full";

export function twoPhaseCommit(
  count: number,
  symmetry: Symmetry,
): Model<TwoPhaseState, TwoPhaseAction> {
  const blank: Manager = { state: "working", said: false, heard: false };
  return {
    initial: [{ managers: Array.from({ length: count }, () => blank), decision: "none" }],
    actions: actionsOf,
    apply,
    fingerprint(writer: Writer, { managers, decision }) {
      writer.u8(decision.length);
      for (const manager of sorted(managers, symmetry)) writer.u8(codeOf(manager));
    },
    check({ managers }) {
      const states = new Set(managers.map((manager) => manager.state));
      return states.has("committed") && states.has("aborted") ? "not consistent" : null;
    },
    describe: (_state, { kind, manager }) => (manager < 0 ? kind : `${kind} ${manager}`),
  };
}

function sorted(managers: readonly Manager[], symmetry: Symmetry): readonly Manager[] {
  if (symmetry === "none") return managers;
  const rank = (manager: Manager): number =>
    symmetry === "full" ? codeOf(manager) : STATES.indexOf(manager.state);
  return managers.toSorted((a, b) => rank(a) - rank(b));
}

function codeOf({ state, said, heard }: Manager): number {
  return STATES.indexOf(state) * 4 + (said ? 2 : 0) + (heard ? 1 : 0);
}

function actionsOf({ managers, decision }: TwoPhaseState): TwoPhaseAction[] {
  const actions: TwoPhaseAction[] = [];
  if (decision === "none") {
    if (managers.every((manager) => manager.heard)) actions.push({ kind: "commit", manager: -1 });
    actions.push({ kind: "abort", manager: -1 });
  }
  for (const [manager, { state, said }] of managers.entries()) {
    if (decision === "none" && said) actions.push({ kind: "hear", manager });
    if (state === "working") {
      actions.push({ kind: "prepare", manager });
      actions.push({ kind: "giveUp", manager });
    }
    if (decision !== "none") actions.push({ kind: "obey", manager });
  }
  return actions;
}

function apply(before: TwoPhaseState, { kind, manager }: TwoPhaseAction): TwoPhaseState {
  if (kind === "commit" || kind === "abort") return { ...before, decision: kind };
  const old = before.managers[manager] as Manager;
  const decided = before.decision === "commit" ? "committed" : "aborted";
  const changes: Record<typeof kind, Partial<Manager>> = {
    hear: { heard: true },
    prepare: { state: "prepared", said: true },
    giveUp: { state: "aborted" },
    obey: { state: decided },
  };
  return { ...before, managers: before.managers.with(manager, { ...old, ...changes[kind] }) };
}
