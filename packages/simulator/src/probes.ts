/**
 * "Sometimes" probes: situations that a sweep must reach, or its silence says little. An `often`
 * probe belongs into one life in a hundred at least; a `rare` one is only counted.
 */
export interface ProbeKind {
  readonly name: string;
  readonly expected: "often" | "rare";
}

/** Counts how often each situation occurred in one life. */
export class Probes {
  readonly #counts = new Map<string, number>();

  hit(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** By name, ascending. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

const often = (...names: readonly string[]): ProbeKind[] =>
  names.map((name) => ({ name, expected: "often" }));

const rare = (...names: readonly string[]): ProbeKind[] =>
  names.map((name) => ({ name, expected: "rare" }));

/** What can be seen of every protocol. Protocols add their own. */
export const COMMON_PROBES: readonly ProbeKind[] = [
  ...often(
    "fault: crash of the leader",
    "fault: crash of another node",
    "fault: process killed, its writes kept",
    "fault: dead machine, peers not told",
    "fault: crash while starting",
    "fault: power loss on all nodes",
    "fault: power loss on a majority",
    "fault: power loss on a minority",
    "fault: leader paused",
    "fault: pause of 5 s or more",
    "fault: clock stood still",
    "fault: clock jumped",
    "fault: leader isolated",
    "fault: cut one way",
    "fault: cut one way, connection stays",
    "fault: flapping links",
    "fault: links clogged",
    "fault: partial link graph",
    "fault: disk wiped",
    "fault: stale disk",
    "fault: rot in the journal",
    "fault: rot in one copy of the identity",
    "fault: rot in a snapshot",
    "fault: misdirected write",
    "fault: lost segment",
    "fault: sync of journal lies",
    "fault: slow disk",
    "fault: full disk",
    "fault: failed sync",
    "fault: failed write",
    "fault: leader usurped while its followers lose power",
    "fault: leader muffled until another stands",
    "crash: unsynced sectors lost",
    "crash: unsynced sector became garbage",
    "crash: unsynced directory entry lost",
    "frame: lost",
    "frame: doubled",
    "frame: replayed late",
    "frame: replayed to a later incarnation",
    "frame: damaged",
    "frame: overtaken",
    "frame: dropped, link full",
    "link: refused",
    "host: snapshot written",
    "host: restarted from a snapshot",
    "host: state requested",
    "host: state installed",
    "host: disowned",
    "host: stopped by its disk",
    "host: disk full",
    "host: runs without a vote",
    "host: impaired by damage",
    "client: overload",
    "client: deadline, not applied",
    "client: deadline, unknown",
    "client: session-expired",
    "client: disk-full",
    "client: repeated answer",
    "client: silence",
    "client: connection refused",
    "liveness: core without all members",
    "liveness: outsider deaf",
    "liveness: outsider mute",
    "liveness: outsider down",
    "liveness: outsider paused",
  ),
  ...rare(
    // A node learns its number from its peers before it needs a session; directed lives show it.
    "host: session renewed",
    "client: not-serving",
    "client: sequence-forgotten",
    "client: stopped",
    "fault: failed read",
    "fault: lost file of identity",
    "fault: lost file of snapshot",
    "fault: sync of identity lies",
    "fault: sync of snapshot lies",
  ),
];

/** What the lives of a system should reach: what can be seen of every protocol, and its own. */
export function probesOf(system: {
  readonly probes: readonly ProbeKind[];
  readonly notExpected?: readonly string[];
}): readonly ProbeKind[] {
  const { probes, notExpected = [] } = system;
  return [...COMMON_PROBES.filter(({ name }) => !notExpected.includes(name)), ...probes];
}
