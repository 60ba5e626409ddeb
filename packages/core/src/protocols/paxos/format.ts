import { type Ballot, formatBallot } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { PaxosMessage, Proposal } from "./messages.ts";

/** One line for people, traces of the model checker and golden traces. */
export function formatMessage(message: PaxosMessage): string {
  const { kind, ...fields } = message;
  return [kind, ...Object.entries(fields).map(([name, value]) => `${name}=${format(value)}`)].join(
    " ",
  );
}

function format(field: number | Ballot | Proposal | Uint8Array | null): string {
  if (field === null) return "nothing";
  if (typeof field === "number") return String(field);
  if (field instanceof Uint8Array) return formatValue(field);
  if ("proposer" in field) return formatBallot(field);
  return `${formatBallot(field.ballot)}:${formatValue(field.value)}`;
}

/** Commands as `client#sequence`; the empty value as `-`. */
export function formatValue(value: Uint8Array): string {
  if (value.length === 0) return "-";
  const commands = decodeCommands(value);
  if (commands === null) return `${value.length} bytes`;
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}
