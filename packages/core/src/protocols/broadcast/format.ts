import { type Ballot, formatBallot } from "../../ballot.ts";
import { formatMessage as formatPaxos, formatValue } from "../paxos/index.ts";
import type { BroadcastMessage } from "./messages.ts";

export { formatValue } from "../paxos/index.ts";

/** One line for people, traces of the model checker and golden traces. */
export function formatMessage(message: BroadcastMessage): string {
  if (message.kind === "decree") return `slot=${message.slot} ${formatPaxos(message.message)}`;
  const { kind, ...fields } = message;
  return [kind, ...Object.entries(fields).map(([name, value]) => `${name}=${format(value)}`)].join(
    " ",
  );
}

function format(field: number | Ballot | Uint8Array | readonly Uint8Array[]): string {
  if (typeof field === "number") return String(field);
  if (field instanceof Uint8Array) return formatValue(field);
  if ("proposer" in field) return formatBallot(field);
  return field.map(formatValue).join("|");
}
