import { type Ballot, formatBallot } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import { type Epoch, type PmmcMessage, type Pvalue, SLOT_MAX } from "./messages.ts";

/** One line for people, traces of the model checker and golden traces. */
export function formatMessage(message: PmmcMessage): string {
  const { kind, ...fields } = message;
  const parts = Object.entries(fields)
    .filter(([name, value]) => name !== "epochs" || (value as readonly unknown[]).length > 0)
    .map(([name, value]) => `${name}=${formatField(value)}`);
  return `${kind} ${parts.join(" ")}`;
}

function formatField(value: unknown): string {
  if (value instanceof Uint8Array) return formatValue(value);
  if (Array.isArray(value)) return `[${value.map(formatField).join(" ")}]`;
  if (value === SLOT_MAX) return "end";
  if (typeof value !== "object" || value === null) return String(value);
  if ("proposer" in value) return formatBallot(value as Ballot);
  if ("leaders" in value) return formatEpoch(value as Epoch);
  const { slot, ballot, value: command } = value as Pvalue;
  return `${slot}:${formatBallot(ballot)}:${formatValue(command)}`;
}

/** `number@first leaders/acceptors`. */
export function formatEpoch({ number, first, leaders, acceptors }: Epoch): string {
  return `${number}@${first}:${leaders.join(",")}/${acceptors.join(",")}`;
}

/** Commands as `client#sequence`; a no-op as `-`. */
export function formatValue(value: Uint8Array): string {
  if (value.length === 0) return "-";
  const commands = decodeCommands(value);
  if (commands === null) return `${value.length} bytes`;
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}
