import {
  type Capabilities,
  type Command,
  invariant,
  type Machine,
  type MachineImage,
  type MachineRestore,
  type NodeId,
  type Position,
} from "@synod/core";
import { ExecutionImage, ExecutionRestore } from "./execution-image.ts";
import { type RefusalCode, type Refused, type SessionLimits, SessionTable } from "./sessions.ts";
import type { Answer } from "./sessions-window.ts";

/** What became of a delivered command. */
export type Executed =
  | {
      readonly kind: "done";
      /** Where this very request was executed: for a repeated one, the first time. */
      readonly position: Position;
      readonly result: Uint8Array;
      readonly repeated: boolean;
    }
  /** Not executed now, here or on any other replica. */
  | { readonly kind: "refused"; readonly code: RefusalCode };

const NO_RESULT = new Uint8Array(0);

/**
 * The whole replicated state of a member: the state machine, the sessions of its clients, and up to
 * where both have executed. The three change together and stand in the same snapshot, so that a
 * restart can never pair a state with another position or another table.
 */
export class Execution {
  readonly #machine: Machine;
  readonly #sessions: SessionTable;
  readonly #order: Capabilities["order"];
  #executedUpTo: Position = { log: 0, index: 0 };
  /** Of the last barrier or stop, or of the image that was installed. */
  #barrier: Position = { log: 0, index: 0 };
  /** A restore has begun and not succeeded: there is no state. */
  #restoring = false;

  constructor(machine: Machine, limits: SessionLimits, order: Capabilities["order"] = "total") {
    this.#machine = machine;
    this.#order = order;
    this.#sessions = new SessionTable(limits, order);
  }

  /**
   * Inclusive: everything up to here has been executed, but for the last position while its batch
   * runs.
   */
  get executedUpTo(): Position {
    return this.#executedUpTo;
  }

  /**
   * What answers say, and what machine and sessions may keep. Positions between two barriers of an
   * order by conflict are local: another replica executes other commands there, and this one will
   * after a restart. So it is the last barrier's there.
   */
  get commonPosition(): Position {
    return this.#order === "total" ? this.#executedUpTo : this.#barrier;
  }

  /** Open user sessions. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * Too many sessions are open, and only a barrier lets some expire: the host should propose one.
   */
  get wantsBarrier(): boolean {
    return this.#sessions.wantsBarrier;
  }

  /**
   * The highest incarnation of `node` whose session was ever opened; 0 when none was. Requests of
   * a lower one are refused, so a node that lost its count goes on above this.
   */
  nodeIncarnation(node: NodeId): number {
    return this.#sessions.nodeIncarnation(node);
  }

  /**
   * Executes one command of a batch at `position`: at most once in the life of the cluster, however
   * often it is delivered. Barriers and stops change nothing but what may expire there.
   */
  execute(position: Position, command: Command): Executed {
    this.advance(position);
    if (command.kind !== "apply") {
      this.#barrier = position;
      this.#sessions.barrier();
      return { kind: "done", position, result: NO_RESULT, repeated: false };
    }
    const admission = this.#sessions.admit(command);
    if (admission.kind !== "session") return asExecuted(admission);
    const common = this.commonPosition;
    const result = this.#machine.apply(command.payload, common);
    this.#sessions.record(admission, command, common, result);
    return { kind: "done", position: common, result, repeated: false };
  }

  /**
   * What became of a command of kind `apply` that will not be executed any more; null: it was not
   * executed. Changes nothing.
   */
  recall(command: Command): Executed | null {
    const recalled = this.#sessions.recall(command);
    return recalled === null ? null : asExecuted(recalled);
  }

  /** Nothing is to be executed at `position`. Positions never fall back. */
  advance(position: Position): void {
    invariant(!this.#restoring, "executing without a state");
    const { log, index } = this.#executedUpTo;
    invariant(
      position.log !== log || position.index >= index,
      `position ${position.index} after ${index}`,
    );
    this.#executedUpTo = position;
  }

  /** Answers a read from the state as of now. */
  query(payload: Uint8Array): Uint8Array {
    invariant(!this.#restoring, "reading without a state");
    return this.#machine.query(payload);
  }

  /**
   * The state as of now in slices, while execution goes on. To be called right after a barrier or
   * stop, where the bytes are the same on every replica. O(1).
   */
  freeze(): MachineImage {
    invariant(!this.#restoring, "freezing without a state");
    return new ExecutionImage(this.#executedUpTo, this.#sessions.freeze(), this.#machine.freeze());
  }

  /**
   * Begins to replace the whole state; until `finish` has said true, nothing may be executed or
   * read.
   */
  restore(): MachineRestore {
    this.#restoring = true;
    return new ExecutionRestore(this.#machine.restore(), (position, content) => {
      this.#sessions.install(content);
      this.#executedUpTo = position;
      this.#barrier = position;
      this.#restoring = false;
    });
  }
}

/** What the table knows of a command is its answer. */
function asExecuted(known: Answer | Refused): Executed {
  if (known.kind === "refused") return known;
  const { position, result } = known;
  return { kind: "done", position, result, repeated: true };
}
