import { formatBallot } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { Claim, OmniPaxosMessage } from "./messages.ts";

/** One line for people, traces of the model checker and golden traces. */
export function formatMessage(message: OmniPaxosMessage): string {
  const { kind, ...fields } = message;
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${formatField(value)}`);
  return `${kind} ${parts.join(" ")}`;
}

function formatField(value: unknown): string {
  if (value instanceof Uint8Array) return formatValue(value);
  if (Array.isArray(value)) return `[${value.map(formatField).join(" ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if ("proposer" in value) return formatBallot(value as Parameters<typeof formatBallot>[0]);
  return formatClaim(value as Claim);
}

export function formatClaim({ acceptedIn, length }: Claim): string {
  return `${length}@${formatBallot(acceptedIn)}`;
}

/** Commands as `client#sequence`; a value without any as `-`. */
export function formatValue(value: Uint8Array): string {
  if (value.length === 0) return "-";
  const commands = decodeCommands(value);
  if (commands === null) return `${value.length} bytes`;
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}
