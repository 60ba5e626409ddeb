import {
  type Command,
  decodeCommands,
  type MessageCodec,
  type Reader,
  type Writer,
  writeCommand,
  writeCommands,
} from "@synod/core";

/** 0 or 1. */
export type Lane = number;

/** A command's place in a lane. `join`: in lane 1, the index in lane 0 of the same command. */
export interface Entry {
  readonly join: number;
  readonly command: Command;
}

export type Message =
  /** Please put these into the lanes that they touch. */
  | { readonly kind: "ask"; readonly commands: readonly Command[] }
  /** Durable at the owner: chosen. */
  | {
      readonly kind: "entries";
      readonly lane: Lane;
      readonly first: number;
      readonly entries: readonly Entry[];
    }
  | { readonly kind: "want"; readonly lane: Lane; readonly from: number }
  /** Only a snapshot holds what you want. */
  | { readonly kind: "gone"; readonly lane: Lane }
  /** How far has your lane come, for a read? */
  | { readonly kind: "probe"; readonly lane: Lane; readonly nonce: number }
  | { readonly kind: "end"; readonly lane: Lane; readonly nonce: number; readonly last: number };

const KINDS = ["ask", "entries", "want", "gone", "probe", "end"] as const;

export const TWO_LANES_MESSAGES: MessageCodec<Message> = {
  version: 1,
  encode: (writer, message) => {
    writer.u8(KINDS.indexOf(message.kind));
    if (message.kind === "ask") return writeCommands(writer, message.commands);
    writer.u8(message.lane);
    if (message.kind === "entries") {
      writer.u53(message.first);
      writeEntries(writer, message.entries);
    }
    if (message.kind === "want") writer.u53(message.from);
    if (message.kind === "probe" || message.kind === "end") writer.u53(message.nonce);
    if (message.kind === "end") writer.u53(message.last);
  },
  decode: (reader) => {
    const message = readMessage(reader);
    return message !== null && reader.complete() ? message : null;
  },
};

function readMessage(reader: Reader): Message | null {
  const kind = KINDS[reader.u8()];
  if (kind === undefined) return null;
  if (kind === "ask") {
    const commands = decodeCommands(reader.raw(reader.remaining));
    return commands === null ? null : { kind, commands };
  }
  const lane = reader.u8();
  if (lane > 1) return null;
  if (kind === "entries") {
    const first = reader.u53();
    const entries = readEntries(reader);
    return entries === null ? null : { kind, lane, first, entries };
  }
  if (kind === "want") return { kind, lane, from: reader.u53() };
  if (kind === "probe") return { kind, lane, nonce: reader.u53() };
  if (kind === "end") return { kind, lane, nonce: reader.u53(), last: reader.u53() };
  return { kind, lane };
}

export function writeEntries(writer: Writer, entries: readonly Entry[]): void {
  writer.u32(entries.length);
  for (const { join } of entries) writer.u53(join);
  for (const { command } of entries) writeCommand(writer, command);
}

/** Up to the end of the bytes. */
export function readEntries(reader: Reader): Entry[] | null {
  const joins = Array.from({ length: reader.count(8) }, () => reader.u53());
  const commands = decodeCommands(reader.raw(reader.remaining));
  if (commands === null || commands.length !== joins.length) return null;
  return commands.map((command, index) => ({ join: joins[index] as number, command }));
}
