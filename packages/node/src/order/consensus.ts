import {
  type Footprint,
  type Machine,
  type MachineImage,
  type MachineRestore,
  PAYLOAD_BYTES_MAX,
} from "@synod/core";
import { createNode, type RequestOptions, type SynodNode } from "../node.ts";
import type { NodeOptions } from "../node-options.ts";
import { Signal } from "../signal.ts";
import { SynodError } from "../synod-error.ts";
import { smallImage, smallRestore } from "./small-image.ts";

/**
 * One decision: all nodes decide the same value, and it is one that was proposed. Any protocol can
 * stand behind it; `paxos` stops there, for the others it is the first value in their order. All
 * rejections are {@link SynodError}.
 */
export interface Consensus {
  /** For status, counters and the reason of a stop. */
  readonly node: SynodNode;
  /** Fulfilled with what is decided: this value, or another one. Any bytes, the empty ones too. */
  propose(value: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Fulfilled once this node knows the decision, which may be never; rejected if it stops. */
  decide(signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Starts a node on a data directory. */
export async function createConsensus<S, M>(
  options: Omit<NodeOptions<S, M>, "machine">,
): Promise<Consensus> {
  const changed = new Signal();
  const machine = new DecisionMachine(() => changed.raise());
  const node = await createNode({ ...options, machine });
  return new RunningConsensus(node, machine, changed);
}

class RunningConsensus implements Consensus {
  readonly node: SynodNode;
  readonly #machine: DecisionMachine;
  readonly #changed: Signal;
  #hasStopped = false;

  constructor(node: SynodNode, machine: DecisionMachine, changed: Signal) {
    this.node = node;
    this.#machine = machine;
    this.#changed = changed;
    void node.stopped.then(() => {
      this.#hasStopped = true;
      changed.raise();
    });
  }

  async propose(value: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    try {
      return (await this.node.propose(value, options)).result;
    } catch (error) {
      // Another value was decided; it is known here, or about to be.
      if (error instanceof SynodError && error.code === "decided")
        return this.decide(options.signal);
      throw error;
    }
  }

  async decide(signal?: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const { decision } = this.#machine;
      if (decision !== null) return decision.slice();
      if (signal?.aborted === true)
        throw new SynodError("aborted", "no", "aborted", { cause: signal.reason });
      if (this.#hasStopped) throw new SynodError("stopped", "no", "this node has stopped");
      await this.#changed.raised(signal);
    }
  }

  close(): Promise<void> {
    return this.node.close();
  }
}

const UNDECIDED: Uint8Array = new Uint8Array(0);

/** Whatever comes first is decided; whatever comes later is answered with it. */
class DecisionMachine implements Machine {
  readonly #changed: () => void;
  decision: Uint8Array | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  apply(payload: Uint8Array): Uint8Array {
    if (this.decision === null) {
      this.decision = payload.slice();
      this.#changed();
    }
    return this.decision.slice();
  }

  query(): Uint8Array {
    return this.decision ?? UNDECIDED;
  }

  footprint(): Footprint {
    return { reads: [], writes: ["decision"] };
  }

  /** One byte in front of a decision: the empty one is another state than none. */
  freeze(): MachineImage {
    return smallImage(this.decision === null ? UNDECIDED : Uint8Array.of(1, ...this.decision));
  }

  restore(): MachineRestore {
    return smallRestore(1 + PAYLOAD_BYTES_MAX, (bytes) => {
      this.decision = bytes.length === 0 ? null : bytes.slice(1);
      this.#changed();
      return true;
    });
  }
}
