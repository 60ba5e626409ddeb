import { type Ballot, formatBallot } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { Slot } from "../../ids.ts";
import { type MultipaxosMessage, SLOT_MAX } from "./messages.ts";

/** One line for people, traces of the model checker and golden traces. */
export function formatMessage(message: MultipaxosMessage): string {
  const { kind, ...fields } = message;
  const parts = Object.entries(fields)
    .filter(([name, value]) => name !== "unknown" || (value as readonly unknown[]).length > 0)
    .map(([name, value]) => `${name}=${formatField(name, value)}`);
  return `${kind} ${parts.join(" ")}`;
}

function formatField(name: string, value: unknown): string {
  if (value instanceof Uint8Array) return formatValue(value);
  if (Array.isArray(value)) return `[${value.map((item) => formatField(name, item)).join(" ")}]`;
  if (value === SLOT_MAX) return "end";
  if (typeof value !== "object" || value === null) return String(value);
  if ("proposer" in value) return formatBallot(value as Ballot);
  if ("first" in value && "last" in value) {
    const run = value as { first: Slot; last: Slot; ballot?: Ballot };
    const upTo = run.ballot === undefined ? "" : `:${formatBallot(run.ballot)}`;
    return `${run.first === run.last ? run.first : `${run.first}..${run.last}`}${upTo}`;
  }
  const entry = value as { slot: Slot; ballot: Ballot; chosen: boolean; value: Uint8Array };
  const mark = entry.chosen ? "!" : "";
  return `${entry.slot}${mark}:${formatBallot(entry.ballot)}:${formatValue(entry.value)}`;
}

/** Commands as `client#sequence`; a no-op as `-`. */
export function formatValue(value: Uint8Array): string {
  if (value.length === 0) return "-";
  const commands = decodeCommands(value);
  if (commands === null) return `${value.length} bytes`;
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}
