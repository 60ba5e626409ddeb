import { assertNever, type NodeId, type Position } from "@synod/core";
import { type FetchStatus, StateFetching } from "./transfer-fetching.ts";
import type { TransferMessage } from "./transfer-messages.ts";
import type { TransferOptions } from "./transfer-options.ts";
import { StateServing } from "./transfer-serving.ts";

export interface TransferStatus {
  readonly fetching: FetchStatus;
  /** Members that fetch a snapshot from here. */
  readonly serving: number;
}

/** Both sides of a state transfer between hosts. What is lost on the way is asked for again. */
export class StateTransfer {
  readonly #serving: StateServing;
  readonly #fetching: StateFetching;
  #stopped = false;

  constructor(options: TransferOptions) {
    this.#serving = new StateServing(options);
    this.#fetching = new StateFetching(options);
  }

  /** A state is needed, and not all of it is here yet. */
  get isFetching(): boolean {
    return this.#fetching.isActive;
  }

  /** Somebody was offered a state from here, not long ago, who needs a later one than this. */
  isServing(position: Position): boolean {
    return this.#serving.isServing(position);
  }

  get status(): TransferStatus {
    return { fetching: this.#fetching.status, serving: this.#serving.serving };
  }

  /**
   * Gets a state of at least `position` from one or more of these; `onInstalled` when it is here.
   */
  request(position: Position, from: readonly NodeId[]): void {
    this.#fetching.request(position, from);
  }

  /** Whether somebody needs a snapshot, and one taken at `position` would do. */
  isSnapshotWanted(position: Position): boolean {
    return this.#serving.isSnapshotWanted(position);
  }

  /** Bytes in `message` are only lent. */
  onMessage(from: NodeId, message: TransferMessage): void {
    if (this.#stopped) return;
    switch (message.kind) {
      case "stateRequest":
        return this.#serving.onStateRequest(from, message.position);
      case "chunkRequest":
        return this.#serving.onChunkRequest(from, message.digest, message.index);
      case "stateDone":
        return this.#serving.onStateDone(from, message.digest);
      case "stateOffer":
        return this.#fetching.onOffer(from, message.manifest);
      case "chunk":
        return this.#fetching.onChunk(from, message.digest, message.index, message.bytes);
      case "stateGone":
        return this.#fetching.onGone(from, message.digest);
      // It will have one soon, and is asked again by then.
      case "stateNone":
        return;
      default:
        return assertNever(message);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#serving.stop();
    this.#fetching.stop();
  }
}
