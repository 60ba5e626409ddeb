import {
  type Command,
  EMPTY_FOOTPRINT,
  type Input,
  majority,
  type NodeId,
  type Protocol,
  type ProtocolStatus,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";

/**
 * Replicas of any log protocol behind real effect queues, over links that are cut by direction:
 * for watching elections and nothing else. Messages take a millisecond and disks half of one; no
 * snapshots are taken. One client at each node asks for one command after the other.
 */
export interface StageOptions<S, M> {
  readonly protocol: Protocol<S, M>;
  readonly size: number;
  readonly tuning: Readonly<Record<string, number>>;
  /** What single nodes have otherwise. */
  readonly ownTuning?: (node: NodeId) => Readonly<Record<string, number>>;
  /** Spreads the nodes' starts over an election time-out. */
  readonly seed: number;
  readonly electionMs: number;
}

export interface Stage {
  readonly now: number;
  readonly members: readonly NodeId[];
  /** Whether messages of `from` reach `to`. */
  cut(from: NodeId, to: NodeId): void;
  run(ms: number): void;
  status(node: NodeId): ProtocolStatus;
  /** Requests executed by a node so far. */
  executed(node: NodeId): number;
  /** Every first execution of a request, anywhere, in order. */
  readonly decided: readonly Decision[];
}

export interface Decision {
  readonly atMs: number;
  /** When the request was made. */
  readonly askedMs: number;
}

const DELAY_MS = 1;
const SYNC_MS = 0.5;
/** A request that nobody answers is made again, as a host does. */
const RETRY_MS = 300;
/** Between the answer to one request and the next one. */
const THINK_MS = 50;

interface Replica<S, M> {
  readonly id: NodeId;
  readonly state: S;
  readonly queue: EffectQueue<M>;
  readonly timers: Map<string, number>;
  readonly executed: Set<string>;
  started: boolean;
  syncing: boolean;
  request: number;
  askedMs: number;
}

interface Event {
  readonly at: number;
  readonly run: () => void;
}

export function createStage<S, M>(options: StageOptions<S, M>): Stage {
  const { protocol, size } = options;
  const members = Array.from({ length: size }, (_, id) => id);
  const events: Event[] = [];
  const isCut = new Set<string>();
  const firsts = new Set<string>();
  const decided: Decision[] = [];
  let now = 0;
  let order = 0;

  function after(ms: number, run: () => void): void {
    const event = { at: now + ms, run };
    let at = events.length;
    while (at > 0 && (events[at - 1] as Event).at > event.at) at -= 1;
    events.splice(at, 0, event);
  }

  const replicas: Replica<S, M>[] = members.map((id) => {
    const replica: Replica<S, M> = {
      id,
      state: protocol.create({
        self: id,
        members,
        quorums: majority(members),
        seed: options.seed * 31 + id,
        roles: [],
        tuning: { ...options.tuning, ...options.ownTuning?.(id) },
      }),
      queue: new EffectQueue(id, {
        append: () => sync(replica),
        checkpoint: () => sync(replica),
        transmit: (to, message) => {
          for (const target of to) transmit(id, target, message);
        },
        loopback: (message) => after(0, () => give(id, { kind: "message", from: id, message })),
        deliver: ({ commands }) => execute(replica, commands),
        release: ({ outcome }) => {
          if (outcome === "unknown") after(0, () => ask(replica));
        },
        readable: () => {},
        requestState: () => {},
        timer: ({ name, ms }) => setTimer(replica, name, ms),
        observe: () => {},
      }),
      timers: new Map(),
      executed: new Set(),
      started: false,
      syncing: false,
      request: 0,
      askedMs: 0,
    };
    return replica;
  });

  function transmit(from: NodeId, to: NodeId, message: M): void {
    if (isCut.has(`${from}>${to}`)) return;
    after(DELAY_MS, () => {
      if ((replicas[to] as Replica<S, M>).started) give(to, { kind: "message", from, message });
    });
  }

  function sync(replica: Replica<S, M>): void {
    if (replica.syncing) return;
    replica.syncing = true;
    after(SYNC_MS, () => {
      replica.syncing = false;
      replica.queue.durable(replica.queue.appended);
    });
  }

  function setTimer(replica: Replica<S, M>, name: string, ms: number | null): void {
    order += 1;
    const due = order;
    if (ms === null) replica.timers.delete(name);
    else {
      replica.timers.set(name, due);
      after(ms, () => {
        if (replica.timers.get(name) !== due) return;
        replica.timers.delete(name);
        give(replica.id, { kind: "timeout", name });
      });
    }
  }

  function give(id: NodeId, input: Input<M>): void {
    const replica = replicas[id] as Replica<S, M>;
    replica.queue.submit(protocol.step(replica.state, input, now));
  }

  function execute(replica: Replica<S, M>, commands: readonly Command[]): void {
    for (const { client, sequence } of commands) {
      const name = `${client}#${sequence}`;
      if (replica.executed.has(name)) continue;
      replica.executed.add(name);
      const origin = replicas[Number(client)] as Replica<S, M>;
      if (!firsts.has(name)) decided.push({ atMs: now, askedMs: origin.askedMs });
      firsts.add(name);
      if (origin !== replica || sequence !== origin.request) continue;
      after(THINK_MS, () => next(origin));
    }
  }

  function next(replica: Replica<S, M>): void {
    replica.request += 1;
    replica.askedMs = now;
    ask(replica);
    retry(replica, replica.request);
  }

  function retry(replica: Replica<S, M>, request: number): void {
    after(RETRY_MS, () => {
      if (replica.request !== request) return;
      ask(replica);
      retry(replica, request);
    });
  }

  function ask(replica: Replica<S, M>): void {
    const { id, request } = replica;
    if (request > 0 && !replica.executed.has(`${id}#${request}`))
      give(id, { kind: "propose", commands: [commandOf(id, request)] });
  }

  for (const replica of replicas) {
    // Another order and other distances for every seed.
    const turn = (replica.id * 3 + options.seed * 7) % (size * 5);
    after((turn * options.electionMs) / (size * 5), () => {
      replica.started = true;
      give(replica.id, {
        kind: "start",
        missing: [],
        delivered: { log: 0, index: 0 },
        image: new Uint8Array(0),
        incarnation: 1,
        voter: true,
      });
      next(replica);
    });
  }

  return {
    get now() {
      return now;
    },
    members,
    decided,
    cut: (from, to) => isCut.add(`${from}>${to}`),
    run(ms) {
      const until = now + ms;
      for (let event = events[0]; event !== undefined && event.at <= until; event = events[0]) {
        events.shift();
        now = event.at;
        event.run();
      }
      now = until;
    },
    status: (node) => protocol.status((replicas[node] as Replica<S, M>).state),
    executed: (node) => (replicas[node] as Replica<S, M>).executed.size,
  };
}

function commandOf(origin: NodeId, sequence: number): Command {
  return {
    kind: "apply",
    client: String(origin),
    sequence,
    acknowledged: 1,
    origin,
    payload: new Uint8Array(8),
    footprint: EMPTY_FOOTPRINT,
  };
}
