import {
  type Footprint,
  type Machine,
  type MachineImage,
  type MachineRestore,
  type NodeId,
  PAYLOAD_BYTES_MAX,
  Reader,
  Writer,
} from "@synod/core";
import { smallImage, smallRestore } from "./small-image.ts";

/** A message at its place in the order. */
export interface OrderedMessage {
  /** Its place, the same on all nodes: the first message of all has 1. */
  readonly offset: number;
  /** The node that broadcast it. With `sequence` it names the message for ever. */
  readonly sender: NodeId;
  /** Counts the messages of this sender as they are ordered: 1, 2, 3, …, over restarts too. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Messages that every node holds, and that a node which was away for long gets to see at least. */
export const SHARED_MESSAGES = 1024;
export const SHARED_BYTES = 1_048_576;

/** How much a node holds for its own consumers, at least what all hold. */
export interface KeptMessages {
  readonly messages: number;
  readonly bytes: number;
}

/** Node ids have 16 bits. */
const SENDERS_MAX = 65_536;

/** Of an image: what all nodes hold, or a single message that is larger. */
const IMAGE_BYTES_MAX: number =
  SHARED_BYTES + PAYLOAD_BYTES_MAX + 32 * SHARED_MESSAGES + 12 * SENDERS_MAX;

/** Everything conflicts with everything: there is one order. */
const WHOLE_ORDER: Footprint = Object.freeze({ reads: [], writes: ["order"] });

export function encodeMessage(sender: NodeId, payload: Uint8Array): Uint8Array {
  const writer = new Writer(4 + payload.length);
  writer.u32(sender);
  writer.raw(payload);
  return writer.peek();
}

export function encodeOffset(offset: number): Uint8Array {
  const writer = new Writer(8);
  writer.u53(offset);
  return writer.peek();
}

export function decodeOffset(bytes: Uint8Array): number {
  return new Reader(bytes).u53();
}

/**
 * The state machine of a total order: it numbers messages and keeps the latest of them. Whoever
 * consumes reads what is kept, at its own pace, so that no consumer can hold up the order or make
 * it grow.
 */
export class OrderMachine implements Machine {
  readonly #kept: KeptMessages;
  readonly #changed: () => void;
  #messages: OrderedMessage[] = [];
  /** Of these the first so many are no longer kept. */
  #dropped = 0;
  #bytes = 0;
  #last = 0;
  /** Messages so far, by sender. */
  #counts = new Map<NodeId, number>();

  constructor(kept: KeptMessages, changed: () => void) {
    this.#kept = {
      messages: Math.max(kept.messages, SHARED_MESSAGES),
      bytes: Math.max(kept.bytes, SHARED_BYTES),
    };
    this.#changed = changed;
  }

  /** Offset of the latest message; 0: none. */
  get last(): number {
    return this.#last;
  }

  /** The message after `offset`; undefined: there is none yet; null: it is no longer kept. */
  after(offset: number): OrderedMessage | undefined | null {
    if (offset >= this.#last) return undefined;
    const first = this.#last - (this.#messages.length - this.#dropped) + 1;
    if (offset + 1 < first) return null;
    return this.#messages[this.#dropped + offset + 1 - first];
  }

  apply(payload: Uint8Array): Uint8Array {
    const reader = new Reader(payload);
    const sender = reader.u32();
    if (reader.failed) return encodeOffset(0);
    const sequence = (this.#counts.get(sender) ?? 0) + 1;
    this.#counts.set(sender, sequence);
    this.#add(sender, sequence, reader.raw(reader.remaining).slice());
    this.#changed();
    return encodeOffset(this.#last);
  }

  query(): Uint8Array {
    return encodeOffset(this.#last);
  }

  footprint(): Footprint {
    return WHOLE_ORDER;
  }

  freeze(): MachineImage {
    const writer = new Writer();
    const shared = this.#shared();
    writer.u53(this.#last);
    writer.u32(this.#counts.size);
    for (const [sender, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      writer.u32(sender);
      writer.u53(count);
    }
    writer.u32(shared.length);
    for (const { sender, sequence, payload } of shared) {
      writer.u32(sender);
      writer.u53(sequence);
      writer.bytes(payload);
    }
    return smallImage(writer.peek());
  }

  restore(): MachineRestore {
    return smallRestore(IMAGE_BYTES_MAX, (bytes) => this.#install(new Reader(bytes)));
  }

  #install(reader: Reader): boolean {
    const last = reader.u53();
    const counts = new Map<NodeId, number>();
    for (let left = reader.count(4 + 8); left > 0; left -= 1)
      counts.set(reader.u32(), reader.u53());
    const count = reader.count(4 + 8 + 4);
    if (count > last) return false;
    this.#counts = counts;
    this.#messages = [];
    this.#dropped = 0;
    this.#bytes = 0;
    this.#last = last - count;
    for (let index = 0; index < count && !reader.failed; index += 1) {
      const sender = reader.u32();
      const sequence = reader.u53();
      this.#add(sender, sequence, reader.bytes().slice());
    }
    this.#changed();
    return reader.complete();
  }

  #add(sender: NodeId, sequence: number, payload: Uint8Array): void {
    this.#last += 1;
    this.#messages.push({ offset: this.#last, sender, sequence, payload });
    this.#bytes += payload.length;
    while (this.#messages.length - this.#dropped > 1 && this.#holdsTooMuch()) {
      this.#bytes -= (this.#messages[this.#dropped] as OrderedMessage).payload.length;
      this.#dropped += 1;
    }
    if (this.#dropped * 2 <= this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#dropped);
    this.#dropped = 0;
  }

  #holdsTooMuch(): boolean {
    return (
      this.#messages.length - this.#dropped > this.#kept.messages || this.#bytes > this.#kept.bytes
    );
  }

  /** The longest end of the order within the shared limits, and the latest message in any case. */
  #shared(): OrderedMessage[] {
    let first = this.#messages.length;
    let bytes = 0;
    while (first > this.#dropped && this.#messages.length - first < SHARED_MESSAGES) {
      bytes += (this.#messages[first - 1] as OrderedMessage).payload.length;
      if (bytes > SHARED_BYTES && first < this.#messages.length) break;
      first -= 1;
    }
    return this.#messages.slice(first);
  }
}
