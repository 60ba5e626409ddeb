import type { Input, NodeId } from "@synod/core";
import { formatMessage } from "../format.ts";
import type { OmniPaxosMessage } from "../messages.ts";

/** An input as golden traces show it. */
export function formatInput(now: number, id: NodeId, what: Input<OmniPaxosMessage>): string {
  const head = `${now.toFixed(1)} ${id}`;
  switch (what.kind) {
    case "message":
      return `${head} <- ${what.from} ${formatMessage(what.message)}`;
    case "timeout":
      return `${head} timeout ${what.name}`;
    case "propose":
      return `${head} propose ${what.commands.map((c) => `${c.client}#${c.sequence}`).join(" ")}`;
    case "read":
      return `${head} read ${what.reads.join(" ")}`;
    case "compact":
    case "installed":
      return `${head} ${what.kind} ${what.position.index}`;
    default:
      return `${head} ${what.kind}`;
  }
}
