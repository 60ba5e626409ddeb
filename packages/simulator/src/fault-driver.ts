import type { NodeId } from "@synod/core";
import { draw } from "./addressed.ts";
import type { Cluster } from "./cluster.ts";
import { describeFault, type Fault, type Target } from "./fault.ts";
import type { Life } from "./life.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";
import type { Switchboard } from "./virtual-network.ts";

/** An armed crash that met no port call by then happens anyway, ms. */
const CRASH_AT_LATEST_MS = 1_000;
/** A node that went down without a fault's word (it failed) comes back after this, ms. */
const RESTART_MS = 500;

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
  readonly wiped: (node: NodeId) => void;
  readonly tell: (text: string) => void;
}

/** Makes the faults of a life happen at their times, and undoes what ends by itself. */
export class FaultDriver<S, M> {
  readonly #options: FaultDriverOptions<S, M>;
  readonly #restartMs = new Map<NodeId, number>();
  #ambushes: Ambush[] = [];
  #over = false;
  #happened = 0;
  #crashes = 0;

  constructor(options: FaultDriverOptions<S, M>) {
    this.#options = options;
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

  /**
   * No more faults: whoever is down starts, whoever stands still goes on, armed crashes are called
   * off.
   */
  end(): void {
    this.#over = true;
    const { cluster, scheduler } = this.#options;
    for (const { node, fence } of cluster.members) {
      fence?.spare();
      scheduler.resume(node);
      cluster.start(node);
    }
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
    scheduler.after(ms, NOBODY, "fault", () => cluster.start(node));
  }

  #strike(fault: Fault): void {
    const { cluster, scheduler, switchboard, tell } = this.#options;
    tell(`fault: ${describeFault(fault)}`);
    this.#happened += 1;
    switch (fault.kind) {
      case "crash":
        return this.#crash(this.#resolve(fault.target), fault.calls, fault.downMs, fault.fin);
      case "power-loss":
        for (const node of fault.nodes) {
          this.#restartMs.set(node, fault.downMs);
          cluster.kill(node, false);
        }
        return;
      case "wipe":
        return this.#wipe(this.#resolve(fault.target), fault.downMs);
      case "pause":
        return scheduler.pause(this.#resolve(fault.target), fault.forMs);
      case "cut":
        this.#cutWays(
          this.#waysAround(
            new Set(fault.side.map((target) => this.#resolve(target))),
            fault.direction,
          ),
          fault.forMs,
        );
        return;
      case "usurp":
        return this.#usurp(this.#resolve("leader"), fault);
      case "muffle":
        return this.#muffle(this.#resolve("leader"), fault);
      case "flap": {
        const target = this.#resolve(fault.target);
        for (const { node } of cluster.members) if (node !== target) switchboard.flap(node, target);
      }
    }
  }

  #crash(node: NodeId, calls: number, downMs: number, fin: boolean): void {
    const { cluster, scheduler } = this.#options;
    const { lives, state } = cluster.member(node);
    if (state === "down") return;
    this.#restartMs.set(node, downMs);
    cluster.killAt(node, calls, fin);
    scheduler.after(CRASH_AT_LATEST_MS, NOBODY, "fault", () => {
      if (!this.#over && cluster.member(node).lives === lives) cluster.kill(node, fin);
    });
  }

  #wipe(node: NodeId, downMs: number): void {
    const { cluster, wiped } = this.#options;
    this.#restartMs.set(node, downMs);
    cluster.kill(node, false);
    cluster.member(node).disk.wipe();
    wiped(node);
  }

  #usurp(leader: NodeId, fault: Extract<Fault, { kind: "usurp" }>): void {
    const { cluster, scheduler } = this.#options;
    scheduler.pause(leader, AMBUSH_MS);
    this.#await("won", leader, (usurper) => {
      const around = this.#others([leader, usurper], fault.draw).slice(0, this.#quorum() - 1);
      for (const node of around) {
        this.#restartMs.set(node, AMBUSH_DOWN_MS);
        cluster.kill(node, false);
      }
      this.#cutWays(this.#waysAround(new Set([leader, ...around]), "both"), fault.forMs);
      scheduler.after(fault.wakeMs, NOBODY, "fault", () => scheduler.resume(leader));
    });
  }

  #muffle(leader: NodeId, fault: Extract<Fault, { kind: "muffle" }>): void {
    const { scheduler } = this.#options;
    const heal = this.#cutWays(this.#waysAround(new Set([leader]), "out"), AMBUSH_MS);
    this.#await("begun", leader, (candidate) => {
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

  #waysAround(
    side: ReadonlySet<NodeId>,
    direction: "both" | "out" | "in",
  ): readonly (readonly [NodeId, NodeId])[] {
    const ways: [NodeId, NodeId][] = [];
    for (const inside of side)
      for (const outside of this.#options.life.nodes) {
        if (side.has(outside)) continue;
        if (direction !== "in") ways.push([inside, outside]);
        if (direction !== "out") ways.push([outside, inside]);
      }
    return ways;
  }

  /** Cuts these ways for a time; the result heals them earlier. */
  #cutWays(ways: readonly (readonly [NodeId, NodeId])[], forMs: number): () => void {
    const { scheduler, switchboard } = this.#options;
    for (const [from, to] of ways) switchboard.cut(from, to);
    let healed = false;
    const heal = (): void => {
      if (healed || this.#over) return;
      healed = true;
      for (const [from, to] of ways) switchboard.heal(from, to);
    };
    scheduler.after(forMs, NOBODY, "fault", heal);
    return heal;
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
