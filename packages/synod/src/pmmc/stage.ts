import type { NodeId } from "@synod/core";
import type { SessionRequest } from "@synod/runtime";

/** What a client or an operator asks of a replica. */
export interface StageRequest {
  readonly payload: Uint8Array;
  /** Null: a reconfiguration, for the protocol itself. */
  readonly session: SessionRequest | null;
}

/** What can be seen of a member from outside. */
export interface Sight {
  readonly executedUpTo: number;
  /** The calculator's number; null where there is none. */
  readonly value: number | null;
  readonly leads: boolean;
  /** Number of the last epoch that it knows. */
  readonly epoch: number;
}

/** Where the members of a run live: in simulated time, or as processes of this machine. */
export interface Stage {
  /** Ms since the members were started. */
  now(): number;
  after(ms: number, run: () => void): void;
  /** `done` once: the result as text, or null when this was not answered in time. */
  request(id: NodeId, request: StageRequest, done: (result: string | null) => void): void;
  /** The member dies without notice. */
  kill(id: NodeId): void;
  /** Null: it is not alive. */
  sight(id: NodeId): Sight | null;
  /** A new epoch began, as a replica says: its number, first slot, leaders and acceptors. */
  onEpoch(
    listener: (number: number, first: number, leaders: string, acceptors: string) => void,
  ): void;
}

/** How long one attempt of a request may take. */
export const ATTEMPT_MS = 2_000;
