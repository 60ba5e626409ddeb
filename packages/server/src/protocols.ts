import type { Protocol } from "@synod/core";
import { BROADCAST_TUNING, broadcast } from "@synod/core/protocols/broadcast";
import { MULTIPAXOS_TUNING, multipaxos } from "@synod/core/protocols/multipaxos";
import { OMNIPAXOS_TUNING, omnipaxos } from "@synod/core/protocols/omnipaxos";
import { PMMC_TUNING, pmmc } from "@synod/core/protocols/pmmc";

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

/** Numbers that an operator may change, by protocol, with what they are if nobody does. */
export const SERVER_PROTOCOL_TUNING: Readonly<
  Record<ServerProtocolName, Readonly<Record<string, number>>>
> = {
  multipaxos: { ...MULTIPAXOS_TUNING },
  omnipaxos: { ...OMNIPAXOS_TUNING },
  pmmc: { ...PMMC_TUNING },
  broadcast: { ...BROADCAST_TUNING },
};
