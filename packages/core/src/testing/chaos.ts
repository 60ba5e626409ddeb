import {
  flexible,
  type JournalRecord,
  majority,
  type NodeId,
  nextBelow,
  nextFraction,
  type PrngState,
  type QuorumSystem,
  type Release,
  type Slot,
} from "@synod/core";
import { type Platter, rot, written } from "./disk.ts";

/**
 * What happened in one random life of a cluster: a run in which nothing happened has tested
 * nothing.
 */
export interface ChaosReport {
  readonly seed: number;
  readonly size: number;
  readonly steps: number;
  readonly executed: number;
  readonly reads: number;
  readonly crashes: number;
  readonly partitions: number;
  readonly elections: number;
  readonly transfers: number;
  readonly stepDowns: number;
  /** Records that rotted, slots that were faulty then, and slots that were repaired. */
  readonly rotten: number;
  readonly faulty: number;
  readonly repaired: number;
  readonly fingerprint: string;
}

/** A node of a cluster in virtual time. */
export interface ChaosNode {
  readonly id: NodeId;
  readonly alive: boolean;
  readonly platter: Platter;
  readonly executedUpTo: Slot;
  /** Requests in the order of their first execution, as `client#sequence`. */
  readonly executed: readonly string[];
  readonly observed: readonly string[];
  readonly stateRequests: readonly unknown[];
}

/** What a life does to a cluster, and looks at: those of the protocols' tests can all do this. */
export interface ChaosCluster {
  readonly nodes: readonly ChaosNode[];
  readonly members: readonly NodeId[];
  readonly random: PrngState;
  readonly history: { readonly quorums: QuorumSystem };
  /** What was executed anywhere, by slot. */
  readonly sequence: ReadonlyMap<Slot, string>;
  readonly faults: {
    loss: number;
    duplicate: number;
    delayMs: number;
    straggle: number;
    syncMs: number;
  };
  readonly control: {
    /** The message is the protocol's own. */
    passes: (from: NodeId, to: NodeId, message: never) => boolean;
    onReleased: (node: NodeId, outcome: Release["outcome"], requests: string[] | "all") => void;
    onExecuted: (node: NodeId, request: string, slot: Slot) => void;
    onReadable: (node: NodeId, read: number, slot: Slot) => void;
  };
  now(): number;
  steps(): number;
  node(id: NodeId): ChaosNode;
  run(ms: number): void;
  startAll(): void;
  start(id: NodeId): void;
  crash(id: NodeId): void;
  compact(id: NodeId): void;
  heal(): void;
  propose(id: NodeId, ...names: string[]): void;
  read(id: NodeId, read: number): void;
  fingerprint(): string;
}

export interface ChaosClusterOptions {
  readonly size: number;
  readonly seed?: number;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly quorums?: QuorumSystem;
}

/** How the lives of one protocol differ from those of others. */
export interface ChaosSubject<Cluster extends ChaosCluster> {
  create(options: ChaosClusterOptions): Cluster;
  /** How it elects: the rest of the tuning is the same for all. */
  tuning(random: PrngState, storm: boolean): Readonly<Record<string, number>>;
  /** Has a node stand for election, or whatever comes nearest to that. */
  unsettle(cluster: Cluster, id: NodeId): void;
  /** What is observed of damage, and of its repair. */
  readonly faulty: string;
  readonly repaired: string;
}

interface Chaos<Cluster extends ChaosCluster = ChaosCluster> {
  readonly cluster: Cluster;
  readonly random: PrngState;
  /** Node that waits for it, by request. */
  readonly open: Map<string, NodeId>;
  /** Chosen prefix that a read must reflect, by read. */
  readonly floors: Map<number, number>;
  /** Everybody stands for election all the time, and messages and crashes come thick and fast. */
  readonly storm: boolean;
  /**
   * The one node whose disk rots: what it alone forgets, a quorum of the others still knows. Null
   * where no quorum can do without it.
   */
  readonly victim: NodeId | null;
  readonly counts: {
    rotten: number;
    crashes: number;
    partitions: number;
    requests: number;
    reads: number;
    asked: number;
  };
}

/**
 * One life from one seed: faults for `ms` of virtual time, then peace, in which everything must
 * come out.
 */
export function liveThroughChaos<Cluster extends ChaosCluster>(
  subject: ChaosSubject<Cluster>,
  seed: number,
  ms: number,
  options: Partial<ChaosClusterOptions>,
): ChaosReport {
  const chaos = prepare(subject, seed, options);
  const { cluster, random } = chaos;
  cluster.startAll();
  while (cluster.now() < (chaos.storm ? ms / 2 : ms)) {
    disturb(chaos, subject);
    cluster.run(chaos.storm ? nextFraction(random) * 12 : 5 + nextFraction(random) * 120);
  }
  recover(chaos);
  const observed = (event: string): number =>
    cluster.nodes.reduce((sum, n) => sum + n.observed.filter((e) => e === event).length, 0);
  return {
    seed,
    size: cluster.members.length,
    steps: cluster.steps(),
    executed: cluster.nodes[0]?.executed.length ?? 0,
    reads: chaos.counts.reads,
    crashes: chaos.counts.crashes,
    partitions: chaos.counts.partitions,
    elections: observed("elected"),
    transfers: cluster.nodes.reduce((sum, n) => sum + n.stateRequests.length, 0),
    stepDowns: observed("steppedDown"),
    rotten: chaos.counts.rotten,
    faulty: observed(subject.faulty),
    repaired: observed(subject.repaired),
    fingerprint: cluster.fingerprint(),
  };
}

function prepare<Cluster extends ChaosCluster>(
  subject: ChaosSubject<Cluster>,
  seed: number,
  options: Partial<ChaosClusterOptions>,
): Chaos<Cluster> {
  const { random } = subject.create({ size: 1, seed });
  const storm = seed % 2 === 0;
  const size = options.size ?? (storm ? 3 + nextBelow(random, 3) : 1 + nextBelow(random, 7));
  const members = Array.from({ length: size }, (_, id) => id);
  const phase1 = 1 + nextBelow(random, size);
  const flex = flexible(members, { phase1, phase2: size + 1 - phase1 });
  const cluster = subject.create({
    size,
    seed,
    quorums: nextFraction(random) < 0.3 ? flex : majority(members),
    ...options,
    tuning: {
      ...subject.tuning(random, storm),
      resendMs: 30,
      catchUpMs: 5,
      stateRetryMs: 150,
      readRetryMs: 60,
      window: 1 + nextBelow(random, 6),
      batchBytesMax: 50 + nextBelow(random, 400),
      chunkBytes: 40 + nextBelow(random, 400),
      promiseBytes: 40 + nextBelow(random, 1000),
      retainBytes: nextBelow(random, 1000),
      deliverBytes: 50 + nextBelow(random, 2000),
      ...options.tuning,
    },
  });
  cluster.faults.loss = nextFraction(random) < 0.5 ? nextFraction(random) * 0.3 : 0;
  cluster.faults.duplicate = nextFraction(random) * 0.3;
  cluster.faults.delayMs = 1 + nextFraction(random) * (storm ? 8 : 30);
  cluster.faults.straggle = nextFraction(random) * (storm ? 0.2 : 0.02);
  cluster.faults.syncMs = 0.2 + nextFraction(random) * (storm ? 10 : 40);
  const counts = { rotten: 0, crashes: 0, partitions: 0, requests: 0, reads: 0, asked: 0 };
  const open = new Map<string, NodeId>();
  const one = nextBelow(random, size);
  const others = new Set(members.filter((member) => member !== one));
  const victim = cluster.history.quorums.isPhase1(others) ? one : null;
  const chaos: Chaos<Cluster> = { cluster, random, open, floors: new Map(), storm, victim, counts };
  cluster.control.onReleased = (node, outcome, requests) => {
    if (outcome === "unknown" && requests === "all") resubmit(chaos, node);
  };
  cluster.control.onExecuted = (node, request) => {
    if (chaos.open.get(request) === node) chaos.open.delete(request);
  };
  cluster.control.onReadable = (node, read, slot) => {
    const floor = chaos.floors.get(read);
    if (floor === undefined) throw new Error(`read ${read} of node ${node} answered twice`);
    if (slot < floor) throw new Error(`node ${node} reads at ${slot}, but ${floor} was delivered`);
    chaos.floors.delete(read);
    counts.reads += 1;
  };
  return chaos;
}

function disturb<Cluster extends ChaosCluster>(
  chaos: Chaos<Cluster>,
  subject: ChaosSubject<Cluster>,
): void {
  const { cluster, random } = chaos;
  const id = nextBelow(random, cluster.members.length);
  const node = cluster.node(id);
  if (chaos.storm && node.alive && nextFraction(random) < 0.25)
    return subject.unsettle(cluster, id);
  const dice = nextFraction(random);
  if (dice < 0.4) return request(chaos, id);
  if (dice < 0.52) return readEverywhere(chaos);
  if (dice < 0.64) {
    chaos.counts.crashes += node.alive ? 1 : 0;
    if (node.alive) return cluster.crash(id);
    if (id === chaos.victim) decay(chaos, id);
    return cluster.start(id);
  }
  if (dice < 0.7) {
    if (!node.alive) cluster.start(id);
    return;
  }
  if (dice < 0.88) {
    if (node.alive) cluster.compact(id);
    return;
  }
  if (dice < 0.94) return cut(chaos);
  cluster.heal();
}

/** Some records of a node that is down rot: the promise, acceptances, learned values, marks. */
function decay(chaos: Chaos, id: NodeId): void {
  const { cluster, random } = chaos;
  const { platter } = cluster.node(id);
  const named = written(platter).filter(
    ({ about }) => about.kind === "slots" || about.ballot !== undefined,
  );
  for (let more = nextBelow(random, 4); more > 0 && named.length > 0; more -= 1) {
    rot(platter, named[nextBelow(random, named.length)] as JournalRecord);
    chaos.counts.rotten += 1;
  }
}

function request(chaos: Chaos, id: NodeId): void {
  if (!chaos.cluster.node(id).alive) return;
  const names: string[] = [];
  const count = 1 + nextBelow(chaos.random, 4);
  for (let more = 0; more < count; more += 1) {
    chaos.counts.requests += 1;
    names.push(`c${id}#${chaos.counts.requests}`);
  }
  for (const name of names) chaos.open.set(name, id);
  chaos.cluster.propose(id, ...names);
}

/** At every node at once, so that whoever wrongly takes itself for the leader is asked as well. */
function readEverywhere(chaos: Chaos): void {
  // Whatever anybody has executed, a client may have been told of.
  const floor = chaos.cluster.sequence.size;
  for (const node of chaos.cluster.nodes) {
    if (!node.alive) continue;
    chaos.counts.asked += 1;
    chaos.floors.set(chaos.counts.asked, floor);
    chaos.cluster.read(node.id, chaos.counts.asked);
  }
}

/** Two groups, or one direction of one link, or one node deaf or mute. */
function cut(chaos: Chaos): void {
  const { cluster, random } = chaos;
  chaos.counts.partitions += 1;
  const one = nextBelow(random, cluster.members.length);
  const dice = nextFraction(random);
  if (dice < 0.4) {
    const side = cluster.members.map(() => nextFraction(random) < 0.5);
    cluster.control.passes = (from, to) => side[from] === side[to];
  } else if (dice < 0.6) cluster.control.passes = (from) => from !== one;
  else if (dice < 0.8) cluster.control.passes = (_, to) => to !== one;
  else {
    const other = nextBelow(random, cluster.members.length);
    cluster.control.passes = (from, to) => from !== one || to !== other;
  }
}

function resubmit(chaos: Chaos, node: NodeId): void {
  const names = [...chaos.open].filter(([, origin]) => origin === node).map(([name]) => name);
  if (names.length > 0) chaos.cluster.propose(node, ...names);
}

/** Peace: within a bounded time everybody has executed everything that was asked for. */
function recover(chaos: Chaos): void {
  const { cluster } = chaos;
  cluster.heal();
  cluster.faults.loss = 0;
  cluster.faults.duplicate = 0;
  cluster.faults.straggle = 0;
  cluster.faults.delayMs = 2;
  cluster.faults.syncMs = 1;
  cluster.startAll();
  const nodes = cluster.nodes;
  for (let round = 0; round < 15 && unfinished(chaos) !== null; round += 1) {
    cluster.run(200);
    for (const node of nodes) resubmit(chaos, node.id);
  }
  const problem = unfinished(chaos);
  if (problem !== null) throw new Error(problem);
  const first = JSON.stringify(nodes[0]?.executed);
  for (const node of nodes)
    if (JSON.stringify(node.executed) !== first) throw new Error(`node ${node.id} differs`);
}

/** What has still not come out, in words; null when everything has. */
function unfinished(chaos: Chaos): string | null {
  const { nodes, node } = chaos.cluster;
  const longest = Math.max(...nodes.map((n) => n.executedUpTo));
  for (const { id, executedUpTo } of nodes)
    if (executedUpTo !== longest) return `node ${id} stays at ${executedUpTo} of ${longest}`;
  const lost = [...chaos.open].filter(([name, at]) => !node(at).executed.includes(name));
  return lost.length === 0 ? null : `never executed: ${lost.map(([name]) => name).join(" ")}`;
}
