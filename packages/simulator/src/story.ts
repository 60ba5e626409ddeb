import type { NodeId } from "@synod/core";
import type { Attempt, OperationEnd } from "./client.ts";
import type { Operation } from "./oracles/operation.ts";

/** What a line of a story is about. */
export type StoryKind =
  | "fault"
  | "up"
  | "down"
  | "observed"
  | "message"
  | "client"
  | "world"
  | "violation";

/**
 * Hears the readable course of a life: faults, elections, crashes, operations, violations. Times in
 * virtual ms. `node`: to whom it happened; null when it was not one of them.
 */
export type Story = (atMs: number, text: string, kind: StoryKind, node: NodeId | null) => void;

export function describeAttempt({ operation, node }: Attempt): string {
  return `client ${operation.client} asks node ${node}: ${describeOperation(operation)}`;
}

export function describeEnd(operation: Operation, end: OperationEnd): string {
  const what = `client ${operation.client}: ${describeOperation(operation)}`;
  if (end.kind !== "done") return `${what}: ${end.kind}`;
  const { position, repeated } = end.outcome;
  return `${what}: done at ${position.index}${repeated ? ", repeated" : ""}`;
}

function describeOperation({ id, kind, key, value, session }: Operation): string {
  const name = session === null ? "" : ` (${session.client}#${session.sequence})`;
  const written = kind === "put" ? ` = ${value.slice(0, 12)}` : "";
  return `operation ${id}, ${kind} ${key}${written}${name}`;
}
