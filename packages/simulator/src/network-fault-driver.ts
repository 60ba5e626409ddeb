import type { NodeId } from "@synod/core";
import type { Edge, NetworkFault, Target } from "./fault-network.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";
import type { Switchboard } from "./virtual-network.ts";

/** From whom to whom. */
export type Way = readonly [NodeId, NodeId];

interface NetworkFaultOptions {
  readonly nodes: readonly NodeId[];
  readonly scheduler: Scheduler;
  readonly switchboard: Switchboard;
  readonly resolve: (target: Target) => NodeId;
  readonly leader: () => NodeId;
  readonly isOver: () => boolean;
  readonly hit: (probe: string) => void;
}

/** Makes and heals what goes wrong between nodes. */
export class NetworkFaultDriver {
  readonly #options: NetworkFaultOptions;

  constructor(options: NetworkFaultOptions) {
    this.#options = options;
  }

  strike(fault: NetworkFault): void {
    const { nodes, resolve, scheduler, switchboard, hit } = this.#options;
    switch (fault.kind) {
      case "cut": {
        const side = new Set(fault.side.map(resolve));
        if (side.size === 1 && side.has(this.#options.leader())) hit("fault: leader isolated");
        if (fault.direction !== "both")
          hit(fault.silent ? "fault: cut one way, connection stays" : "fault: cut one way");
        this.cut(this.waysAround(side, fault.direction), fault.forMs, fault.silent);
        return;
      }
      case "flap": {
        const target = resolve(fault.target);
        for (const node of nodes) if (node !== target) switchboard.flap(node, target);
        return;
      }
      case "wave": {
        hit("fault: flapping links");
        const ways = this.waysAround(new Set([resolve(fault.target)]), "both");
        return this.#wave(ways, fault.everyMs, scheduler.now + fault.forMs);
      }
      case "clog":
        hit("fault: links clogged");
        for (const [from, to] of this.waysAround(new Set(fault.side.map(resolve)), "both"))
          switchboard.clog(from, to, fault.forMs);
        return;
      case "graph":
        hit("fault: partial link graph");
        this.cut(this.waysOutside(fault.links), fault.forMs, false);
    }
  }

  /** Cuts these ways for a time; the result heals them earlier. */
  cut(ways: readonly Way[], forMs: number, silent: boolean): () => void {
    const { scheduler, switchboard, isOver } = this.#options;
    for (const [from, to] of ways)
      if (silent) switchboard.mute(from, to);
      else switchboard.cut(from, to);
    let healed = false;
    const heal = (): void => {
      if (healed || isOver()) return;
      healed = true;
      for (const [from, to] of ways)
        if (silent) switchboard.unmute(from, to);
        else switchboard.heal(from, to);
    };
    scheduler.after(forMs, NOBODY, "fault", heal);
    return heal;
  }

  waysAround(side: ReadonlySet<NodeId>, direction: "both" | "out" | "in"): readonly Way[] {
    const ways: Way[] = [];
    for (const inside of side)
      for (const outside of this.#options.nodes) {
        if (side.has(outside)) continue;
        if (direction !== "in") ways.push([inside, outside]);
        if (direction !== "out") ways.push([outside, inside]);
      }
    return ways;
  }

  /** All ways but those along these links. */
  waysOutside(links: readonly Edge[]): readonly Way[] {
    const { nodes } = this.#options;
    const open = new Set(links.flatMap(([a, b]) => [`${a}-${b}`, `${b}-${a}`]));
    return nodes.flatMap((from) =>
      nodes.filter((to) => to !== from && !open.has(`${from}-${to}`)).map((to): Way => [from, to]),
    );
  }

  #wave(ways: readonly Way[], everyMs: number, untilMs: number): void {
    const { scheduler, isOver } = this.#options;
    if (isOver() || scheduler.now >= untilMs) return;
    this.cut(ways, everyMs, false);
    scheduler.after(2 * everyMs, NOBODY, "fault", () => this.#wave(ways, everyMs, untilMs));
  }
}
