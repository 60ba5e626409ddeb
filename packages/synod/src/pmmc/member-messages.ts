import type { NodeId } from "@synod/core";
import type { Configuration, SessionRequest } from "@synod/runtime";
import type { Sight } from "./stage.ts";

/** What the process of a member is given at its start, as JSON. */
export interface MemberTask {
  readonly id: NodeId;
  readonly configuration: Configuration;
  readonly directory: string;
  /** It is a replica, with a state machine. */
  readonly executes: boolean;
}

/** A request for the replica of that process. */
export interface ToMember {
  readonly token: number;
  /** In base64. */
  readonly payload: string;
  /** Null: a reconfiguration. */
  readonly session: SessionRequest | null;
}

export type FromMember =
  /** The first one says that the member is up. */
  | { readonly kind: "sight"; readonly sight: Sight }
  | { readonly kind: "answer"; readonly token: number; readonly result: string | null }
  | {
      readonly kind: "epoch";
      readonly number: number;
      readonly first: number;
      readonly leaders: string;
      readonly acceptors: string;
    };
