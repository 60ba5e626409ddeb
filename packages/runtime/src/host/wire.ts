import { type MessageCodec, type Network, type NodeId, Writer } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { encodeFrame, openFrame } from "../frames.ts";
import { type HostMessage, readHostMessage, writeHostMessage } from "./host-messages.ts";

/** Larger messages do not travel in the lane of heartbeats. */
const BULK_BYTES = 64 * 1024;

export interface WireOptions<M> {
  readonly network: Network;
  readonly messages: MessageCodec<M>;
  readonly checksum: Checksum;
}

export type Incoming<M> =
  | { readonly kind: "message"; readonly configuration: number; readonly message: M }
  | { readonly kind: "host"; readonly message: HostMessage }
  /** Whole, but of a configuration that has no replica here. */
  | { readonly kind: "foreign"; readonly configuration: number };

/** Turns messages into frames and back. */
export class Wire<M> {
  readonly #options: WireOptions<M>;
  readonly #writer = new Writer(64 * 1024);

  constructor(options: WireOptions<M>) {
    this.#options = options;
  }

  /** `configuration`: number of that of the replica which says it, and of those it is for. */
  sendMessage(configuration: number, to: readonly NodeId[], message: M): void {
    const { network, messages, checksum } = this.#options;
    const frame = encodeFrame(this.#writer, "message", checksum, (writer) => {
      writer.u32(configuration);
      messages.encode(writer, message);
    });
    network.send(to, frame.length > BULK_BYTES ? "bulk" : "urgent", frame);
  }

  sendHost(to: readonly NodeId[], message: HostMessage, bulk: boolean): void {
    const { network, checksum } = this.#options;
    const frame = encodeFrame(this.#writer, "host", checksum, (writer) =>
      writeHostMessage(writer, message),
    );
    network.send(to, bulk ? "bulk" : "urgent", frame);
  }

  /**
   * Null: damaged, or not what a member says. `hasReplica`: whether messages of this configuration
   * are for anybody here.
   */
  open(lent: Uint8Array, hasReplica: (configuration: number) => boolean): Incoming<M> | null {
    // One copy here, so that whatever a protocol keeps pins nothing but its own frame.
    const frame = openFrame(lent.slice(), this.#options.checksum);
    if (frame === null) return null;
    if (frame.kind === "host") {
      const message = readHostMessage(frame.body);
      return message === null ? null : { kind: "host", message };
    }
    if (frame.kind !== "message") return null;
    const configuration = frame.body.u32();
    if (!hasReplica(configuration)) return { kind: "foreign", configuration };
    const message = this.#options.messages.decode(frame.body);
    return message === null ? null : { kind: "message", configuration, message };
  }
}
