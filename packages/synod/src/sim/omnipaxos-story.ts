import { formatBallot } from "@synod/core";
import { formatClaim, type OmniPaxosMessage } from "@synod/core/protocols/omnipaxos";

/** Messages of OmniPaxos in words; null for those that tell no story (heartbeats, reads). */
export function describeOmniPaxos(message: OmniPaxosMessage): string | null {
  switch (message.kind) {
    case "prepareRequest":
      return `prepare me, I promised ${formatBallot(message.ballot)}`;
    case "prepare":
      return `prepare ${formatBallot(message.ballot)}, has ${formatClaim(message)}`;
    case "promise": {
      const lost = message.lost === null ? "" : `, lost ${formatClaim(message.lost)}`;
      const told = `, tells ${message.values.length} values`;
      return `promise ${formatBallot(message.ballot)}, has ${formatClaim(message)}${lost}${told}`;
    }
    case "nack":
      return `no to ${formatBallot(message.refused)}, promised ${formatBallot(message.promised)}`;
    case "acceptSync":
    case "accept": {
      const last = message.first + message.values.length - 1;
      return `${message.kind} ${formatBallot(message.ballot)}, slots ${message.first}-${last}`;
    }
    case "accepted":
      return `accepted ${formatBallot(message.ballot)} up to ${message.length}`;
    case "learn": {
      const last = message.first + message.values.length - 1;
      return `slots ${message.first}-${last} are decided, with values`;
    }
    case "behind":
      return `everything up to ${message.compactedUpTo} is compacted`;
    default:
      return null;
  }
}
