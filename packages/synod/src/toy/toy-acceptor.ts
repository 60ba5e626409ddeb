import { formatBallot, type NodeId } from "@synod/core";
import {
  type AcceptorState,
  createAcceptor,
  onAccept,
  onPrepare,
  type PaxosMessage,
} from "@synod/core/protocols/paxos";
import type { ToyPhase } from "./toy-event.ts";
import { showValue, type ToySettings } from "./toy-settings.ts";
import type { ToyStage } from "./toy-stage.ts";

export type ToRequest = Extract<PaxosMessage, { kind: ToyPhase }>;

export type ToAnswer = Extract<PaxosMessage, { kind: "promise" | "nack" | "accepted" }>;

/** A proposer, as an acceptor sees it. */
export interface ToyAsker {
  readonly id: number;
  receive(from: NodeId, answer: ToAnswer): void;
  /** The acceptor is down, and says so. */
  failed(from: NodeId, request: ToRequest): void;
}

/**
 * An acceptor of Paxos that may fail at the first message of either phase; then it is down for the
 * rest of the round.
 */
export class ToyAcceptor {
  readonly id: number;
  readonly #stage: ToyStage;
  readonly #settings: ToySettings;
  readonly #state: AcceptorState = createAcceptor();
  readonly #reached = new Set<ToyPhase>();
  #down = false;

  constructor(id: number, stage: ToyStage, settings: ToySettings) {
    this.id = id;
    this.#stage = stage;
    this.#settings = settings;
  }

  /** What it has accepted, for whoever judges the round. */
  get accepted(): AcceptorState["accepted"] {
    return this.#state.accepted;
  }

  receive(from: ToyAsker, request: ToRequest): void {
    const stage = this.#stage;
    const acceptor = this.id;
    const ballot = formatBallot(request.ballot);
    if (request.kind === "prepare" && !this.#down)
      stage.tell({ event: "prepare", acceptor, proposer: from.id, ballot });
    if (!this.#down && this.#fails(request.kind)) {
      this.#down = true;
      stage.tell({ event: "acceptor-down", acceptor, phase: request.kind });
    }
    if (this.#down) return this.#fail(from, request);
    const { reply } =
      request.kind === "prepare"
        ? onPrepare(this.#state, request.ballot)
        : onAccept(this.#state, request);
    if (request.kind === "accept") {
      const event = reply?.kind === "accepted" ? "accepted" : "not-accepted";
      stage.tell({ event, acceptor, ballot, value: showValue(request.value) });
    }
    if (reply !== null) this.#reply(from, () => from.receive(acceptor, reply));
  }

  #fails(phase: ToyPhase): boolean {
    if (this.#reached.has(phase)) return false;
    this.#reached.add(phase);
    return this.#stage.chance(this.#settings.acceptorFails);
  }

  /** Who is down says so, unless failures are silence. */
  #fail(from: ToyAsker, request: ToRequest): void {
    if (this.#settings.silent) return;
    if (request.kind === "accept") {
      const ballot = formatBallot(request.ballot);
      const value = showValue(request.value);
      this.#stage.tell({ event: "not-accepted", acceptor: this.id, ballot, value });
    }
    this.#reply(from, () => from.failed(this.id, request));
  }

  #reply(to: ToyAsker, arrive: () => void): void {
    this.#stage.send(`acceptor ${this.id}`, `proposer ${to.id}`, arrive);
  }
}
