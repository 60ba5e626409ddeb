import type { Clock, Command, Deliver, Position } from "@synod/core";
import type { Executed, Execution } from "../execution.ts";

/** Commands executed in one turn of the event loop; a restart's backlog is spread over many. */
const COMMANDS_PER_TURN = 2048;

export interface DeliveryHandler {
  executed(command: Command, executed: Executed, position: Position): void;
  /** The state is that of the barrier's position, on every replica the same. */
  barrier(position: Position, image: Uint8Array): void;
  /** The same, and the configuration ends with this command: nothing follows. */
  stopped(position: Position, image: Uint8Array, stop: Command): void;
  /** Everything delivered has been executed, or a turn's share of it. */
  advanced(): void;
  /** Whether somebody waits here for what is executed. */
  isAwaited(): boolean;
}

/**
 * Executes what is delivered, in order, without holding up the event loop for long. A backlog that
 * nobody waits for is worked off in half of the time, while more is delivered and as long as that
 * makes it shorter by as much again: members that share the machine, or wait for this one's votes,
 * go on as before.
 */
export class Deliveries {
  readonly #execution: Execution;
  readonly #clock: Clock;
  readonly #handler: DeliveryHandler;
  #backlog: Deliver[] = [];
  #head = 0;
  /** Commands of the first delivery in the backlog that are executed already. */
  #offset = 0;
  /** Deliveries that were left when the latest turn ended. */
  #left = 0;
  #budget = COMMANDS_PER_TURN;
  #turnAsked = false;
  #paused = false;

  constructor(execution: Execution, clock: Clock, handler: DeliveryHandler) {
    this.#execution = execution;
    this.#clock = clock;
    this.#handler = handler;
  }

  /** Deliveries not executed yet. */
  get waiting(): number {
    return this.#backlog.length - this.#head;
  }

  add(delivery: Deliver): void {
    this.#backlog.push(delivery);
    this.#drain();
    this.#askTurn(0);
  }

  /**
   * The state is that of the executed position: not while another one is put in place, and not in
   * the middle of a batch, whose position may have been cleared for reads already.
   */
  get isReadable(): boolean {
    return !this.#paused && this.#offset === 0;
  }

  /** While a transferred state is put in place, nothing is executed. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on; what the new state covers already is skipped. */
  resume(): void {
    this.#paused = false;
    this.#offset = 0;
    const { index } = this.#execution.executedUpTo;
    this.#backlog = this.#backlog
      .slice(this.#head)
      .filter((delivery) => delivery.position.index > index);
    this.#head = 0;
    this.#drain();
    this.#askTurn(0);
  }

  #drain(): void {
    if (this.#paused) return;
    while (this.#head < this.#backlog.length && this.#budget > 0) {
      const delivery = this.#backlog[this.#head] as Deliver;
      if (!this.#executeSome(delivery)) break;
      this.#head += 1;
      this.#offset = 0;
      if (this.#paused) return;
    }
    if (this.#head === this.#backlog.length) {
      this.#backlog = [];
      this.#head = 0;
    }
    this.#handler.advanced();
  }

  /** True when the whole delivery has been executed. */
  #executeSome(delivery: Deliver): boolean {
    const { commands, position } = delivery;
    while (this.#offset < commands.length && this.#budget > 0) {
      const command = commands[this.#offset] as Command;
      this.#offset += 1;
      this.#budget -= 1;
      this.#handler.executed(command, this.#execution.execute(position, command), position);
    }
    if (this.#offset < commands.length) return false;
    this.#execution.advance(position);
    const stop = commands.find((command) => command.kind === "stop");
    if (stop !== undefined) this.#handler.stopped(position, delivery.image, stop);
    else if (commands.some((command) => command.kind !== "apply"))
      this.#handler.barrier(position, delivery.image);
    return true;
  }

  /** The next share, in a turn of its own. */
  #askTurn(restMs: number): void {
    if (this.#turnAsked || this.#paused) return;
    this.#turnAsked = true;
    const turn = (): void => {
      this.#turnAsked = false;
      this.#budget = COMMANDS_PER_TURN;
      this.#turn();
    };
    if (restMs > 0) this.#clock.setTimer(restMs, turn);
    else this.#clock.defer(turn);
  }

  #turn(): void {
    const before = this.waiting;
    const arrived = before - this.#left;
    const began = this.#clock.now();
    if (before > 0) this.#drain();
    this.#left = this.waiting;
    if (this.#left === 0) return;
    const executed = before - this.#left;
    const rests = arrived > 0 && executed >= 2 * arrived && !this.#handler.isAwaited();
    this.#askTurn(rests ? this.#clock.now() - began : 0);
  }
}
