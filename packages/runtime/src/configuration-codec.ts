import { MEMBERS_MAX, type NodeId, type Reader, type Writer } from "@synod/core";
import {
  ADDRESS_BYTES_MAX,
  type Configuration,
  configurationProblem,
  type Member,
  ROLE_BYTES_MAX,
  ROLES_MAX,
  type Tenure,
  ZONE_BYTES_MAX,
} from "./configuration.ts";
import { bytesToHex, hexToBytes } from "./hex.ts";

const VERSION = 1;
const MEMBER_BYTES_MIN = 4 + 4 + 4 + 4 + 16;

/** What stands for a data id that is not known: no directory has it. */
const NO_DATA_ID = "0".repeat(32);

/** Largest configuration, encoded. */
export const CONFIGURATION_BYTES_MAX: number =
  64 +
  MEMBERS_MAX *
    (MEMBER_BYTES_MIN + ADDRESS_BYTES_MAX + ZONE_BYTES_MAX + ROLES_MAX * (4 + ROLE_BYTES_MAX));

/** The layout is the same in a stop, an identity, a manifest and a message. */
export function writeConfiguration(writer: Writer, configuration: Configuration): void {
  const { number, cluster, members, quorums } = configuration;
  writer.u16(VERSION);
  writer.u53(number);
  writer.raw(hexToBytes(cluster));
  writer.u32(quorums?.phase1 ?? 0);
  writer.u32(quorums?.phase2 ?? 0);
  writer.u32(members.length);
  for (const { id, address, zone, roles, dataId } of members) {
    writer.u32(id);
    writer.string(address);
    writer.string(zone);
    writer.u32(roles.length);
    for (const role of roles) writer.string(role);
    writer.raw(hexToBytes(dataId ?? NO_DATA_ID));
  }
}

/** Null unless it is whole and can be used. Reads no further than it goes. */
export function readConfiguration(reader: Reader): Configuration | null {
  if (reader.u16() !== VERSION) return null;
  const number = reader.u53();
  const cluster = bytesToHex(reader.raw(16));
  const sizes = { phase1: reader.u32(), phase2: reader.u32() };
  const quorums = sizes.phase1 === 0 && sizes.phase2 === 0 ? null : sizes;
  const count = reader.count(MEMBER_BYTES_MIN);
  if (count > MEMBERS_MAX || number === 0) return null;
  const members: Member[] = [];
  for (let at = 0; at < count && !reader.failed; at += 1) members.push(readMember(reader));
  if (reader.failed) return null;
  const configuration = { number, cluster, members, quorums };
  return configurationProblem(configuration) === null ? configuration : null;
}

function readMember(reader: Reader): Member {
  const id: NodeId = reader.u32();
  const address = reader.string(ADDRESS_BYTES_MAX);
  const zone = reader.string(ZONE_BYTES_MAX);
  const count = reader.count(4);
  if (count > ROLES_MAX) reader.fail();
  const roles: string[] = [];
  for (let at = 0; at < count && !reader.failed; at += 1) roles.push(reader.string(ROLE_BYTES_MAX));
  const dataId = bytesToHex(reader.raw(16));
  const member = { id, address, zone, roles };
  return dataId === NO_DATA_ID ? member : { ...member, dataId };
}

export function writeTenure(writer: Writer, { configuration, began }: Tenure): void {
  writer.u32(began.log);
  writer.u53(began.index);
  writeConfiguration(writer, configuration);
}

/** Null unless it is whole and can be used. */
export function readTenure(reader: Reader): Tenure | null {
  const began = { log: reader.u32(), index: reader.u53() };
  const configuration = readConfiguration(reader);
  return configuration === null ? null : { configuration, began };
}
