import { formatBallot } from "@synod/core";
import type { PmmcMessage } from "@synod/core/protocols/pmmc";

/** Messages of PMMC in words; null for those that tell no story (pings, reports, reads). */
export function describePmmc(message: PmmcMessage): string | null {
  switch (message.kind) {
    case "p1a":
      return `scout asks to adopt ${formatBallot(message.ballot)} from slot ${message.first}`;
    case "p1b": {
      const slots = message.pvalues.map(({ slot }) => slot).join(",");
      return `acceptor is at ${formatBallot(message.ballot)}, holds slots [${slots}]`;
    }
    case "p2a":
      return `commander of ${formatBallot(message.ballot)} asks to accept slot ${message.slot}`;
    case "p2b":
      return `acceptor is at ${formatBallot(message.ballot)}, slot ${message.slot}`;
    case "propose":
      return `replica proposes in slot ${message.slot}`;
    case "decision":
      return `slot ${message.slot} is decided`;
    case "decisions": {
      const last = message.first + message.values.length - 1;
      return `slots ${message.first}-${last} are decided`;
    }
    case "behind":
      return `everything up to ${message.compactedUpTo} is compacted`;
    default:
      return null;
  }
}
