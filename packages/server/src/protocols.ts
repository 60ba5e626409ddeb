import type { Protocol } from "@synod/core";
import { broadcast } from "@synod/core/protocols/broadcast";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { pmmc } from "@synod/core/protocols/pmmc";

/** What a server can keep its log with: every protocol here that orders commands without end. */
export const SERVER_PROTOCOL_NAMES = ["multipaxos", "omnipaxos", "pmmc", "broadcast"] as const;

export type ServerProtocolName = (typeof SERVER_PROTOCOL_NAMES)[number];

export const DEFAULT_SERVER_PROTOCOL: ServerProtocolName = "multipaxos";

/** By name; a server need not know what their states and messages look like. */
// biome-ignore lint/suspicious/noExplicitAny: each brings states and messages of its own
export const SERVER_PROTOCOLS: Readonly<Record<ServerProtocolName, Protocol<any, any>>> = {
  multipaxos,
  omnipaxos,
  pmmc,
  broadcast,
};
