import type { SynodNode } from "./node.ts";
import type { Signal } from "./signal.ts";
import { SynodError } from "./synod-error.ts";

/** For those who follow what a node executes: waits for more of it, or for the end of the node. */
export class Changes {
  readonly #changed: Signal;
  /** Why the node stopped, empty after `close`; undefined: it runs. */
  #stopped: string | undefined;

  /** `changed` is raised by the node's state machine. */
  constructor(node: SynodNode, changed: Signal) {
    this.#changed = changed;
    void node.stopped.then((reason) => {
      this.#stopped = reason ?? "";
      changed.raise();
    });
  }

  /**
   * True once something has changed, or `signal` was aborted; false when the node is closed.
   * Rejected as `stopped` if it had to stop.
   */
  async next(signal?: AbortSignal): Promise<boolean> {
    if (this.#stopped === "") return false;
    if (this.#stopped !== undefined) throw new SynodError("stopped", "no", this.#stopped);
    await this.#changed.raised(signal);
    return true;
  }
}
