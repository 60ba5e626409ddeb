import { Reader, type Writer } from "./codec.ts";
import {
  CLIENT_BYTES_MAX,
  type Command,
  type CommandKind,
  EMPTY_FOOTPRINT,
  type Footprint,
} from "./command.ts";

/**
 * A batch of commands as bytes: each command is `u32 length` and a body of that length, one after
 * the other, without a count. So batches are joined by joining their bytes, and a leader never
 * decodes what it only passes on.
 */
const KINDS: readonly CommandKind[] = ["apply", "barrier", "stop", "configure"];

/** Smallest body: kind, flags, sequence, acknowledged, origin, client length, payload length. */
const BODY_BYTES_MIN = 1 + 1 + 8 + 8 + 4 + 4 + 4;

export function writeCommand(writer: Writer, command: Command): void {
  const start = writer.length;
  const { footprint } = command;
  const hasFootprint = footprint.reads.length + footprint.writes.length > 0;
  writer.u32(0);
  writer.u8(KINDS.indexOf(command.kind));
  writer.bool(hasFootprint);
  writer.u53(command.sequence);
  writer.u53(command.acknowledged);
  writer.u32(command.origin);
  writer.string(command.client);
  writer.bytes(command.payload);
  if (hasFootprint) {
    writeKeys(writer, footprint.reads);
    writeKeys(writer, footprint.writes);
  }
  writer.patchU32(start, writer.length - start - 4);
}

export function writeCommands(writer: Writer, commands: readonly Command[]): void {
  for (const command of commands) writeCommand(writer, command);
}

/**
 * The commands of a batch; payloads are views on `bytes`. Null when the bytes are not a whole
 * batch.
 */
export function decodeCommands(bytes: Uint8Array): Command[] | null {
  const commands: Command[] = [];
  const reader = new Reader(bytes);
  while (reader.remaining > 0) {
    const length = reader.u32();
    const end = reader.position + length;
    const command = readBody(reader);
    if (reader.failed || reader.position !== end) return null;
    commands.push(command);
  }
  return reader.failed ? null : commands;
}

/** How many commands a batch holds, by its lengths alone; -1 when these do not fit. */
export function countCommands(bytes: Uint8Array): number {
  const reader = new Reader(bytes);
  let count = 0;
  while (reader.remaining > 0) {
    const length = reader.u32();
    if (length < BODY_BYTES_MIN) return -1;
    reader.raw(length);
    if (reader.failed) return -1;
    count += 1;
  }
  return reader.failed ? -1 : count;
}

function readBody(reader: Reader): Command {
  const kind = KINDS[reader.u8()];
  const hasFootprint = reader.bool();
  const sequence = reader.u53();
  const acknowledged = reader.u53();
  const origin = reader.u32();
  const client = reader.string(CLIENT_BYTES_MAX);
  const payload = reader.bytes();
  const footprint = hasFootprint
    ? { reads: readKeys(reader), writes: readKeys(reader) }
    : EMPTY_FOOTPRINT;
  if (kind === undefined) reader.fail();
  // One command has one encoding: an empty footprint is never written.
  if (hasFootprint && footprint.reads.length + footprint.writes.length === 0) reader.fail();
  return { kind: kind ?? "apply", client, sequence, acknowledged, origin, payload, footprint };
}

function writeKeys(writer: Writer, keys: Footprint["reads"]): void {
  writer.u32(keys.length);
  for (const key of keys) writer.string(key);
}

function readKeys(reader: Reader): string[] {
  const count = reader.count(4);
  const keys: string[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1) keys.push(reader.string());
  return keys;
}
