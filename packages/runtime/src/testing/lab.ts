import { crc32, type Disk, type Machine, type NodeId, type Protocol } from "@synod/core";
import { KeyValueMachine, keyValue } from "@synod/machines";
import {
  type DiskImage,
  type DiskLatency,
  Fence,
  fenced,
  type NetworkFaults,
  PERFECT_NETWORK,
  Scheduler,
  Switchboard,
  VirtualDisk,
  virtualClock,
  virtualRandom,
} from "@synod/simulator";
import type { Configuration } from "../configuration.ts";
import { createHost } from "../host/host.ts";
import type { Host, HostTuning, SessionRequest } from "../host-options.ts";
import { type FormatOptions, formatDirectory } from "../identity-format.ts";
import type { Outcome } from "../outcome.ts";

const CLUSTER = "5".repeat(32);

export interface LabOptions<S, M> {
  readonly protocol: Protocol<S, M>;
  /** Roles of the members 0, 1, …; an empty list means all. */
  readonly roles: readonly (readonly string[])[];
  /** Members without a state machine. */
  readonly withoutMachine?: readonly NodeId[];
  readonly tuning?: Partial<HostTuning>;
  readonly protocolTuning?: Readonly<Record<string, number>>;
  /** Of single members, besides. */
  readonly ownTuning?: Readonly<Record<NodeId, Readonly<Record<string, number>>>>;
  readonly network?: Partial<NetworkFaults>;
  readonly disk?: DiskLatency;
  readonly seed?: number;
  /** Formatted node by node, without knowing each other: they must register before they vote. */
  readonly strangers?: true;
  /** Nodes after those of `roles` that are members of nothing yet. */
  readonly newcomers?: number;
  /** How much longer than usual a write to this file of a node takes, virtual ms. */
  readonly slowness?: (id: NodeId, file: string) => number;
}

export interface LabNode {
  readonly id: NodeId;
  readonly disk: VirtualDisk;
  host: Host | null;
  fence: Fence;
  machine: KeyValueMachine | null;
  lives: number;
  isUp: boolean;
  /** Why the host ended by itself, or could not start. */
  ended: string | null;
  /** Payloads that the machine of this life executed, in order. */
  applied: Uint8Array[];
  /** What it observed in all its lives, as `event index`. */
  readonly events: string[];
}

/** Real hosts of any protocol on virtual ports, for tests that decide themselves what happens. */
export class Lab<S, M> {
  readonly scheduler = new Scheduler();
  readonly switchboard: Switchboard;
  readonly nodes: readonly LabNode[];
  readonly outcomes = new Map<number, Outcome>();
  readonly #options: LabOptions<S, M>;
  readonly #seed: number;
  #tokens = 0;
  #formats = 0;
  /** Those of nodes that were not formatted with the cluster. */
  readonly dataIds = new Map<NodeId, string>();
  /** By position, what was executed there: everybody must execute the same. */
  readonly #order = new Map<number, string[]>();
  readonly #places = new Map<NodeId, { position: number; place: number }>();

  constructor(options: LabOptions<S, M>, images?: readonly DiskImage[]) {
    this.#options = options;
    this.#seed = options.seed ?? 1;
    const faults = { ...PERFECT_NETWORK, ...options.network };
    this.switchboard = new Switchboard(this.scheduler, this.#seed, faults, {
      sent: () => undefined,
      arrives: () => undefined,
      hit: () => undefined,
    });
    const count = options.roles.length + (options.newcomers ?? 0);
    this.nodes = Array.from({ length: count }, (_, id) => ({
      id,
      disk: this.#disk(id, images?.[id]),
      host: null,
      fence: new Fence(() => undefined),
      machine: null,
      lives: 0,
      isUp: false,
      ended: null,
      applied: [],
      events: [],
    }));
    if (images === undefined) this.#formatAll();
  }

  node(id: NodeId): LabNode {
    return this.nodes[id] as LabNode;
  }

  startAll(): void {
    for (const { id } of this.nodes) this.start(id);
  }

  start(id: NodeId): void {
    const node = this.node(id);
    const { protocol, tuning, protocolTuning, ownTuning, withoutMachine = [] } = this.#options;
    node.lives += 1;
    node.isUp = false;
    node.ended = null;
    node.applied = [];
    this.#places.delete(id);
    node.fence = new Fence(() => this.#fallen(node));
    node.machine = withoutMachine.includes(id) ? null : new KeyValueMachine();
    const { fence } = node;
    node.host = createHost<S, M>({
      ports: fenced(this.#ports(node), fence),
      protocol,
      machine: node.machine === null ? null : recording(node.machine, node.applied),
      configuration: this.#configuration(),
      self: id,
      ...(tuning === undefined ? {} : { tuning }),
      protocolTuning: { ...protocolTuning, ...ownTuning?.[id] },
      listener: {
        answered: (token, outcome) => {
          if (fence.down) return;
          if (this.outcomes.has(token)) throw new Error(`${token} was answered twice`);
          this.outcomes.set(token, outcome);
        },
        stopped: (reason) => {
          if (!fence.down) node.ended = reason ?? "stopped";
        },
        observe: (event, detail) => {
          if (!fence.down) node.events.push(`${event} ${detail["position"] ?? ""}`);
        },
        executed: (position, client, sequence) => {
          if (!fence.down) this.#executed(id, position.index, `${client}#${sequence}`);
        },
      },
    });
    node.host.start((problem) => {
      if (fence.down) return;
      if (problem === null) node.isUp = true;
      else node.ended = `${problem.code}: ${problem.message}`;
    });
  }

  /** All members of the next configuration; newcomers by the data ids that they were given. */
  reconfigure(
    at: NodeId,
    ids: readonly NodeId[],
    quorums: Configuration["quorums"] = null,
    deadlineMs = 60_000,
  ): number {
    this.#tokens += 1;
    const host = this.node(at).host;
    const members = ids.map((id) => {
      const member = { id, address: `node-${id}`, zone: "", roles: [] };
      return this.dataIds.has(id) ? { ...member, dataId: this.dataIds.get(id) as string } : member;
    });
    const replaces = host?.status().configuration ?? 0;
    host?.reconfigure({ token: this.#tokens, replaces, members, quorums, deadlineMs });
    return this.#tokens;
  }

  /** An empty disk in the place of this node's, formatted by an operator. */
  replaceDisk(id: NodeId): void {
    const node = this.node(id);
    node.fence.fall();
    node.disk.wipe();
    this.#formats += 1;
    const dataId = `${id}${this.#formats}`.padStart(32, "e");
    this.dataIds.set(id, dataId);
    this.#format([id], () => ({ dataId }));
  }

  /** The process is gone. `power`: and what was not synced with it. */
  crash(id: NodeId, how: "process" | "power" = "power"): void {
    const node = this.node(id);
    node.fence.fall();
    if (how === "power") node.disk.crash(this.#seed + node.lives);
  }

  /** Proposes and returns the token of the answer. */
  put(id: NodeId, key: string, value: string, session: SessionRequest | null = null): number {
    return this.propose(id, keyValue.put(key, new TextEncoder().encode(value)), session);
  }

  propose(
    id: NodeId,
    payload: Uint8Array,
    session: SessionRequest | null = null,
    deadlineMs = 60_000,
  ): number {
    this.#tokens += 1;
    this.node(id).host?.propose({ token: this.#tokens, payload, session, deadlineMs });
    return this.#tokens;
  }

  get(id: NodeId, key: string, consistency: "linearizable" | "stale" = "linearizable"): number {
    this.#tokens += 1;
    const query = keyValue.get(key);
    this.node(id).host?.read({ token: this.#tokens, query, consistency, deadlineMs: 60_000 });
    return this.#tokens;
  }

  /** The value that a `get` found; null: none. */
  value(token: number): string | null {
    const outcome = this.outcomes.get(token);
    if (outcome?.kind !== "done") throw new Error(`${token}: ${JSON.stringify(outcome)}`);
    const [found, ...value] = outcome.result;
    return found === FOUND ? new TextDecoder().decode(Uint8Array.from(value)) : null;
  }

  run(ms: number): void {
    const end = this.scheduler.now + ms;
    while (this.scheduler.now < end && this.scheduler.step());
  }

  /** Runs until it holds; false when it does not within `ms`. */
  runUntil(condition: () => boolean, ms = 30_000): boolean {
    const end = this.scheduler.now + ms;
    while (!condition()) if (this.scheduler.now > end || !this.scheduler.step()) return false;
    return true;
  }

  allDone(tokens: readonly number[]): boolean {
    return tokens.every((token) => this.outcomes.get(token)?.kind === "done");
  }

  #fallen(node: LabNode): void {
    node.disk.kill();
    this.switchboard.vanish(node.id, true);
    node.host = null;
    node.isUp = false;
  }

  #disk(id: NodeId, image: DiskImage | undefined): VirtualDisk {
    const { disk } = this.#options;
    return new VirtualDisk(
      {
        seed: this.#seed * 100 + id,
        ...(disk === undefined ? {} : { latency: disk }),
        schedule: (delayMs, callback) => this.scheduler.after(delayMs, id, "disk", callback),
      },
      image ?? null,
    );
  }

  #ports({ id, disk, lives }: LabNode): Parameters<typeof fenced>[0] {
    const identity = { seed: this.#seed, node: id, incarnation: lives };
    const faults = { rate: 1, offsetMs: 1_000 * id, lateMs: 0 };
    return {
      clock: virtualClock(this.scheduler, { ...identity, faults }),
      network: this.switchboard.port(id),
      disk: this.#slowed(id, disk.attach()),
      random: virtualRandom(this.#seed, id, lives),
    };
  }

  #slowed(id: NodeId, disk: Disk): Disk {
    const { slowness } = this.#options;
    if (slowness === undefined) return disk;
    return {
      ...disk,
      write: (name, offset, bytes, done) => {
        const write = (): void => disk.write(name, offset, bytes, done);
        const ms = slowness(id, name);
        if (ms > 0) this.scheduler.after(ms, id, "disk", write);
        else write();
      },
    };
  }

  #configuration(): Configuration {
    const members = this.#options.roles.map((roles, id) => ({
      id,
      address: `node-${id}`,
      zone: "",
      roles,
    }));
    return { number: 1, cluster: CLUSTER, members, quorums: null };
  }

  /** All at once, so that all may vote from their first second; newcomers on their own. */
  #formatAll(): void {
    const count = this.#options.roles.length;
    const identities = this.#options.roles.map((_, id) => ({
      node: id,
      dataId: `${id}`.padStart(32, "d"),
      incarnation: 0,
      boot: 0,
    }));
    for (const { id } of this.nodes)
      if (id >= count) this.dataIds.set(id, `${id}`.padStart(32, "d"));
    this.#format(
      this.nodes.map(({ id }) => id),
      (id) => ({
        dataId: `${id}`.padStart(32, "d"),
        ...(this.#options.strangers === true || id >= count
          ? {}
          : { registeredPeers: identities.filter(({ node }) => node !== id) }),
      }),
    );
  }

  #format(
    ids: readonly NodeId[],
    more: (id: NodeId) => Pick<FormatOptions, "dataId" | "registeredPeers">,
  ): void {
    let left = ids.length;
    for (const id of ids) {
      const base = { checksum: crc32, cluster: CLUSTER, node: id };
      const random = virtualRandom(this.#seed, id, 0);
      const disk = this.node(id).disk.attach();
      formatDirectory({ ...base, disk, random, ...more(id) }, (error) => {
        if (error !== null) throw new Error(`format: ${error.message}`);
        left -= 1;
      });
    }
    if (!this.runUntil(() => left === 0)) throw new Error("formatting did not end");
    for (const id of ids) this.node(id).disk.kill();
  }

  #executed(id: NodeId, position: number, command: string): void {
    if (this.#options.protocol.capabilities.order !== "total") return;
    const before = this.#places.get(id);
    const place = before?.position === position ? before.place + 1 : 0;
    this.#places.set(id, { position, place });
    const known = this.#order.get(position) ?? [];
    this.#order.set(position, known);
    const other = known[place];
    if (other === undefined) known.push(command);
    else if (other !== command)
      throw new Error(`at ${position}.${place} node ${id} executed ${command}, not ${other}`);
  }
}

/** First byte of the result of a get that found something. */
const FOUND = 0x11;

function recording(machine: KeyValueMachine, applied: Uint8Array[]): Machine {
  return {
    apply: (payload) => {
      applied.push(payload.slice());
      return machine.apply(payload);
    },
    query: (payload) => machine.query(payload),
    footprint: (payload) => machine.footprint(payload),
    freeze: () => machine.freeze(),
    restore: () => machine.restore(),
  };
}
