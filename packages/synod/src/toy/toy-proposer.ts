import { formatBallot, majority, type NodeId, type QuorumSystem } from "@synod/core";
import {
  backoffMs,
  beginBallot,
  createLearner,
  createProposer,
  hearAccepted,
  hearChosen,
  type LearnerState,
  onAccepted,
  onNack,
  onPromise,
  type ProposerState,
} from "@synod/core/protocols/paxos";
import type { ToAnswer, ToRequest, ToyAcceptor, ToyAsker } from "./toy-acceptor.ts";
import type { ToyPhase } from "./toy-event.ts";
import { showValue, type ToySettings, toValue } from "./toy-settings.ts";
import type { ToyStage } from "./toy-stage.ts";

/** How long a proposer waits for the answers to one message, virtual ms. */
const PATIENCE_MS = 50;
const BACKOFF: Parameters<typeof backoffMs>[2] = { baseMs: 20, maxMs: 320 };

/** Whom a proposer speaks to. */
export interface ToyCompany {
  readonly acceptors: readonly ToyAcceptor[];
  readonly proposers: readonly ToyProposer[];
}

/**
 * A proposer of Paxos, and the learner of its outcome. One that is alone makes one attempt; others
 * try again, after a pause, until a value is chosen. It may fail while it sends the first message
 * of either phase, and is then down for the rest of the round.
 */
export class ToyProposer implements ToyAsker {
  readonly id: number;
  readonly #stage: ToyStage;
  readonly #settings: ToySettings;
  readonly #company: ToyCompany;
  readonly #quorums: QuorumSystem;
  readonly #proposer: ProposerState;
  readonly #learner: LearnerState = createLearner();
  /** Who has said that it failed, in the phase under way. */
  readonly #failed = new Set<NodeId>();
  readonly #reached = new Set<ToyPhase>();
  #phasesBegun = 0;
  #down = false;

  constructor(id: number, stage: ToyStage, settings: ToySettings, company: ToyCompany) {
    this.id = id;
    this.#stage = stage;
    this.#settings = settings;
    this.#company = company;
    this.#quorums = majority(Array.from({ length: settings.acceptors }, (_, index) => index));
    this.#proposer = createProposer(id);
  }

  /** What it knows to be chosen; null as long as it knows nothing, and for good when it is down. */
  get learned(): string | null {
    const { chosen } = this.#learner;
    return chosen === null || this.#down ? null : showValue(chosen);
  }

  /** A quorum has promised it something at some time. */
  get hasProposed(): boolean {
    return this.#reached.has("accept");
  }

  /** Takes `value` for its own, and begins its first ballot. */
  begin(value: string): void {
    this.#proposer.value = toValue(value);
    this.#stage.tell({ event: "proposal", proposer: this.id, value });
    this.#attempt();
  }

  /** An acceptor has answered. */
  receive(from: NodeId, answer: ToAnswer): void {
    if (this.#down) return;
    if (answer.kind === "promise") this.#promised(from, answer);
    else if (answer.kind === "accepted") this.#accepted(from, answer);
    else this.#outbid(from, answer);
  }

  /** An acceptor is down, and says so. */
  failed(from: NodeId, { kind: phase, ballot }: ToRequest): void {
    if (this.#down) return;
    this.#stage.tell({ event: "fail", proposer: this.id, acceptor: from, phase });
    const { attempt } = this.#proposer;
    if (attempt?.phase !== phase || attempt.ballot.round !== ballot.round) return;
    this.#failed.add(from);
    this.#giveUpIfAllAnswered();
  }

  /** Another proposer knows the outcome. */
  tell(value: Uint8Array): void {
    if (!this.#down && hearChosen(this.#learner, value)) this.#knows(value);
  }

  #attempt(): void {
    if (this.#down || this.#learner.chosen !== null) return;
    this.#send(beginBallot(this.#proposer).message);
  }

  #promised(from: NodeId, answer: Extract<ToAnswer, { kind: "promise" }>): void {
    const { value: own } = this.#proposer;
    const ballot = formatBallot(answer.ballot);
    const accepted = answer.accepted && {
      ballot: formatBallot(answer.accepted.ballot),
      value: showValue(answer.accepted.value),
    };
    this.#stage.tell({ event: "promise", proposer: this.id, acceptor: from, ballot, accepted });
    const accept = onPromise(this.#proposer, this.#quorums, from, answer);
    if (accept === null) return this.#giveUpIfAllAnswered();
    const value = showValue(accept.value);
    // Values are compared by identity: what was taken over is somebody else's bytes.
    const adopted = accept.value !== own;
    this.#stage.tell({ event: "propose", proposer: this.id, ballot, value, adopted });
    this.#send(accept);
  }

  #accepted(from: NodeId, { ballot }: Extract<ToAnswer, { kind: "accepted" }>): void {
    const said = { proposer: this.id, acceptor: from, ballot: formatBallot(ballot) };
    this.#stage.tell({ event: "accept", ...said });
    const proposal = onAccepted(this.#proposer, from, ballot);
    if (proposal !== null && hearAccepted(this.#learner, this.#quorums, from, proposal)) {
      this.#knows(proposal.value);
      for (const other of this.#company.proposers)
        if (other !== this)
          this.#stage.send(this.#name, `proposer ${other.id}`, () => other.tell(proposal.value));
    } else this.#giveUpIfAllAnswered();
  }

  #outbid(from: NodeId, answer: Extract<ToAnswer, { kind: "nack" }>): void {
    const ballot = formatBallot(answer.refused);
    const promised = formatBallot(answer.promised);
    this.#stage.tell({ event: "outbid", proposer: this.id, acceptor: from, ballot, promised });
    if (onNack(this.#proposer, answer)) this.#over();
  }

  /** Whatever it was about, there is nothing left to attempt. */
  #knows(value: Uint8Array): void {
    this.#proposer.attempt = null;
    this.#stage.tell({ event: "learned", proposer: this.id, value: showValue(value) });
  }

  /** To every acceptor, or to some of them if this is where it fails. */
  #send(request: ToRequest): void {
    const stage = this.#stage;
    const { acceptors } = this.#company;
    this.#failed.clear();
    this.#phasesBegun += 1;
    this.#down = this.#fails(request.kind);
    const sent = this.#down ? stage.below(acceptors.length) : acceptors.length;
    const first = stage.below(acceptors.length);
    for (let count = 0; count < sent; count += 1) {
      const acceptor = acceptors[(first + count) % acceptors.length] as ToyAcceptor;
      stage.send(this.#name, `acceptor ${acceptor.id}`, () => acceptor.receive(this, request));
    }
    if (this.#down)
      stage.tell({ event: "proposer-down", proposer: this.id, phase: request.kind, sent });
    else if (this.#settings.silent) this.#expectAnswers(request.kind);
  }

  #fails(phase: ToyPhase): boolean {
    if (this.#reached.has(phase)) return false;
    this.#reached.add(phase);
    return this.#stage.chance(this.#settings.proposerFails);
  }

  #expectAnswers(phase: ToyPhase): void {
    const begun = this.#phasesBegun;
    this.#stage.after(PATIENCE_MS, () => {
      const isOpen = this.#phasesBegun === begun && this.#proposer.attempt !== null;
      if (!isOpen || this.#down) return;
      this.#stage.tell({ event: "timeout", proposer: this.id, phase });
      this.#over();
    });
  }

  #giveUpIfAllAnswered(): void {
    const { attempt } = this.#proposer;
    if (attempt === null) return;
    const answered = attempt.phase === "prepare" ? attempt.promisedBy : attempt.acceptedBy;
    const all = new Set([...answered, ...this.#failed]);
    if (all.size === this.#settings.acceptors) this.#over();
  }

  /** The ballot has come to nothing. */
  #over(): void {
    this.#proposer.attempt = null;
    if (this.#settings.proposers === 1) return;
    const inMs = backoffMs(this.#proposer, this.#stage.random, BACKOFF);
    this.#stage.tell({ event: "retry", proposer: this.id, inMs });
    this.#stage.after(inMs, () => this.#attempt());
  }

  get #name(): string {
    return `proposer ${this.id}`;
  }
}
