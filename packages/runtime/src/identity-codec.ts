import {
  invariant,
  type NodeId,
  type PastStart,
  Reader,
  type Remembered,
  utf8Length,
  Writer,
} from "@synod/core";
import type { Checksum } from "./checksum.ts";
import type { Tenure } from "./configuration.ts";
import { readTenure, writeTenure } from "./configuration-codec.ts";
import { bytesToHex, hexToBytes } from "./hex.ts";

/**
 * Who this data directory is, and whom it knows: all that survives a restart outside of the
 * journal.
 */
export interface Identity {
  /** 32 hex digits, of the cluster. */
  readonly cluster: string;
  readonly node: NodeId;
  /** 32 hex digits, made by `format`: no two data directories share one. */
  readonly dataId: string;
  /** Formatted by an operator; false: made by a start on a blank directory, which never votes. */
  readonly formatted: boolean;
  /** How often the directory has been started; raised durably before the host is constructed. */
  readonly incarnation: number;
  /** Random per start. */
  readonly boot: number;
  /** More than half of the other members durably remember the data id: it may vote. */
  readonly registered: boolean;
  /**
   * Starts before this one that some other member may be the last to remember, ascending
   * (starts.ts).
   */
  readonly starts: readonly PastStart[];
  /** The newest incarnation that some other member is known to have remembered durably. */
  readonly met: number;
  /** The other members' data directories as last met, ascending by node. */
  readonly peers: readonly Remembered[];
  /** Whose records the journal holds, by name; empty until the first start, which decides it. */
  readonly protocol: string;
  /**
   * The configuration in force here; null while that is the first one, which operators write. Never
   * one before it again.
   */
  readonly tenure: Tenure | null;
}

/** One copy as it lies in its file. */
export interface IdentityCopy {
  /** Rises with every write; the higher valid one of the two copies counts. */
  readonly generation: number;
  readonly identity: Identity;
}

/** A copy has this size in the first configuration: a write in place never changes the file's. */
export const IDENTITY_BYTES = 4096;

/** And this one in all later ones, which it has to name with all their members. */
export const IDENTITY_BYTES_LATER = 32_768;

/** Peers that fit, members of all configurations together. */
export const IDENTITY_PEERS_MAX = 100;

/** Earlier starts that fit. */
export const IDENTITY_STARTS_MAX = 32;

/** Of the protocol's name, in UTF-8. */
const PROTOCOL_BYTES_MAX = 20;

const MAGIC = 0x69_6e_79_53;
/** Of the two sizes. */
const VERSION = 2;
const VERSION_LATER = 3;
const PEER_BYTES = 34;
const START_BYTES = 12;

/** Fixed-width fields, zeros, and in the last four bytes the checksum of all before. */
export function encodeIdentity(copy: IdentityCopy, checksum: Checksum): Uint8Array {
  const { identity, generation } = copy;
  invariant(identity.peers.length <= IDENTITY_PEERS_MAX, "too many peers for an identity");
  invariant(identity.starts.length <= IDENTITY_STARTS_MAX, "too many starts for an identity");
  const nameBytes = utf8Length(identity.protocol);
  invariant(nameBytes <= PROTOCOL_BYTES_MAX, "too long a name of a protocol for an identity");
  const { tenure } = identity;
  const bytes = tenure === null ? IDENTITY_BYTES : IDENTITY_BYTES_LATER;
  const writer = new Writer(bytes);
  writer.u32(MAGIC);
  writer.u16(tenure === null ? VERSION : VERSION_LATER);
  writer.u53(generation);
  writer.raw(hexToBytes(identity.cluster));
  writer.u32(identity.node);
  writer.raw(hexToBytes(identity.dataId));
  writer.bool(identity.formatted);
  writer.u53(identity.incarnation);
  writer.u53(identity.boot);
  writer.bool(identity.registered);
  writer.u53(identity.met);
  writer.u32(identity.starts.length);
  for (const { incarnation, boot } of identity.starts) {
    writer.u53(incarnation);
    writer.u32(boot);
  }
  writer.u32(identity.peers.length);
  for (const peer of identity.peers) {
    writer.u32(peer.node);
    writer.raw(hexToBytes(peer.dataId));
    writer.u53(peer.incarnation);
    writer.u53(peer.boot);
  }
  writer.string(identity.protocol);
  if (tenure !== null) writeTenure(writer, tenure);
  writer.raw(new Uint8Array(bytes - 4 - writer.length));
  writer.u32(checksum(writer.peek()));
  return writer.take();
}

/**
 * `bad`: not what was written; `newer`: whole, but of a version that this program does not know.
 */
export function decodeIdentity(
  bytes: Uint8Array,
  checksum: Checksum,
): IdentityCopy | "bad" | "newer" {
  const isLater = bytes.length === IDENTITY_BYTES_LATER;
  if (!isLater && bytes.length !== IDENTITY_BYTES) return "bad";
  const checked = bytes.length - 4;
  const sum = new Reader(bytes, checked).u32();
  if (sum !== checksum(bytes.subarray(0, checked))) return "bad";
  const reader = new Reader(bytes, 0, checked);
  if (reader.u32() !== MAGIC) return "bad";
  if (reader.u16() !== (isLater ? VERSION_LATER : VERSION)) return "newer";
  const generation = reader.u53();
  const identity: Identity = {
    cluster: bytesToHex(reader.raw(16)),
    node: reader.u32(),
    dataId: bytesToHex(reader.raw(16)),
    formatted: reader.bool(),
    incarnation: reader.u53(),
    boot: reader.u53(),
    registered: reader.bool(),
    met: reader.u53(),
    starts: decodeStarts(reader),
    peers: decodePeers(reader),
    protocol: reader.string(PROTOCOL_BYTES_MAX),
    tenure: isLater ? readTenure(reader) : null,
  };
  if (isLater && identity.tenure === null) return "bad";
  return reader.failed ? "bad" : { generation, identity };
}

function decodeStarts(reader: Reader): PastStart[] {
  const count = reader.count(START_BYTES);
  return Array.from({ length: count }, () => ({ incarnation: reader.u53(), boot: reader.u32() }));
}

function decodePeers(reader: Reader): Remembered[] {
  const count = reader.count(PEER_BYTES);
  const peers: Remembered[] = [];
  for (let index = 0; index < count; index += 1) {
    peers.push({
      node: reader.u32(),
      dataId: bytesToHex(reader.raw(16)),
      incarnation: reader.u53(),
      boot: reader.u53(),
    });
  }
  return peers;
}
