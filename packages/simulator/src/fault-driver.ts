import type { NodeId } from "@synod/core";
import type { Cluster } from "./cluster.ts";
import { describeFault, type Fault, type Target } from "./fault.ts";
import type { Life } from "./life.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";
import type { Switchboard } from "./virtual-network.ts";

/** An armed crash that met no port call by then happens anyway, ms. */
const CRASH_AT_LATEST_MS = 1_000;
/** A node that went down without a fault's word (it failed) comes back after this, ms. */
const RESTART_MS = 500;

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

  /** No more faults: whoever is down starts, whoever stands still goes on, armed crashes are called off. */
  end(): void {
    this.#over = true;
    const { cluster, scheduler } = this.#options;
    for (const { node, fence } of cluster.members) {
      fence?.spare();
      scheduler.resume(node);
      cluster.start(node);
    }
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
        return this.#cut(new Set(fault.side.map((target) => this.#resolve(target))), fault);
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

  #cut(side: ReadonlySet<NodeId>, fault: Extract<Fault, { kind: "cut" }>): void {
    const { cluster, scheduler, switchboard } = this.#options;
    const ways: [NodeId, NodeId][] = [];
    for (const { node: inside } of cluster.members)
      for (const { node: outside } of cluster.members) {
        if (!side.has(inside) || side.has(outside)) continue;
        if (fault.direction !== "in") ways.push([inside, outside]);
        if (fault.direction !== "out") ways.push([outside, inside]);
      }
    for (const [from, to] of ways) switchboard.cut(from, to);
    scheduler.after(fault.forMs, NOBODY, "fault", () => {
      if (!this.#over) for (const [from, to] of ways) switchboard.heal(from, to);
    });
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
