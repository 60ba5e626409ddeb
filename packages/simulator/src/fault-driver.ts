import type { NodeId } from "@synod/core";
import { draw } from "./addressed.ts";
import type { Cluster } from "./cluster.ts";
import { DiskFaultDriver } from "./disk-fault-driver.ts";
import { type Crash, describeFault, type Fault, type Muffle, type Usurp } from "./fault.ts";
import type { Target } from "./fault-network.ts";
import type { Life } from "./life.ts";
import { NetworkFaultDriver } from "./network-fault-driver.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";
import type { Switchboard } from "./virtual-network.ts";

/** An armed crash that met no port call by then happens anyway, ms. */
const CRASH_AT_LATEST_MS = 1_000;
/** A node that went down without a fault's word (it failed) comes back after this, ms. */
const RESTART_MS = 500;
/** Starts that may fail on a damaged disk before the operator moves it away. */
const FAILED_STARTS_MAX = 2;
/** A pause from which on time-outs must have fired, ms. */
const LONG_PAUSE_MS = 5_000;

/** An ambush that nothing walked into by then is called off, ms. */
const AMBUSH_MS = 10_000;
/** Power losses of an ambush are short, ms. */
const AMBUSH_DOWN_MS = 10;

/** Waits for an election at another node than `not`. */
interface Ambush {
  readonly on: "begun" | "won";
  readonly not: NodeId;
  readonly until: number;
  readonly spring: (node: NodeId) => void;
}

interface FaultDriverOptions<S, M> {
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly cluster: Cluster<S, M>;
  readonly switchboard: Switchboard;
  /** The disk of `node` does not hold all any more that it had made durable. */
  readonly damaged: (node: NodeId) => void;
  /** No vote of `node` may leave from now on. */
  readonly forgot: (node: NodeId) => void;
  /** The clock of `node` has leapt, and so ended its waits. */
  readonly leapt: (node: NodeId) => void;
  /** Asks for other members, as drawn. */
  readonly reconfigure: (draw: number) => void;
  readonly hit: (probe: string) => void;
  readonly tell: (text: string) => void;
}

/** Makes the faults of a life happen at their times, and undoes what ends by itself. */
export class FaultDriver<S, M> {
  readonly #options: FaultDriverOptions<S, M>;
  readonly #network: NetworkFaultDriver;
  readonly #disks: DiskFaultDriver<S, M>;
  readonly #restartMs = new Map<NodeId, number>();
  readonly #damaged = new Set<NodeId>();
  readonly #failedStarts = new Map<NodeId, number>();
  /** Nodes that stay down. */
  #held: ReadonlySet<NodeId> = new Set();
  #ambushes: Ambush[] = [];
  #over = false;
  #happened = 0;
  #crashes = 0;

  constructor(options: FaultDriverOptions<S, M>) {
    this.#options = options;
    const { life, scheduler, switchboard, cluster, hit, forgot } = options;
    const resolve = (target: Target): NodeId => this.#resolve(target);
    const isOver = (): boolean => this.#over;
    const leader = (): NodeId => this.#resolve("leader");
    const { nodes } = life;
    const common = { scheduler, resolve, isOver, hit };
    this.#network = new NetworkFaultDriver({ ...common, nodes, switchboard, leader });
    this.#disks = new DiskFaultDriver({
      ...common,
      cluster,
      fell: (node, downMs) => this.#powerOff(node, downMs),
      damaged: (node) => this.damage(node),
      forgot: (node) => {
        this.damage(node);
        forgot(node);
      },
    });
  }

  /** Faults that had something to hit. */
  get happened(): number {
    return this.#happened;
  }

  get crashes(): number {
    return this.#crashes;
  }

  begin(): void {
    const { life, scheduler } = this.#options;
    for (const fault of life.faults)
      scheduler.after(fault.atMs, NOBODY, "fault", () => {
        if (!this.#over) this.#strike(fault);
      });
  }

  /** No more faults: all but `held` start, go on, have their disks work and their clocks run. */
  end(held: ReadonlySet<NodeId>): void {
    this.#over = true;
    this.#held = held;
    const { cluster, scheduler } = this.#options;
    for (const { node, fence, disk } of cluster.members) {
      fence?.spare();
      disk.faults.clear();
      if (held.has(node)) continue;
      scheduler.resume(node);
      cluster.start(node);
    }
  }

  /** Whether a host has an excuse for ending by itself: its disk has failed, or lost something. */
  mayFail(node: NodeId): boolean {
    return this.#damaged.has(node) || this.#options.cluster.member(node).diskStruck;
  }

  /** A host could not start, or ended by itself, and was excused. */
  failed(node: NodeId): void {
    this.#options.hit("host: stopped by its disk");
    const { state } = this.#options.cluster.member(node);
    if (state !== "starting" || !this.#damaged.has(node)) return;
    const failures = (this.#failedStarts.get(node) ?? 0) + 1;
    this.#failedStarts.set(node, failures);
    if (failures >= FAILED_STARTS_MAX) this.#disks.wipe(node, RESTART_MS);
  }

  /** `node` stands for election, or has won one. */
  election(node: NodeId, stage: "begun" | "won"): void {
    const now = this.#options.scheduler.now;
    const sprung = this.#ambushes.filter((ambush) => ambush.on === stage && ambush.not !== node);
    if (this.#over || sprung.length === 0) return;
    this.#ambushes = this.#ambushes.filter((ambush) => !sprung.includes(ambush));
    for (const ambush of sprung) if (ambush.until >= now) ambush.spring(node);
  }

  /** A node has gone down: it comes back after a while. */
  down(node: NodeId): void {
    this.#crashes += 1;
    const { cluster, scheduler } = this.#options;
    const ms = this.#over ? RESTART_MS : (this.#restartMs.get(node) ?? RESTART_MS);
    this.#restartMs.delete(node);
    scheduler.after(ms, NOBODY, "fault", () => {
      if (!this.#held.has(node)) cluster.start(node);
    });
  }

  #strike(fault: Fault): void {
    const { scheduler, tell, hit } = this.#options;
    tell(`fault: ${describeFault(fault)}`);
    this.#happened += 1;
    switch (fault.kind) {
      case "crash":
        return this.#crash(fault);
      case "power-loss":
        hit(`fault: power loss on ${this.#share(fault.nodes.length)}`);
        for (const node of fault.nodes) this.#powerOff(node, fault.downMs);
        return;
      case "pause": {
        const node = this.#resolve(fault.target);
        if (node === this.#resolve("leader")) hit("fault: leader paused");
        if (fault.forMs >= LONG_PAUSE_MS) hit("fault: pause of 5 s or more");
        return scheduler.pause(node, fault.forMs);
      }
      case "stall":
        return this.#stall(this.#resolve(fault.target), fault.forMs);
      case "jump":
        hit("fault: clock jumped");
        return this.#leap(this.#resolve(fault.target), fault.byMs);
      case "usurp":
        return this.#usurp(this.#resolve("leader"), fault);
      case "reconfigure":
        return this.#options.reconfigure(fault.draw);
      case "muffle":
        return this.#muffle(this.#resolve("leader"), fault);
      case "cut":
      case "flap":
      case "wave":
      case "clog":
      case "graph":
        return this.#network.strike(fault);
      default:
        return this.#disks.strike(fault);
    }
  }

  #share(count: number): string {
    if (count === this.#options.life.nodes.length) return "all nodes";
    return count >= this.#quorum() ? "a majority" : "a minority";
  }

  #crash(fault: Crash): void {
    const { cluster, scheduler, hit } = this.#options;
    const node = this.#resolve(fault.target);
    const { lives, state } = cluster.member(node);
    if (state === "down") return;
    const leads = node === this.#resolve("leader");
    hit(leads ? "fault: crash of the leader" : "fault: crash of another node");
    hit(fault.fin ? "fault: process killed, its writes kept" : DEAD_MACHINE);
    if (state === "starting") hit("fault: crash while starting");
    this.#restartMs.set(node, fault.downMs);
    cluster.killAt(node, fault.calls, fault.fin);
    scheduler.after(CRASH_AT_LATEST_MS, NOBODY, "fault", () => {
      if (!this.#over && cluster.member(node).lives === lives) cluster.kill(node, fault.fin);
    });
  }

  #powerOff(node: NodeId, downMs: number): void {
    this.#restartMs.set(node, downMs);
    this.#options.cluster.kill(node, false);
  }

  /** The disk of `node` does not hold all any more that it had made durable. */
  damage(node: NodeId): void {
    this.#damaged.add(node);
    this.#options.damaged(node);
  }

  #leap(node: NodeId, byMs: number): void {
    this.#options.cluster.member(node).clock.ms += byMs;
    this.#options.leapt(node);
  }

  #stall(node: NodeId, forMs: number): void {
    const { scheduler, cluster, life, hit } = this.#options;
    hit("fault: clock stood still");
    const began = scheduler.now;
    const rate = life.clocks[node]?.rate ?? 1;
    scheduler.pause(node, forMs, () => {
      cluster.member(node).clock.ms -= (scheduler.now - began) * rate;
    });
  }

  #usurp(leader: NodeId, fault: Usurp): void {
    const { scheduler, hit } = this.#options;
    scheduler.pause(leader, AMBUSH_MS);
    this.#await("won", leader, (usurper) => {
      hit("fault: leader usurped while its followers lose power");
      const around = this.#others([leader, usurper], fault.draw).slice(0, this.#quorum() - 1);
      for (const node of around) this.#powerOff(node, AMBUSH_DOWN_MS);
      const side = new Set([leader, ...around]);
      this.#network.cut(this.#network.waysAround(side, "both"), fault.forMs, false);
      scheduler.after(fault.wakeMs, NOBODY, "fault", () => scheduler.resume(leader));
    });
  }

  #muffle(leader: NodeId, fault: Muffle): void {
    const { scheduler, hit } = this.#options;
    const ways = this.#network.waysAround(new Set([leader]), "out");
    const heal = this.#network.cut(ways, AMBUSH_MS, false);
    this.#await("begun", leader, (candidate) => {
      hit("fault: leader muffled until another stands");
      heal();
      const others = this.#others([leader, candidate], fault.draw);
      for (const node of others.slice(Math.max(0, this.#quorum() - 2)))
        scheduler.pause(node, fault.forMs);
    });
  }

  #await(on: Ambush["on"], not: NodeId, spring: Ambush["spring"]): void {
    const until = this.#options.scheduler.now + AMBUSH_MS;
    this.#ambushes.push({ on, not, until, spring });
  }

  /** How many nodes make a majority. */
  #quorum(): number {
    return Math.floor(this.#options.cluster.members.length / 2) + 1;
  }

  /** All but these, in a drawn order. */
  #others(but: readonly NodeId[], rank: number): NodeId[] {
    const { life } = this.#options;
    const others = life.nodes.filter((node) => !but.includes(node));
    return others.sort((a, b) => draw(rank, "schedule", a) - draw(rank, "schedule", b));
  }

  #resolve(target: Target): NodeId {
    if (target !== "leader") return target;
    for (const { node, state, host } of this.#options.cluster.members) {
      if (state !== "up" || host === null) continue;
      const { replica } = host.status();
      if (replica.leader === node) return node;
    }
    return 0;
  }
}

const DEAD_MACHINE = "fault: dead machine, peers not told";
