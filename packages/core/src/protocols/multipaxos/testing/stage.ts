import { type NodeId, Reader, type Slot, Writer } from "@synod/core";
import { formatValue } from "../format.ts";
import { multipaxos } from "../index.ts";
import type { MultipaxosMessage } from "../messages.ts";
import { type Cluster, type ClusterOptions, createCluster, type TestNode } from "./cluster.ts";

/** A message on its way; it stays there until the test delivers or loses it. */
export interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: MultipaxosMessage;
}

/** What a letter must be to be meant; what is left out may be anything. */
export interface Pick {
  readonly from?: NodeId;
  readonly to?: NodeId;
  readonly kinds?: readonly MultipaxosMessage["kind"][];
  /** First slot that an accept, or an answer to one, speaks of. */
  readonly slot?: Slot;
}

export interface Stage {
  readonly cluster: Cluster;
  /** In the order in which they were sent. */
  readonly letters: readonly Letter[];
  node(id: NodeId): TestNode;
  /** Hands over all letters of that kind that are on their way now, and says which they were. */
  deliver(pick: Pick): Letter[];
  lose(pick: Pick): Letter[];
  /** Puts a letter under way again that was delivered or lost before. */
  repeat(letter: Letter): void;
  timeout(id: NodeId, name: string): void;
  propose(id: NodeId, ...requests: string[]): void;
  crash(id: NodeId): void;
  restart(id: NodeId): void;
  /** Phase 1 of `id` among these members alone; what the new leader says next stays under way. */
  elect(id: NodeId, among: readonly NodeId[]): void;
  /** Delivers between these members until nothing is left to deliver between them. */
  converse(among: readonly NodeId[]): void;
  /** The value that a node holds in a slot, as `client#sequence`; undefined when it holds none. */
  held(id: NodeId, slot: Slot): string | undefined;
}

/** No timer but those that a test fires itself. */
const NEVER_MS = 1_000_000_000;
/** Long enough for every sync that follows from one step. */
const SETTLE_MS = 5;

/**
 * A configuration whose every message waits for the test's word: for schedules that must be played
 * exactly. Disks sync at once, clocks stand still, and the invariants hold after every step, or it
 * throws.
 */
export function createStage(options: ClusterOptions): Stage {
  const still = {
    electionMs: NEVER_MS,
    heartbeatMs: NEVER_MS,
    resendMs: NEVER_MS,
    catchUpMs: NEVER_MS,
    stateRetryMs: NEVER_MS,
    readRetryMs: NEVER_MS,
  };
  const cluster = createCluster({ ...options, tuning: { ...still, ...options.tuning } });
  const letters: Letter[] = [];
  cluster.control.passes = (from, to, message) => {
    letters.push({ from, to, message });
    return false;
  };
  const settle = (): void => cluster.run(SETTLE_MS);
  const take = (pick: Pick): Letter[] => {
    const taken = letters.filter((letter) => matches(letter, pick));
    for (const letter of taken) letters.splice(letters.indexOf(letter), 1);
    return taken;
  };
  const deliver = (pick: Pick): Letter[] => {
    const taken = take(pick);
    for (const { from, to, message } of taken) {
      if (!cluster.node(to).alive) continue;
      cluster.input(to, { kind: "message", from, message: throughCodec(message) });
      settle();
    }
    return taken;
  };
  const timeout = (id: NodeId, name: string): void => {
    cluster.input(id, { kind: "timeout", name });
    settle();
  };
  const restart = (id: NodeId): void => {
    cluster.start(id);
    settle();
  };
  for (const id of cluster.members) restart(id);
  return {
    cluster,
    letters,
    node: cluster.node,
    deliver,
    lose: take,
    repeat: (letter) => letters.push(letter),
    timeout,
    propose(id, ...requests) {
      cluster.propose(id, ...requests);
      settle();
    },
    crash: (id) => cluster.crash(id, 0),
    restart,
    elect(id, among) {
      for (const member of among) if (cluster.node(member).alive) timeout(member, "quiet");
      timeout(id, "election");
      const phases = [["probe"], ["probed"], ["prepare"], ["promise"]] as const;
      for (const kinds of phases)
        for (const other of among) {
          const asks = kinds[0] === "probe" || kinds[0] === "prepare";
          deliver(asks ? { from: id, to: other, kinds } : { from: other, to: id, kinds });
        }
    },
    converse(among) {
      for (;;) {
        const within = letters.filter((l) => among.includes(l.from) && among.includes(l.to));
        if (within.length === 0) return;
        for (const { from, to } of within) deliver({ from, to });
      }
    },
    held(id, slot) {
      const value = cluster.node(id).state.log.get(slot)?.value;
      return value === undefined ? undefined : formatValue(value);
    },
  };
}

function matches(letter: Letter, pick: Pick): boolean {
  return (
    (pick.from === undefined || pick.from === letter.from) &&
    (pick.to === undefined || pick.to === letter.to) &&
    (pick.kinds === undefined || pick.kinds.includes(letter.message.kind)) &&
    (pick.slot === undefined || pick.slot === slotOf(letter.message))
  );
}

function slotOf(message: MultipaxosMessage): Slot | null {
  if (message.kind === "accept") return message.first;
  return message.kind === "accepted" ? (message.runs[0]?.first ?? null) : null;
}

/** What the other side of a wire would see. */
function throughCodec(message: MultipaxosMessage): MultipaxosMessage {
  const writer = new Writer();
  multipaxos.messages.encode(writer, message);
  const decoded = multipaxos.messages.decode(new Reader(writer.take()));
  if (decoded === null) throw new Error(`${message.kind} does not survive its codec`);
  return decoded;
}
