import { type About, compareBallots, invariant, invariantU53 } from "@synod/core";
import { ABOUT_BYTES } from "./layout.ts";

/** The order is part of the format. */
const KINDS: readonly About["kind"][] = Object.freeze(["meta", "slots", "instance", "object"]);

const HIGH = 0x1_0000_0000;

/** Set in the byte of the kind when a ballot is given; its bytes are zero otherwise. */
const HAS_BALLOT = 0x80;

/** kind u8, then log, first, last, 8 bytes each, then the round and the proposer of the ballot. */
export function writeAbout(view: DataView, at: number, about: About): void {
  const kind = KINDS.indexOf(about.kind);
  invariant(kind >= 0, "a record about something unknown");
  const { ballot } = about;
  view.setUint8(at, ballot === undefined ? kind : kind + HAS_BALLOT);
  writeU53(view, at + 1, about.log);
  writeU53(view, at + 9, about.first);
  writeU53(view, at + 17, about.last);
  writeU53(view, at + 25, ballot?.round ?? 0);
  view.setUint32(at + 33, ballot?.proposer ?? 0, true);
}

/** Null when the bytes mean nothing. There must be {@link ABOUT_BYTES} of them. */
export function readAbout(view: DataView, at: number): About | null {
  const tag = view.getUint8(at);
  const kind = KINDS[tag & (HAS_BALLOT - 1)];
  const log = readU53(view, at + 1);
  const first = readU53(view, at + 9);
  const last = readU53(view, at + 17);
  const round = readU53(view, at + 25);
  if (kind === undefined || log < 0 || first < 0 || last < 0 || round < 0) return null;
  if (tag < HAS_BALLOT) return { kind, log, first, last };
  return { kind, log, first, last, ballot: { round, proposer: view.getUint32(at + 33, true) } };
}

export function writeU53(view: DataView, at: number, value: number): void {
  invariantU53(value);
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / HIGH), true);
}

/** -1 when it is none. */
export function readU53(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high > 0x1fffff ? -1 : high * HIGH + view.getUint32(at, true);
}

/** How far back a range is looked for that takes in the next about. */
const MERGE_REACH = 8;

/**
 * The same things in fewer words: neighbours of one kind and log become one range, repetitions go.
 * For echoes and for the names of what is missing, where only the union counts, and of ballots the
 * highest. What has a ballot stays apart from what has none: neither may speak for the other.
 */
export function mergeAbouts(abouts: readonly About[]): About[] {
  const merged: About[] = [];
  for (const about of abouts) {
    let into = merged.length - 1;
    const end = Math.max(0, merged.length - MERGE_REACH);
    while (into >= end && !touches(merged[into] as About, about)) into -= 1;
    if (into < end) merged.push(about);
    else merged[into] = union(merged[into] as About, about);
  }
  return merged;
}

function touches(a: About, b: About): boolean {
  if (a.kind !== b.kind || a.log !== b.log) return false;
  if ((a.ballot === undefined) !== (b.ballot === undefined)) return false;
  return b.first <= a.last + 1 && a.first <= b.last + 1;
}

function union(a: About, b: About): About {
  const first = Math.min(a.first, b.first);
  const last = Math.max(a.last, b.last);
  const { kind, log } = a;
  if (a.ballot === undefined || b.ballot === undefined) return { kind, log, first, last };
  const ballot = compareBallots(a.ballot, b.ballot) < 0 ? b.ballot : a.ballot;
  return { kind, log, first, last, ballot };
}
