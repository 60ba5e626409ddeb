import { type NodeId, type QuorumSystem, Reader } from "@synod/core";
import type { Outcome } from "@synod/runtime";
import { HOST_TUNING, quorumsOf } from "@synod/runtime";
import { Client, type OperationEnd } from "./client.ts";
import { Cluster, type ClusterListener, type ClusterWatch } from "./cluster.ts";
import { ConfigurationWatches } from "./configuration-watches.ts";
import { FaultDriver } from "./fault-driver.ts";
import { dataId, formatCluster } from "./format-cluster.ts";
import { HashChain } from "./hash-chain.ts";
import type { Fork, Life } from "./life.ts";
import { Liveness } from "./liveness.ts";
import { Mailbox } from "./mailbox.ts";
import { ChosenValues } from "./oracles/chosen-values.ts";
import { KeptWord } from "./oracles/kept-word.ts";
import type { Operation } from "./oracles/operation.ts";
import { Panel } from "./oracles/panel.ts";
import { checkFork } from "./oracles/platters.ts";
import { Probes } from "./probes.ts";
import type { ProtocolWatch } from "./protocol-watch.ts";
import { Reconfigurer } from "./reconfiguration.ts";
import { Scheduler } from "./scheduler.ts";
import { describeAttempt, describeEnd, type Story, type StoryKind } from "./story.ts";
import type { SimulatedSystem } from "./system.ts";
import { Switchboard } from "./virtual-network.ts";

const SAMPLE_MS = 250;
/** How much longer a life lasts for the sake of enough operations, by steps and in all, ms. */
const EXTRA_MS = 2_000;
const EXTRA_MS_MAX = 480_000;

export interface WorldOptions {
  readonly story: Story | null;
  /** Whether the story tells protocol messages, too. */
  readonly messages: boolean;
  /** The world itself plants a violation: whoever runs it must report that. */
  readonly canary: boolean;
  readonly forks: boolean;
}

/** What a life came to, besides its violation. */
export interface Tally {
  events: number;
  completed: number;
  unknown: number;
  reads: number;
  writes: number;
  forks: number;
  /** When each was looked for, virtual ms. */
  readonly forkTimes: number[];
  crashes: number;
  /** All operations that clients began, in order: what it takes to script them. */
  readonly operations: { client: number; number: number; atMs: number }[];
}

/** One cluster, its clients, its faults and its oracles, from the first event to the last. */
export class World<S, M> {
  readonly scheduler: Scheduler;
  readonly panel: Panel;
  readonly probes: Probes = new Probes();
  readonly cluster: Cluster<S, M>;
  readonly tally: Tally = {
    events: 0,
    completed: 0,
    unknown: 0,
    reads: 0,
    writes: 0,
    forks: 0,
    forkTimes: [],
    crashes: 0,
    operations: [],
  };
  readonly #system: SimulatedSystem<S, M>;
  readonly #life: Life;
  readonly #options: WorldOptions;
  readonly #chain = new HashChain();
  readonly #switchboard: Switchboard;
  readonly #mailbox: Mailbox;
  readonly #clients: readonly Client[];
  readonly #driver: FaultDriver<S, M>;
  readonly #liveness: Liveness<S, M>;
  readonly #watch: ClusterWatch<S, M>;
  readonly #reconfigurer: Reconfigurer<S, M>;
  /** What voters said, configuration by configuration. */
  readonly #words: KeptWord[] = [];
  /** The position that a member's state came from, when it was put in place as a whole. */
  readonly #bases = new Map<NodeId, number>();
  readonly #starting = new Set<NodeId>();
  readonly #clientFloors = new Map<number, number>();
  readonly #invokedAt = new Map<number, number>();
  #operations = 0;
  #nextFork = 0;

  constructor(system: SimulatedSystem<S, M>, life: Life, options: WorldOptions) {
    this.#system = system;
    this.#life = life;
    this.#options = options;
    this.scheduler = new Scheduler((kind, owner, time) => {
      this.#chain.add(kind * 16 + owner);
      this.#chain.add(time);
    });
    const now = (): number => this.scheduler.now;
    this.panel = new Panel(system.operations, now, system.electionTimeoutMs(life));
    this.#switchboard = new Switchboard(this.scheduler, life.seed, life.network, {
      sent: (from, _to, frame) => this.#sent(from, frame),
      arrives: (from, to) => this.#chain.add(from * 16 + to),
      hit: (probe) => this.probes.hit(probe),
    });
    this.#watch = this.#createWatch();
    this.cluster = new Cluster({
      system,
      life,
      scheduler: this.scheduler,
      switchboard: this.#switchboard,
      listener: this.#listener(),
      watch: this.#watch,
    });
    const quorums = quorumsOf(this.cluster.configuration);
    this.panel.configurations.intersect(quorums.members, quorums);
    for (const node of life.nodes) this.panel.noVote.shows(node, dataId(life.seed, node));
    this.#reconfigurer = new Reconfigurer({
      life,
      cluster: this.cluster,
      isLost: (node) => this.#isLost(node),
      hit: (probe) => this.probes.hit(probe),
      tell: (text) => this.#tell("fault", text),
    });
    this.#mailbox = new Mailbox({
      scheduler: this.scheduler,
      seed: life.seed,
      codec: system.operations,
      hit: (probe) => this.probes.hit(probe),
      hostOf: (node) => {
        const member = this.cluster.member(node);
        return member.state === "up" ? member.host : null;
      },
    });
    this.#clients = life.clients.map((plan) => new Client(plan, life.seed, this.#clientWorld()));
    this.#driver = this.#createDriver();
    this.#liveness = this.#createLiveness();
  }

  #createDriver(): FaultDriver<S, M> {
    return new FaultDriver({
      life: this.#life,
      scheduler: this.scheduler,
      cluster: this.cluster,
      switchboard: this.#switchboard,
      damaged: (node) => this.panel.noVote.damaged(node),
      forgot: (node) => {
        this.panel.noVote.forgot(node);
        for (const word of this.#words) word.excuse(node);
      },
      leapt: (node) => this.panel.ballots.excuse(node),
      reconfigure: (draw) => this.#reconfigurer.change(draw),
      hit: (probe) => this.probes.hit(probe),
      tell: (text) => this.#tell("fault", text),
    });
  }

  #createLiveness(): Liveness<S, M> {
    return new Liveness({
      life: this.#life,
      scheduler: this.scheduler,
      cluster: this.cluster,
      switchboard: this.#switchboard,
      driver: this.#driver,
      clients: this.#clients,
      panel: this.panel,
      codec: this.#system.operations,
      electionTimeoutMs: this.#system.electionTimeoutMs(this.#life),
      keepsLeader: this.#system.leaders?.keptAtRest === true,
      leadIsDue: (members) => this.#system.leaders?.dueIn?.(this.#life, members) ?? null,
      members: () => this.#reconfigurer.newest()?.membership.members.map(({ id }) => id) ?? [],
      calm: () => {
        this.#switchboard.calm();
        this.#mailbox.calm();
      },
      hit: (probe) => this.probes.hit(probe),
      tell: (text) => this.#tell("world", text),
    });
  }

  /** The protocol's own watches, and the oracle that needs only to know what a vote is. */
  #createWatch(): ClusterWatch<S, M> {
    const { noVote } = this.panel;
    const watches = new ConfigurationWatches<S, M>((quorums) => this.#createOne(quorums));
    return {
      stepped: (node, state, step) => {
        if (step.input.kind === "start") this.#noteName(node);
        watches.stepped(node, state, step, () => this.#configurationOn(node));
      },
      leaves: (node, configuration, message) => {
        if (this.#options.story !== null) this.#tellMessage(node, message);
        if (noVote.isBlank(node) && this.#system.isVote(message))
          noVote.voted(node, this.cluster.member(node).host?.status().dataId ?? "");
        watches.leaves(node, configuration, message);
      },
      fell: (node) => watches.fell(node),
    };
  }

  /** For one configuration. */
  #createOne(quorums: QuorumSystem): ProtocolWatch<S, M> {
    const { accuse } = this.panel;
    const hit = (probe: string): void => this.probes.hit(probe);
    const now = (): number => this.scheduler.now;
    const isFirst = this.#words.length === 0;
    const word = isFirst ? this.panel.word : new KeptWord(accuse);
    const chosen = isFirst ? this.panel.chosen : new ChosenValues(accuse);
    this.#words.push(word);
    return this.#system.createWatch({ chosen, word, quorums, accuse, hit, now });
  }

  #configurationOn(node: NodeId): { number: number; quorums: QuorumSystem } {
    const status = this.cluster.member(node).host?.status();
    const { configuration } = this.cluster;
    if (status === undefined || status.configuration === 1)
      return { number: 1, quorums: quorumsOf(configuration) };
    const { members, quorums } = status.membership;
    const number = status.configuration;
    return { number, quorums: quorumsOf({ ...configuration, number, members, quorums }) };
  }

  /** A replica starts in a configuration that may name this very disk, in place of a lost one. */
  #noteName(node: NodeId): void {
    const status = this.cluster.member(node).host?.status();
    const isNamed = status?.membership.members.some(
      ({ id, dataId }) => id === node && dataId === status.dataId,
    );
    if (status !== undefined && isNamed === true) this.panel.noVote.names(status.dataId);
  }

  #isLost(node: NodeId): boolean {
    const { noVote } = this.panel;
    if (!noVote.isBlank(node)) return noVote.isDamaged(node);
    const dataId = this.cluster.member(node).host?.status().dataId ?? "";
    return dataId === "" || noVote.isLost(dataId);
  }

  /**
   * Runs to the end, or to the first violation. Returns the hash chain over everything that
   * happened.
   */
  run(): string {
    formatCluster(this.cluster, this.#life, (error) => {
      if (error !== null) return this.panel.accuse("format", error.message);
      for (const node of this.#life.nodes) this.cluster.start(node);
      for (const client of this.#clients) client.start();
      this.#driver.begin();
      this.scheduler.after(this.#life.faultsMs, -1, "world", () => this.#endFaults());
      this.#planForks();
      this.#sample();
    });
    while (this.panel.violation === null && !this.#liveness.atRest && this.scheduler.step())
      if (this.#starting.size > 0) for (const node of this.#starting) this.#lookAtStart(node);
    this.tally.events = this.scheduler.steps;
    this.tally.crashes = this.#driver.crashes;
    return this.#chain.digest();
  }

  /** What a member holds before it executes its first command is what it has loaded. */
  #lookAtStart(node: NodeId): void {
    const { state, host } = this.cluster.member(node);
    if (state === "starting" && host !== null)
      this.#bases.set(node, host.status().executedUpTo.index);
    else this.#starting.delete(node);
  }

  get faults(): number {
    return this.#driver.happened;
  }

  /** The faults go on for as long as it takes to make the life worth while, but not for ever. */
  #endFaults(): void {
    const { clients, faultsMs } = this.#life;
    const isScripted = clients.some(({ script }) => script !== null);
    const enough = isScripted || this.tally.completed >= this.#system.operationsMin;
    if (enough || this.scheduler.now >= faultsMs + EXTRA_MS_MAX) return this.#liveness.begin();
    this.scheduler.after(EXTRA_MS, -1, "world", () => this.#endFaults());
  }

  /** Looks at every member from time to time, and whether a stage of the end is reached. */
  #sample(): void {
    this.scheduler.after(SAMPLE_MS, -1, "world", () => {
      const limits = { ...HOST_TUNING, ...this.#life.tuning, nodes: this.#life.nodes.length };
      for (const { state, host } of this.cluster.members) {
        if (state !== "up" || host === null) continue;
        const status = host.status();
        this.panel.looks(status, limits);
        this.panel.noVote.shows(status.node, status.dataId);
        if (!status.voter) this.probes.hit("host: runs without a vote");
        if (status.replica.detail["impaired"] === 1) this.probes.hit("host: impaired by damage");
      }
      this.#liveness.look();
      this.#sample();
    });
  }

  #listener(): ClusterListener {
    const { panel } = this;
    return {
      answered: (node, token, outcome) => {
        this.#chain.add(token);
        if (this.#reconfigurer.owns(token)) this.#reconfigurer.answered(node, token, outcome);
        if (!this.#mailbox.answered(token, outcome))
          panel.accuse("answer", `node ${node} answered token ${token} twice`);
      },
      executed: (node, position, client, sequence, repeated) => {
        this.#chain.add(position.index);
        const base = (): number => this.#bases.get(node) ?? 0;
        panel.executed(node, position, { client, sequence, repeated }, base);
      },
      applied: (node, payload, result) => panel.applied(node, payload, result),
      replaced: (node) => {
        panel.replaced(node);
        if (this.cluster.member(node).state === "starting") this.#starting.add(node);
      },
      up: (node) => {
        this.#tell("up", `node ${node} is up`, node);
        const status = this.cluster.member(node).host?.status();
        if ((status?.snapshotPosition.index ?? 0) > 0)
          this.probes.hit("host: restarted from a snapshot");
      },
      down: (node) => {
        this.#tell("down", `node ${node} is down`, node);
        this.#mailbox.broken(node);
        panel.ballots.excuse(node);
        this.#driver.down(node);
      },
      hit: (probe) => this.probes.hit(probe),
      damaged: (node) => this.#driver.damage(node),
      failed: (node, reason) => {
        this.#tell("observed", `node ${node} failed: ${reason}`, node);
        if (this.#driver.mayFail(node)) this.#driver.failed(node);
        else panel.accuse("failed", `node ${node}: ${reason}`);
      },
      observed: (node, event, detail) => {
        if (event === "state installed") this.#bases.set(node, Number(detail["position"]));
        // Another replica has other waits.
        if (event === "configuration begun") panel.ballots.excuse(node);
        this.probes.hit(`host: ${event}`);
        const elections = this.#system.electionEvents;
        if (event === elections?.begun) {
          if (this.#system.leaders !== undefined) panel.ballots.begins(node);
          this.#driver.election(node, "begun");
        }
        if (event === elections?.won) this.#driver.election(node, "won");
        if (this.#options.story !== null)
          this.#tell("observed", `node ${node}: ${event} ${JSON.stringify(detail)}`, node);
      },
    };
  }

  #clientWorld(): ConstructorParameters<typeof Client>[2] {
    return {
      nodes: this.#life.nodes,
      now: () => this.scheduler.now,
      begins: (client, number) =>
        this.tally.operations.push({ client, number, atMs: this.scheduler.now }),
      after: (ms, run) => {
        this.scheduler.after(ms, -1, "client", run);
      },
      invoke: (body) => {
        this.#operations += 1;
        const operation: Operation = {
          ...body,
          id: this.#operations,
          floor: this.panel.answers.floor,
          clientFloor: this.#clientFloors.get(body.client) ?? 0,
        };
        this.#invokedAt.set(operation.id, this.scheduler.now);
        return operation;
      },
      attempt: (attempt, reply) => {
        if (this.#options.story !== null)
          this.#tell("client", describeAttempt(attempt), attempt.node);
        this.#mailbox.send(attempt, reply);
      },
      ended: (operation, end) => {
        if (this.#options.story !== null) this.#tell("client", describeEnd(operation, end));
        this.#ended(operation, end);
      },
    };
  }

  #ended(operation: Operation, end: OperationEnd): void {
    const invokedAt = this.#invokedAt.get(operation.id) as number;
    this.#invokedAt.delete(operation.id);
    if (end.kind === "unknown") {
      this.tally.unknown += 1;
      return;
    }
    if (end.kind === "refused") return this.panel.answers.refused(operation);
    if (end.kind === "decided") {
      this.panel.answers.refused(operation);
      this.#complete();
      return this.#liveness.served(invokedAt);
    }
    this.#complete();
    if (operation.kind !== "stale-get") this.#liveness.served(invokedAt);
    this.#done(operation, end.outcome);
  }

  #done(operation: Operation, outcome: Extract<Outcome, { kind: "done" }>): void {
    const { position, repeated, result } = outcome;
    this.#chain.add(position.index);
    const isRead = operation.kind === "get" || operation.kind === "stale-get";
    if (isRead) {
      this.tally.reads += 1;
      this.panel.seen(operation, position, result);
    } else {
      this.tally.writes += 1;
      this.panel.written(operation, position, repeated);
      this.#forkIfDue();
    }
    if (operation.kind !== "stale-get" && !repeated) {
      const before = this.#clientFloors.get(operation.client) ?? 0;
      this.#clientFloors.set(operation.client, Math.max(before, position.index));
    }
  }

  /** One more operation has come to a definite end. */
  #complete(): void {
    this.tally.completed += 1;
    if (this.#options.canary && this.tally.completed === 50)
      this.panel.accuse("canary", "planted by the world itself: this must be reported");
  }

  /** Those that have a time of their own. */
  #planForks(): void {
    const now = this.scheduler.now;
    for (const fork of this.#life.forks)
      if (fork.atMs !== null)
        this.scheduler.after(fork.atMs - now, -1, "world", () => this.#fork(fork));
  }

  #forkIfDue(): void {
    const fork = this.#life.forks[this.#nextFork];
    if (fork === undefined || fork.atMs !== null) return;
    if (this.panel.answers.acknowledgedWrites >= fork.acknowledgement) this.#fork(fork);
  }

  #fork(fork: Fork): void {
    if (!this.#options.forks) return;
    const electorates =
      this.#life.members === undefined
        ? ([this.cluster.configuration] as const)
        : this.#reconfigurer.electorates();
    // While a configuration may be about to end, no quorum of one alone is sure to suffice.
    if (electorates === null) return;
    if (electorates.length > 1) this.probes.hit("reconfiguration: fork while one begins");
    this.#nextFork += 1;
    this.tally.forkTimes.push(this.scheduler.now);
    const { panel, cluster: world } = this;
    const base = { system: this.#system, life: this.#life, panel, world };
    const survivors = checkFork({
      ...base,
      electorates,
      number: this.#nextFork,
      draw: fork.draw,
    });
    if (survivors.length > 0) this.tally.forks += 1;
    this.#tell("world", `fork ${this.#nextFork} from the platters of ${survivors.join(",")}`);
  }

  #sent(from: NodeId, frame: Uint8Array): void {
    // The frame's own checksum stands for its bytes.
    this.#chain.add(frame.length * 16 + from);
    this.#chain.add(new Reader(frame, 4).u32());
  }

  #tellMessage(node: NodeId, message: M): void {
    const text = this.#options.messages ? this.#system.describe(message) : null;
    if (text !== null) this.#tell("message", `node ${node} says ${text}`, node);
  }

  #tell(kind: StoryKind, text: string, node: NodeId | null = null): void {
    this.#options.story?.(this.scheduler.now, text, kind, node);
  }
}
