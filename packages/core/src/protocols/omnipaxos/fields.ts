import type { Ballot } from "../../ballot.ts";
import type { Reader, Writer } from "../../codec.ts";
import type { Slot } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";

/** Fields that messages and records have in common. Decoded values are copies. */

export function writeBallot(writer: Writer, ballot: Ballot): void {
  writer.u53(ballot.round);
  writer.u32(ballot.proposer);
}

export function readBallot(reader: Reader): Ballot {
  return { round: reader.u53(), proposer: reader.u32() };
}

/** Values of consecutive slots from `first`. */
export function writeValues(writer: Writer, first: Slot, values: readonly Uint8Array[]): void {
  writer.u53(first);
  writer.u32(values.length);
  for (const value of values) writer.bytes(value);
}

export function readValues(reader: Reader, least: number): { first: Slot; values: Uint8Array[] } {
  const first = reader.u53();
  const count = reader.count(4);
  const values: Uint8Array[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1)
    values.push(reader.bytes(VALUE_BYTES_MAX).slice());
  if (first < 1 || count < least || !Number.isSafeInteger(first + count)) reader.fail();
  return { first, values };
}
