import {
  type Command,
  decodeCommands,
  type MessageCodec,
  type Reader,
  type Writer,
  writeCommands,
} from "@synod/core";

/** A value that an acceptor accepted. No commands: a gap that the proposer closed. */
export interface Vote {
  readonly ballot: number;
  readonly slot: number;
  readonly commands: readonly Command[];
}

export type Message =
  | { readonly kind: "forward"; readonly commands: readonly Command[] }
  | { readonly kind: "prepare"; readonly ballot: number }
  /** Everything accepted above `cut`; below, all replicas hold the state durably. */
  | {
      readonly kind: "promise";
      readonly ballot: number;
      readonly cut: number;
      readonly votes: readonly Vote[];
    }
  | ({ readonly kind: "accept" } & Vote)
  | { readonly kind: "accepted"; readonly ballot: number; readonly slot: number }
  | ({ readonly kind: "chosen" } & Vote)
  /**
   * What follows this slot? Also says that everything up to `stable` is durable at the asking
   * replica.
   */
  | { readonly kind: "ask"; readonly slot: number; readonly stable: number }
  /** The proposer no longer has what was asked for. */
  | { readonly kind: "gone" }
  /** All replicas hold the state through this slot: acceptors need not. */
  | { readonly kind: "forget"; readonly slot: number };

const KINDS = [
  "forward",
  "prepare",
  "promise",
  "accept",
  "accepted",
  "chosen",
  "ask",
  "gone",
  "forget",
] as const satisfies readonly Message["kind"][];

export const FAR_ACCEPTORS_MESSAGES: MessageCodec<Message> = {
  version: 1,
  encode: (writer, message) => {
    writer.u8(KINDS.indexOf(message.kind));
    if ("ballot" in message) writer.u53(message.ballot);
    if ("slot" in message) writer.u53(message.slot);
    if (message.kind === "ask") writer.u53(message.stable);
    if (message.kind === "promise") {
      writer.u53(message.cut);
      writer.u32(message.votes.length);
      for (const vote of message.votes) writeVote(writer, vote);
    }
    if ("commands" in message) writeBatch(writer, message.commands);
  },
  decode: (reader) => {
    const message = readMessage(reader);
    return message !== null && reader.complete() ? message : null;
  },
};

function readMessage(reader: Reader): Message | null {
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case "forward": {
      const commands = readBatch(reader);
      return commands === null ? null : { kind, commands };
    }
    case "accept":
    case "chosen": {
      const vote = readVote(reader);
      return vote === null ? null : { kind, ...vote };
    }
    case "promise": {
      const ballot = reader.u53();
      const cut = reader.u53();
      const votes = Array.from({ length: reader.count(20) }, () => readVote(reader));
      return votes.includes(null) ? null : { kind, ballot, cut, votes: votes as Vote[] };
    }
    case "prepare":
      return { kind, ballot: reader.u53() };
    case "accepted":
      return { kind, ballot: reader.u53(), slot: reader.u53() };
    case "ask":
      return { kind, slot: reader.u53(), stable: reader.u53() };
    case "forget":
      return { kind, slot: reader.u53() };
    case "gone":
      return { kind };
    default:
      return null;
  }
}

export function writeVote(writer: Writer, { ballot, slot, commands }: Vote): void {
  writer.u53(ballot);
  writer.u53(slot);
  writeBatch(writer, commands);
}

export function readVote(reader: Reader): Vote | null {
  const ballot = reader.u53();
  const slot = reader.u53();
  const commands = readBatch(reader);
  return commands === null ? null : { ballot, slot, commands };
}

function writeBatch(writer: Writer, commands: readonly Command[]): void {
  const start = writer.length;
  writer.u32(0);
  writeCommands(writer, commands);
  writer.patchU32(start, writer.length - start - 4);
}

function readBatch(reader: Reader): Command[] | null {
  return decodeCommands(reader.bytes());
}
