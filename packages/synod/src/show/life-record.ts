import type { NodeId } from "@synod/core";

/**
 * A life as a picture needs it: plain data, small enough for a page. Times are virtual ms; texts
 * and kinds are numbers of entries in the lists at the end.
 */
export interface LifeRecord {
  readonly title: string;
  readonly subtitle: string;
  readonly nodes: readonly NodeId[];
  readonly endMs: number;
  readonly violation: { readonly atMs: number; readonly text: string } | null;
  /** Sent, from, to, kind, text, arrived: -1 if it never did. In order of sending. */
  readonly messages: readonly MessageRow[];
  /** When, node (-1: nobody), kind, text. In order. */
  readonly marks: readonly MarkRow[];
  /** What a replica was from then on: when, node, role, ballot, chosen up to, delivered up to. */
  readonly states: readonly StateRow[];
  readonly messageKinds: readonly string[];
  readonly markKinds: readonly MarkKind[];
  readonly texts: readonly string[];
}

export type MessageRow = readonly [
  sentMs: number,
  from: number,
  to: number,
  kind: number,
  text: number,
  arrivedMs: number,
];

export type MarkRow = readonly [atMs: number, node: number, kind: number, text: number];

export type StateRow = readonly [
  atMs: number,
  node: number,
  role: number,
  ballot: number,
  chosenUpTo: number,
  deliveredUpTo: number,
];

/** Everything that may be marked on a lane, in the order in which a page lists it. */
export const MARK_KINDS = [
  "up",
  "down",
  "fault",
  "persist",
  "deliver",
  "timeout",
  "observed",
  "client",
  "world",
  "violation",
] as const;

export type MarkKind = (typeof MARK_KINDS)[number];
