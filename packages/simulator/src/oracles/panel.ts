import type { NodeId, Position } from "@synod/core";
import type { HostStatus } from "@synod/runtime";
import type { OperationCodec } from "../system.ts";
import { Answers } from "./answers.ts";
import { AppliedOnce } from "./applied-once.ts";
import { Ballots } from "./ballots.ts";
import { type BoundedBy, checkBounds } from "./bounds.ts";
import { ChosenValues } from "./chosen-values.ts";
import { Configurations } from "./configurations.ts";
import { DeliveredOrder } from "./delivered-order.ts";
import { KeptWord } from "./kept-word.ts";
import { MachineState } from "./machine-state.ts";
import { NoVote } from "./no-vote.ts";
import type { Operation } from "./operation.ts";
import type { Accuse, Violation } from "./verdict.ts";

interface Applied {
  readonly effect: { readonly key: string; readonly value: string | null } | null;
  readonly result: Uint8Array;
}

/** All oracles of a life, fed with what happens; the first accusation stays. */
export class Panel {
  readonly order: DeliveredOrder;
  readonly once: AppliedOnce;
  readonly state: MachineState;
  readonly answers: Answers;
  readonly noVote: NoVote;
  readonly chosen: ChosenValues;
  readonly word: KeptWord;
  readonly configurations: Configurations;
  readonly ballots: Ballots;
  readonly accuse: Accuse;
  readonly #codec: OperationCodec;
  /** What each node has just applied, until it says at which position. */
  readonly #applied = new Map<NodeId, Applied>();
  #violation: Violation | null = null;

  /** Times are virtual, ms. */
  constructor(codec: OperationCodec, now: () => number, electionTimeoutMs: number) {
    this.#codec = codec;
    this.accuse = (oracle, message) => {
      this.#violation ??= { oracle, message, atMs: now() };
    };
    this.order = new DeliveredOrder(this.accuse);
    this.once = new AppliedOnce(this.accuse);
    this.state = new MachineState(this.accuse);
    this.answers = new Answers(this.accuse, this.once, this.state);
    this.noVote = new NoVote(this.accuse);
    this.chosen = new ChosenValues(this.accuse);
    this.word = new KeptWord(this.accuse);
    this.configurations = new Configurations(this.accuse);
    this.ballots = new Ballots(this.accuse, now, electionTimeoutMs);
  }

  get violation(): Violation | null {
    return this.#violation;
  }

  applied(node: NodeId, payload: Uint8Array, result: Uint8Array): void {
    this.#applied.set(node, { effect: this.#codec.effect(payload), result: result.slice() });
  }

  executed(
    node: NodeId,
    position: Position,
    command: { readonly client: string; readonly sequence: number; readonly repeated: boolean },
    base: () => number,
  ): void {
    const order = this.order.executed(node, position.index, command, base);
    const applied = this.#applied.get(node);
    this.#applied.delete(node);
    // Barriers and refused requests change nothing, and may well come twice.
    if (applied === undefined) return;
    this.once.executed(node, order, command);
    if (command.repeated)
      this.accuse("once", `node ${node} applied a repetition again, at ${order}`);
    this.state.applied(node, order, applied.effect, applied.result);
    const value = applied.effect?.value ?? null;
    if (value !== null) this.once.applied(node, order, value);
  }

  replaced(node: NodeId): void {
    this.order.reset(node);
    this.#applied.delete(node);
  }

  written(operation: Operation, position: Position, repeated: boolean): void {
    this.answers.written(operation, position.index, repeated);
  }

  seen(operation: Operation, position: Position, result: Uint8Array): void {
    const value = this.#codec.answer(result);
    if (value === undefined) return this.accuse("read", `read ${operation.id} got no such answer`);
    this.answers.seen(operation, position.index, value);
  }

  /** A look at a member that runs. */
  looks(status: HostStatus, limits: BoundedBy): void {
    this.configurations.runs(status);
    checkBounds(status, limits, this.accuse);
  }
}
