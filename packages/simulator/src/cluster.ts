import type { Machine, NodeId, Position } from "@synod/core";
import { type Configuration, createHost, type Host, type Outcome } from "@synod/runtime";
import { draw } from "./addressed.ts";
import { VirtualDisk } from "./disk.ts";
import type { DiskImage } from "./disk-image.ts";
import { Fence, fenced } from "./fence.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedSystem } from "./system.ts";
import { virtualClock, virtualRandom } from "./virtual-clock.ts";
import type { Switchboard } from "./virtual-network.ts";
import { watchedMachine } from "./watched-machine.ts";

/** What a cluster tells about its members; nothing of a dead incarnation is told. */
export interface ClusterListener {
  answered(node: NodeId, token: number, outcome: Outcome): void;
  executed(
    node: NodeId,
    position: Position,
    client: string,
    sequence: number,
    repeated: boolean,
  ): void;
  applied(node: NodeId, payload: Uint8Array, result: Uint8Array): void;
  /** The state of `node` is another one: a new incarnation, or a snapshot put in place. */
  replaced(node: NodeId): void;
  /** It takes requests from now on. */
  up(node: NodeId): void;
  /** Its incarnation is gone. */
  down(node: NodeId): void;
  /** A host ended by itself, or could not start: never right without a fault of its disk. */
  failed(node: NodeId, reason: string): void;
  observed(
    node: NodeId,
    event: string,
    detail: Readonly<Record<string, number | string | boolean>>,
  ): void;
}

/** One member through all its incarnations. */
export interface Member {
  readonly node: NodeId;
  readonly disk: VirtualDisk;
  /** Incarnations so far, as the world counts them. */
  lives: number;
  state: "down" | "starting" | "up";
  host: Host | null;
  fence: Fence | null;
  machine: Machine | null;
  /** Ends the process but keeps what the operating system holds (a killed process), or not. */
  keepsCache: boolean;
}

export interface ClusterOptions<S, M> {
  readonly system: SimulatedSystem<S, M>;
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly switchboard: Switchboard;
  readonly listener: ClusterListener;
  /** Disks to begin with; absent ones are empty. */
  readonly images?: ReadonlyMap<NodeId, DiskImage>;
  /**
   * Numbers of the incarnations begin here: forks must not repeat the boots of the world they come
   * from.
   */
  readonly livesFrom?: number;
}

/**
 * Real hosts on virtual ports: starts them, kills them between any two port calls, starts them
 * again.
 */
export class Cluster<S, M> {
  readonly members: readonly Member[];
  readonly configuration: Configuration;
  readonly #options: ClusterOptions<S, M>;
  #crashes = 0;

  constructor(options: ClusterOptions<S, M>) {
    this.#options = options;
    const { life, images, livesFrom = 0 } = options;
    this.configuration = configurationOf(life);
    this.members = life.nodes.map((node) => ({
      node,
      disk: this.#disk(node, images?.get(node) ?? null),
      lives: livesFrom,
      state: "down",
      host: null,
      fence: null,
      machine: null,
      keepsCache: false,
    }));
  }

  member(node: NodeId): Member {
    return this.members[node] as Member;
  }

  start(node: NodeId): void {
    const member = this.member(node);
    if (member.state !== "down") return;
    const { listener, system, life } = this.#options;
    member.lives += 1;
    const life_ = member.lives;
    const current = (): boolean => member.lives === life_ && member.fence?.down === false;
    const fence = new Fence(() => this.#fallen(member));
    const machine = system.createMachine();
    member.state = "starting";
    member.fence = fence;
    member.machine = machine;
    listener.replaced(node);
    const host = createHost<S, M>({
      ports: fenced(this.#ports(member), fence),
      protocol: system.protocol,
      machine: watchedMachine(machine, {
        applied: (payload, result) => {
          if (current()) listener.applied(node, payload, result);
        },
        restored: () => {
          if (current()) listener.replaced(node);
        },
      }),
      configuration: this.configuration,
      self: node,
      tuning: life.tuning,
      protocolTuning: system.protocolTuning(life),
      ...(system.checksum === undefined ? {} : { checksum: system.checksum }),
      listener: {
        answered: (token, outcome) => {
          if (current()) listener.answered(node, token, outcome);
        },
        stopped: (reason) => {
          if (current() && reason !== null) this.#failed(member, reason);
        },
        observe: (event, detail) => {
          if (current()) listener.observed(node, event, detail);
        },
        executed: (position, client, sequence, repeated) => {
          if (current()) listener.executed(node, position, client, sequence, repeated);
        },
      },
    });
    member.host = host;
    host.start((problem) => {
      if (!current()) return;
      if (problem !== null) return this.#failed(member, `${problem.code}: ${problem.message}`);
      member.state = "up";
      listener.up(node);
    });
  }

  /** Dies now, whatever it was doing. */
  kill(node: NodeId, keepsCache: boolean): void {
    const member = this.member(node);
    if (member.fence === null || member.fence.down) return;
    member.keepsCache = keepsCache;
    member.fence.fall();
  }

  /** Dies in the middle of its work, instead of making its `calls`-th port call from now. */
  killAt(node: NodeId, calls: number, keepsCache: boolean): void {
    const member = this.member(node);
    if (member.fence === null || member.fence.down) return;
    member.keepsCache = keepsCache;
    member.fence.fallAt(calls);
  }

  #fallen(member: Member): void {
    const { life, scheduler, switchboard, listener } = this.#options;
    const { node } = member;
    this.#crashes += 1;
    if (member.keepsCache) member.disk.kill();
    else member.disk.crash(draw(life.seed, "life-disk", node, member.lives, this.#crashes));
    switchboard.vanish(node, member.keepsCache);
    scheduler.resume(node);
    member.state = "down";
    member.host = null;
    member.machine = null;
    listener.down(node);
  }

  #failed(member: Member, reason: string): void {
    this.#options.listener.failed(member.node, reason);
    this.kill(member.node, true);
  }

  #disk(node: NodeId, image: DiskImage | null): VirtualDisk {
    const { life, scheduler } = this.#options;
    const { latencyMs, syncMs } = life.disk;
    return new VirtualDisk(
      {
        seed: draw(life.seed, "disk", node),
        schedule: (delayMs, callback) => {
          scheduler.after(delayMs, node, "disk", callback);
        },
        latency: { read: latencyMs, write: latencyMs, sync: syncMs, directory: syncMs },
      },
      image,
    );
  }

  #ports(member: Member): Parameters<typeof fenced>[0] {
    const { life, scheduler, switchboard } = this.#options;
    const { node, lives: incarnation } = member;
    const faults = life.clocks[node] as Life["clocks"][number];
    return {
      clock: virtualClock(scheduler, { seed: life.seed, node, incarnation, faults }),
      network: switchboard.port(node),
      disk: member.disk.attach(),
      random: virtualRandom(life.seed, node, incarnation),
    };
  }
}

/** The id of a simulated cluster: its seed. */
export function configurationOf(life: Pick<Life, "seed" | "nodes">): Configuration {
  return {
    number: 1,
    cluster: (life.seed >>> 0).toString(16).padStart(32, "0"),
    members: life.nodes.map((id) => ({ id, address: `node-${id}`, zone: "", roles: [] })),
    quorums: null,
  };
}
