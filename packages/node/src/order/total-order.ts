import type { NodeId } from "@synod/core";
import { Changes } from "../changes.ts";
import { createNode, type RequestOptions, type SynodNode } from "../node.ts";
import { invalid, type NodeOptions } from "../node-options.ts";
import { Signal } from "../signal.ts";
import { SynodError } from "../synod-error.ts";
import {
  decodeOffset,
  encodeMessage,
  type KeptMessages,
  type OrderedMessage,
  OrderMachine,
} from "./order-machine.ts";

/** A node of a total order. Any protocol that orders more than one thing can stand behind it. */
export interface TotalOrderOptions<S, M> extends Omit<NodeOptions<S, M>, "machine"> {
  /**
   * What is kept for consumers here; default 65,536 messages and 64 MiB. A consumer that falls
   * further behind gets an error of code `lagging`: nobody is held up for it, and nothing grows.
   */
  readonly kept?: Partial<KeptMessages>;
}

export interface DeliverOptions {
  /** The first message delivered is the one after this offset; default: the latest one here. */
  readonly after?: number;
  /** Ends the delivery, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Total-order broadcast: all nodes deliver the same messages in the same order, each once. All
 * rejections are {@link SynodError}.
 */
export interface TotalOrder {
  readonly id: NodeId;
  /** For status, counters and the reason of a stop. */
  readonly node: SynodNode;
  /**
   * Fulfilled once the message is delivered here, with its offset. Rejected with `applied: "no"`,
   * it is delivered nowhere; with `unknown`, it may be.
   */
  broadcast(payload: Uint8Array, options?: RequestOptions): Promise<number>;
  /**
   * Messages in the order, without a gap, from their place on; as many consumers as one likes. Ends
   * when the node is closed; throws `lagging` if the next message is no longer kept here, `stopped`
   * if the node had to stop.
   */
  deliver(options?: DeliverOptions): AsyncIterableIterator<OrderedMessage>;
  /** Offset of the latest message delivered here; 0: none. */
  readonly delivered: number;
  /** Offset that includes everything whose broadcast was fulfilled anywhere before the call. */
  ordered(options?: RequestOptions): Promise<number>;
  close(): Promise<void>;
}

const KEPT: KeptMessages = Object.freeze({ messages: 65_536, bytes: 64 * 1_048_576 });

/**
 * Starts a node on a data directory.
 *
 * ```ts
 * const order = await createTotalOrder({ id, configuration, directory, protocol: broadcast });
 * await order.broadcast(payload);
 * for await (const { sender, payload } of order.deliver({ after: 0 })) …
 * ```
 */
export async function createTotalOrder<S, M>(
  options: TotalOrderOptions<S, M>,
): Promise<TotalOrder> {
  const changed = new Signal();
  const machine = new OrderMachine({ ...KEPT, ...options.kept }, () => changed.raise());
  const node = await createNode({ ...options, machine });
  return new RunningOrder(node, machine, changed);
}

class RunningOrder implements TotalOrder {
  readonly node: SynodNode;
  readonly #machine: OrderMachine;
  readonly #changes: Changes;

  constructor(node: SynodNode, machine: OrderMachine, changed: Signal) {
    this.node = node;
    this.#machine = machine;
    this.#changes = new Changes(node, changed);
  }

  get id(): NodeId {
    return this.node.id;
  }

  get delivered(): number {
    return this.#machine.last;
  }

  async broadcast(payload: Uint8Array, options: RequestOptions = {}): Promise<number> {
    const message = encodeMessage(this.id, payload);
    return decodeOffset((await this.node.propose(message, options)).result);
  }

  async ordered(options: RequestOptions = {}): Promise<number> {
    return decodeOffset((await this.node.read(new Uint8Array(0), options)).result);
  }

  async *deliver(options: DeliverOptions = {}): AsyncIterableIterator<OrderedMessage> {
    const { after = this.delivered, signal } = options;
    if (!Number.isSafeInteger(after) || after < 0)
      throw invalid(`after must be an offset, and is ${after}`);
    for (let offset = after; signal?.aborted !== true; ) {
      const message = this.#machine.after(offset);
      if (message === null) throw lagging(offset, this.delivered);
      if (message === undefined) {
        if (!(await this.#changes.next(signal))) return;
      } else {
        offset = message.offset;
        yield message;
      }
    }
  }

  close(): Promise<void> {
    return this.node.close();
  }
}

function lagging(offset: number, last: number): SynodError {
  const text = `the message after ${offset} is no longer kept here, the latest is ${last}`;
  return new SynodError("lagging", "no", text);
}
