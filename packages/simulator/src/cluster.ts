import type { Effect, Input, Machine, NodeId, Position } from "@synod/core";
import { type Configuration, createHost, type Host, type Outcome } from "@synod/runtime";
import { draw } from "./addressed.ts";
import { VirtualDisk } from "./disk.ts";
import { type CrashFate, type DiskImage, seededFate } from "./disk-image.ts";
import { Fence, fenced } from "./fence.ts";
import { type Life, membersOf } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedSystem } from "./system.ts";
import { type ClockShift, virtualClock, virtualRandom } from "./virtual-clock.ts";
import type { Switchboard } from "./virtual-network.ts";
import { watchedMachine } from "./watched-machine.ts";
import { watchedProtocol } from "./watched-protocol.ts";

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
  /** Something happened that lives should see sometimes. */
  hit(probe: string): void;
  /** A power loss left garbage on the disk of `node`. */
  damaged(node: NodeId): void;
}

/** Looks into the replicas of all nodes. */
export interface ClusterWatch<S, M> {
  stepped(
    node: NodeId,
    state: S,
    step: { readonly input: Input<M>; readonly effects: readonly Effect<M>[] },
  ): void;
  /** For members of this configuration. */
  leaves(node: NodeId, configuration: number, message: M): void;
  fell(node: NodeId): void;
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
  readonly clock: ClockShift;
  /** A call of its disk has failed since it was started. */
  readonly diskStruck: boolean;
  /** Failed calls of its disk before that start. */
  strikesBefore: number;
}

export interface ClusterOptions<S, M> {
  readonly system: SimulatedSystem<S, M>;
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly switchboard: Switchboard;
  readonly listener: ClusterListener;
  /** Null: nobody looks into the replicas. */
  readonly watch: ClusterWatch<S, M> | null;
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
    this.members = life.nodes.map((node) => {
      const disk = this.#disk(node, images?.get(node) ?? null);
      return {
        node,
        disk,
        lives: livesFrom,
        state: "down",
        host: null,
        fence: null,
        machine: null,
        keepsCache: false,
        clock: { ms: 0 },
        strikesBefore: 0,
        get diskStruck() {
          return disk.faults.strikes > this.strikesBefore;
        },
      };
    });
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
    member.strikesBefore = member.disk.faults.strikes;
    member.state = "starting";
    member.fence = fence;
    member.machine = machine;
    listener.replaced(node);
    const host = createHost<S, M>({
      ports: fenced(this.#ports(member), fence),
      protocol: this.#watched(node, current),
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
      protocolTuning: system.protocolTuning(life, node),
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

  #watched(node: NodeId, current: () => boolean): SimulatedSystem<S, M>["protocol"] {
    const { system, watch } = this.#options;
    if (watch === null) return system.protocol;
    return watchedProtocol(system.protocol, {
      stepped: (state, input, effects) => {
        if (current()) watch.stepped(node, state, { input, effects });
      },
      leaves: (message, configuration) => {
        if (current()) watch.leaves(node, configuration, message);
      },
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
    const { scheduler, switchboard, listener } = this.#options;
    const { node } = member;
    this.#crashes += 1;
    if (member.keepsCache) member.disk.kill();
    else this.#powerOff(member);
    switchboard.vanish(node, member.keepsCache);
    this.#options.watch?.fell(node);
    scheduler.resume(node);
    member.state = "down";
    member.host = null;
    member.machine = null;
    listener.down(node);
  }

  #powerOff(member: Member): void {
    const { life, listener } = this.#options;
    const { node, disk, lives } = member;
    const seed = draw(life.seed, "life-disk", node, lives, this.#crashes);
    const garbage = life.victims.includes(node) ? life.disk.garbage : 0;
    disk.crash(
      watchedFate(seededFate(seed, garbage), {
        hit: (probe) => listener.hit(probe),
        ruined: () => listener.damaged(node),
      }),
    );
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
    const shift = member.clock;
    return {
      clock: virtualClock(scheduler, { seed: life.seed, node, incarnation, faults, shift }),
      network: switchboard.port(node),
      disk: member.disk.attach(),
      random: virtualRandom(life.seed, node, incarnation),
    };
  }
}

/** The id of a simulated cluster: its seed. */
export function configurationOf(life: Pick<Life, "seed" | "nodes" | "members">): Configuration {
  return {
    number: 1,
    cluster: (life.seed >>> 0).toString(16).padStart(32, "0"),
    members: membersOf(life).map((id) => ({ id, address: `node-${id}`, zone: "", roles: [] })),
    quorums: null,
  };
}

/** The same fate, and what it has taken. */
function watchedFate(
  fate: CrashFate,
  watch: { readonly hit: (probe: string) => void; readonly ruined: () => void },
): CrashFate {
  const { hit, ruined } = watch;
  return {
    ...fate,
    sector: (file, sector) => {
      const kept = fate.sector(file, sector);
      if (kept === "old") hit("crash: unsynced sectors lost");
      if (kept !== "garbage") return kept;
      hit("crash: unsynced sector became garbage");
      ruined();
      return kept;
    },
    entry: (entry, index) => {
      const kept = fate.entry(entry, index);
      if (!kept) hit("crash: unsynced directory entry lost");
      return kept;
    },
  };
}
