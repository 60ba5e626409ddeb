import {
  type Hello,
  MEMBERS_MAX,
  type NodeId,
  type PastStart,
  type Reader,
  type Remembered,
  Writer,
} from "@synod/core";
import type { Checksum } from "./checksum.ts";
import { encodeFrame } from "./frames.ts";
import { IDENTITY_STARTS_MAX } from "./identity-codec.ts";

const MAGIC = 0x534e4f44; // "DONS" on the wire: four bytes that no other protocol opens with
const REASON_BYTES_MAX = 1024;
const NAME_BYTES_MAX = 64;

/** The first frame of a connection, in each direction. */
export function encodeHello(hello: Hello, checksum: Checksum): Uint8Array {
  return encodeFrame(new Writer(), "hello", checksum, (writer) => {
    writer.u32(MAGIC);
    writer.u32(hello.version);
    writer.string(hello.cluster);
    writer.u32(hello.node);
    writer.string(hello.dataId);
    writer.u53(hello.incarnation);
    writer.u32(hello.boot);
    writer.bool(hello.formatted);
    writeStarts(writer, hello.starts);
    writer.string(hello.protocol);
    writeRemembered(writer, hello.remembers);
  });
}

/** The body of a hello frame; null when it is none. */
export function decodeHello(body: Reader): Hello | null {
  if (body.u32() !== MAGIC) return null;
  const version = body.u32();
  const cluster = body.string(NAME_BYTES_MAX);
  const node = body.u32();
  const dataId = body.string(NAME_BYTES_MAX);
  const incarnation = body.u53();
  const boot = body.u32();
  const formatted = body.bool();
  const starts = readStarts(body);
  const protocol = body.string(NAME_BYTES_MAX);
  const remembers = readRemembered(body);
  if (starts === null || remembers === null || !body.complete()) return null;
  const start = { cluster, node, dataId, incarnation, boot, formatted, starts };
  return { ...start, protocol, version, remembers };
}

/** What answers a hello that is not accepted; the connection ends with it. */
export function encodeRefusal(reason: string, checksum: Checksum): Uint8Array {
  return encodeFrame(new Writer(), "refusal", checksum, (writer) =>
    writer.string(reason.slice(0, REASON_BYTES_MAX / 4)),
  );
}

export function decodeRefusal(body: Reader): string | null {
  const reason = body.string(REASON_BYTES_MAX);
  return body.complete() ? reason : null;
}

/** What can be said against a hello before any memory is asked; null when nothing. */
export function helloProblem(mine: Hello, theirs: Hello, expected: NodeId | null): string | null {
  if (theirs.cluster !== mine.cluster)
    return `cluster ${theirs.cluster} is not this cluster, ${mine.cluster}`;
  if (theirs.protocol !== mine.protocol)
    return `protocol ${theirs.protocol} is not spoken here, but ${mine.protocol}`;
  if (theirs.version !== mine.version)
    return `version ${theirs.version} is not spoken here, but ${mine.version}`;
  if (theirs.node === mine.node)
    return `node ${theirs.node} is the name of the node that was called`;
  if (expected !== null && theirs.node !== expected)
    return `node ${theirs.node} answered where node ${expected} was expected`;
  return null;
}

function writeStarts(writer: Writer, starts: readonly PastStart[]): void {
  writer.u32(starts.length);
  for (const { incarnation, boot } of starts) {
    writer.u53(incarnation);
    writer.u32(boot);
  }
}

function readStarts(reader: Reader): PastStart[] | null {
  const count = reader.count(8 + 4);
  if (count > IDENTITY_STARTS_MAX) return null;
  return Array.from({ length: count }, () => ({ incarnation: reader.u53(), boot: reader.u32() }));
}

export function writeRemembered(writer: Writer, remembers: readonly Remembered[]): void {
  writer.u32(remembers.length);
  for (const peer of remembers) {
    writer.u32(peer.node);
    writer.string(peer.dataId);
    writer.u53(peer.incarnation);
    writer.u32(peer.boot);
  }
}

export function readRemembered(reader: Reader): Remembered[] | null {
  const count = reader.count(4 + 4 + 8 + 4);
  if (count > 4 * MEMBERS_MAX) return null;
  const remembers: Remembered[] = [];
  for (let index = 0; index < count; index += 1) {
    const node = reader.u32();
    const dataId = reader.string(NAME_BYTES_MAX);
    const incarnation = reader.u53();
    remembers.push({ node, dataId, incarnation, boot: reader.u32() });
  }
  return reader.failed ? null : remembers;
}
