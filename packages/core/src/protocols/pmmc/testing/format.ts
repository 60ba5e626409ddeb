import {
  assertNever,
  type Command,
  type Effect,
  formatBallot,
  type JournalRecord,
} from "@synod/core";
import { formatMessage, formatValue } from "../format.ts";
import type { PmmcMessage } from "../messages.ts";
import { decodeRecord, type PmmcRecord } from "../records.ts";

export function formatRecord(record: PmmcRecord): string {
  switch (record.kind) {
    case "ballot":
    case "adopted":
      return `${record.kind} ${formatBallot(record.ballot)}`;
    case "accepted":
      return `accepted ${formatBallot(record.ballot)} ${record.slot}:${formatValue(record.value)}`;
    case "learned":
      return `learned ${record.slot}:${formatValue(record.value)}`;
    case "decided":
      return `decided ${record.slot} in ${formatBallot(record.ballot)}`;
    case "impaired":
      return "impaired";
    case "meta": {
      const { adopted, own, gcSlot, impaired } = record;
      const end = impaired ? " impaired" : "";
      return `meta ${formatBallot(adopted)} own ${formatBallot(own)} collected ${gcSlot}${end}`;
    }
    default:
      return assertNever(record);
  }
}

/** One line of an effect; null for timers and observations, which tests look at apart. */
export function formatEffect(effect: Effect<PmmcMessage>): string | null {
  switch (effect.kind) {
    case "persist":
    case "note":
      return `${effect.kind} ${formatJournal(effect)}`;
    case "checkpoint":
      return `checkpoint ${effect.records.map(formatJournal).join(" | ")}`;
    case "send":
    case "sendNow":
      return `${effect.kind} ${effect.to.join(",")}: ${formatMessage(effect.message)}`;
    case "deliver":
      return `deliver ${effect.position.index}: ${formatCommands(effect.commands)}`;
    case "release": {
      const { requests, outcome } = effect;
      const names = requests === "all" ? "all" : formatCommands(requests);
      return `release ${outcome} ${names}`;
    }
    case "readable": {
      const until = effect.validUntil === undefined ? "" : ` until ${effect.validUntil}`;
      return `readable ${effect.reads.join(",")} at ${effect.position.index}${until}`;
    }
    case "requestState":
      return `requestState ${effect.position.index} from ${effect.from.join(",")}`;
    default:
      return null;
  }
}

export function formatCommands(commands: readonly Pick<Command, "client" | "sequence">[]): string {
  if (commands.length === 0) return "-";
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}

function formatJournal({ record }: JournalRecord): string {
  const decoded = decodeRecord(record);
  return decoded === null ? "unreadable" : formatRecord(decoded);
}
