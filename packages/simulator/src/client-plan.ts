import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";

/** How one client behaves, as plain data. */
export interface ClientPlan {
  readonly index: number;
  /** The name of its session; null: it relies on the sessions of the nodes. */
  readonly session: string | null;
  /** The node it prefers. */
  readonly home: NodeId;
  /** Probability that an operation goes elsewhere from the start. */
  readonly roams: number;
  /** Operations at once. */
  readonly width: number;
  /** Mean pause between an answer and the next operation, ms. */
  readonly thinkMs: number;
  /** Shares of reads, stale reads (among reads) and deletions (among writes). */
  readonly reads: number;
  readonly staleReads: number;
  readonly deletes: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Deadline that it gives with every request, ms. */
  readonly deadlineMs: number;
  /** Probability that it sends a write with a session to a second node at the same time. */
  readonly doubles: number;
  /** Probability that a request, and that an answer, is lost between client and node. */
  readonly loss: number;
  /**
   * Exactly these operations at these times, instead of one after the other; null: none is left
   * out.
   */
  readonly script: readonly ScriptedOperation[] | null;
}

/** One operation of a client that is made to happen at a fixed time. */
export interface ScriptedOperation {
  /** Virtual ms. */
  readonly atMs: number;
  /** The how-manieth of the client it was: all that it does is drawn by that number. */
  readonly number: number;
}

/** Operations a second that all clients together begin while they get answers at once. */
const RATES = [8, 10, 14, 24];

/**
 * Draws the clients of a life: few or many, but not busier together for that. A life is worth what
 * happens to its operations, not their number.
 */
export function drawClients(draws: Draws, nodes: readonly NodeId[]): ClientPlan[] {
  const count = draws.between(4, 8);
  const keys = draws.pick([1, 3, 5, 12]);
  const rate = draws.pick(RATES);
  const valueBytes = draws.pick([16, 64, 64, 256, 1_024]);
  const loss = draws.chance(0.5) ? draws.pick([0.01, 0.05]) : 0;
  const plans = Array.from({ length: count }, (_, index) => {
    const named = index === 0 || draws.chance(0.6);
    return {
      index,
      session: named ? `client-${index}` : null,
      home: draws.pick(nodes),
      roams: draws.pick([0, 0.1, 0.5]),
      width: named && draws.chance(0.3) ? 3 : 1,
      thinkMs: 0,
      reads: draws.pick([0.2, 0.4, 0.6]),
      staleReads: draws.pick([0, 0.1]),
      deletes: draws.pick([0.05, 0.2]),
      keys,
      valueBytes,
      deadlineMs: draws.pick([300, 1_000, 3_000]),
      doubles: named ? draws.pick([0, 0.02, 0.2]) : 0,
      loss,
      script: null,
    };
  });
  const lanes = plans.reduce((sum, { width }) => sum + width, 0);
  return plans.map((plan) => ({ ...plan, thinkMs: Math.round((1_000 * lanes) / rate) }));
}
