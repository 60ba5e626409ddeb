import { formatBallot } from "@synod/core";
import type { MultipaxosMessage } from "@synod/core/protocols/multipaxos";

/** Messages of Multi-Paxos in words; null for those that tell no story (heartbeats, reads). */
export function describeMessage(message: MultipaxosMessage): string | null {
  switch (message.kind) {
    case "prepare":
      return `prepare ${formatBallot(message.ballot)} above slot ${message.chosenUpTo}`;
    case "promise": {
      const slots = message.entries.map(({ slot }) => slot).join(",");
      return `promise ${formatBallot(message.ballot)}, holds slots [${slots}]`;
    }
    case "nack":
      return `no to ${formatBallot(message.refused)}, knows ${formatBallot(message.promised)}`;
    case "accept": {
      const last = message.first + message.values.length - 1;
      return `accept ${formatBallot(message.ballot)}, slots ${message.first}-${last}`;
    }
    case "accepted": {
      const slots = message.runs.map(({ first, last }) => `${first}-${last}`).join(",");
      return `accepted ${formatBallot(message.ballot)}, slots ${slots}`;
    }
    case "learn": {
      const last = message.first + message.values.length - 1;
      return `slots ${message.first}-${last} are chosen, with values`;
    }
    case "behind":
      return `everything up to ${message.compactedUpTo} is compacted`;
    default:
      return null;
  }
}
