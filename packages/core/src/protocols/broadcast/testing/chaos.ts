import {
  flexible,
  type JournalRecord,
  majority,
  type NodeId,
  nextBelow,
  nextFraction,
  type PrngState,
} from "@synod/core";
import { atRest } from "../invariants.ts";
import { type Cluster, createCluster } from "./cluster.ts";

/** What happened in one random life: a run in which nothing happened has tested nothing. */
export interface ChaosReport {
  readonly delivered: number;
  readonly reads: number;
  readonly crashes: number;
  readonly outbid: number;
  readonly displaced: number;
  readonly transfers: number;
  readonly rotten: number;
}

interface Chaos {
  readonly cluster: Cluster;
  readonly random: PrngState;
  /** Messages by the node that holds them, for as long as it lives. */
  readonly held: Map<NodeId, string[]>;
  /** How far anybody had delivered when the read began. */
  readonly floors: Map<number, number>;
  /**
   * The one node whose disk rots: what it alone forgets, a quorum of the others still knows. Null
   * where no quorum can do without it.
   */
  readonly victim: NodeId | null;
  readonly counts: { crashes: number; reads: number; asked: number; names: number; rotten: number };
}

/** Faults for `ms` of virtual time, then peace, in which everything must come out everywhere. */
export function runChaos(seed: number, ms: number): ChaosReport {
  const chaos = prepare(seed);
  const { cluster, random, counts } = chaos;
  cluster.startAll();
  while (cluster.now() < ms) {
    disturb(chaos);
    cluster.run(nextFraction(random) * 25);
    checkReads(chaos);
  }
  makePeace(chaos);
  const observed = (event: string): number =>
    cluster.nodes.reduce((sum, n) => sum + n.observed.filter((e) => e === event).length, 0);
  return {
    delivered: cluster.nodes[0]?.delivered.length ?? 0,
    reads: counts.reads,
    crashes: counts.crashes,
    outbid: observed("outbid"),
    displaced: observed("displaced"),
    transfers: cluster.nodes.reduce((sum, n) => sum + n.stateRequests.length, 0),
    rotten: counts.rotten,
  };
}

function prepare(seed: number): Chaos {
  const { random } = createCluster({ size: 1, seed });
  const size = 1 + nextBelow(random, 7);
  const members = Array.from({ length: size }, (_, id) => id);
  const phase1 = 1 + nextBelow(random, size);
  const flex = flexible(members, { phase1, phase2: size + 1 - phase1 });
  const cluster = createCluster({
    size,
    seed,
    quorums: nextFraction(random) < 0.3 ? flex : majority(members),
    tuning: {
      yieldMs: 5 + nextBelow(random, 60),
      resendMs: 30,
      catchUpMs: 5,
      stateRetryMs: 150,
      readRetryMs: 60,
      gossipMs: 50,
      window: 1 + nextBelow(random, 6),
      batchBytesMax: 50 + nextBelow(random, 400),
      chunkBytes: 40 + nextBelow(random, 400),
      retainBytes: nextBelow(random, 1000),
      deliverBytes: 50 + nextBelow(random, 2000),
    },
  });
  cluster.faults.loss = nextFraction(random) < 0.5 ? nextFraction(random) * 0.3 : 0;
  cluster.faults.duplicate = nextFraction(random) * 0.3;
  cluster.faults.delayMs = 1 + nextFraction(random) * 20;
  cluster.faults.syncMs = 0.2 + nextFraction(random) * 10;
  const counts = { crashes: 0, reads: 0, asked: 0, names: 0, rotten: 0 };
  const one = nextBelow(random, size);
  const others = new Set(members.filter((member) => member !== one));
  const victim = cluster.history.quorums.isPhase1(others) ? one : null;
  return { cluster, random, held: new Map(), floors: new Map(), victim, counts };
}

function disturb(chaos: Chaos): void {
  const { cluster, random, counts } = chaos;
  const id = nextBelow(random, cluster.members.length);
  const { alive } = cluster.node(id);
  const dice = nextFraction(random);
  if (dice < 0.5) return request(chaos, id);
  if (dice < 0.6) return readEverywhere(chaos);
  if (dice < 0.75) {
    if (!alive) return restart(chaos, id);
    counts.crashes += 1;
    chaos.held.delete(id);
    return cluster.crash(id, nextBelow(random, 4));
  }
  if (dice < 0.85 && alive) return cluster.compact(id);
  if (dice < 0.92) return cut(chaos);
  cluster.heal();
}

function request(chaos: Chaos, id: NodeId): void {
  if (!chaos.cluster.node(id).alive) return;
  const names = Array.from({ length: 1 + nextBelow(chaos.random, 4) }, () => {
    chaos.counts.names += 1;
    return `c${id}#${chaos.counts.names}`;
  });
  chaos.held.set(id, [...(chaos.held.get(id) ?? []), ...names]);
  chaos.cluster.propose(id, ...names);
}

/** Some records of a node that is down rot, whichever. */
function restart({ cluster, random, victim, counts }: Chaos, id: NodeId): void {
  const records = cluster.records(id).filter(({ about }) => about.ballot !== undefined);
  for (
    let more = nextBelow(random, 4);
    more > 0 && id === victim && records.length > 0;
    more -= 1
  ) {
    cluster.rot(id, records[nextBelow(random, records.length)] as JournalRecord);
    counts.rotten += 1;
  }
  cluster.start(id);
}

function readEverywhere({ cluster, counts, floors }: Chaos): void {
  // Whatever anybody has delivered, a client may have been told of.
  const floor = cluster.history.delivered.size;
  for (const { id, alive } of cluster.nodes) {
    if (!alive) continue;
    counts.asked += 1;
    floors.set(counts.asked, floor);
    cluster.read(id, counts.asked);
  }
}

function checkReads({ cluster, counts, floors }: Chaos): void {
  for (const { id, readable } of cluster.nodes) {
    for (const [read, slot] of readable) {
      const floor = floors.get(read) ?? 0;
      if (slot < floor) throw new Error(`node ${id} reads at ${slot}, but ${floor} was delivered`);
      counts.reads += 1;
    }
    readable.clear();
  }
}

/** Two groups, or one node deaf or mute. */
function cut({ cluster, random }: Chaos): void {
  const one = nextBelow(random, cluster.members.length);
  const dice = nextFraction(random);
  if (dice < 0.4) {
    const side = cluster.members.map(() => nextFraction(random) < 0.5);
    cluster.control.passes = (from, to) => side[from] === side[to];
  } else if (dice < 0.7) cluster.control.passes = (from) => from !== one;
  else cluster.control.passes = (_, to) => to !== one;
}

function makePeace(chaos: Chaos): void {
  const { cluster, held } = chaos;
  cluster.heal();
  Object.assign(cluster.faults, { loss: 0, duplicate: 0, delayMs: 2, syncMs: 1 });
  for (const { id, alive } of cluster.nodes) if (!alive) restart(chaos, id);
  const states = () => cluster.nodes.map(({ state }) => state);
  cluster.runUntil(() => atRest(states()) === null, 5_000);
  // A message of one that crashed with it may still be on its way through others.
  cluster.run(1_000);
  checkReads(chaos);
  const problem = atRest(states());
  if (problem !== null) throw new Error(problem);
  for (const [id, names] of held)
    for (const name of names)
      if (!cluster.node(id).delivered.includes(name)) throw new Error(`${name} is lost`);
  if (cluster.order() === null) throw new Error("orders differ");
}
