import { crc32 } from "node:zlib";
import type { NodeId } from "@synod/core";
import { pmmc } from "@synod/core/protocols/pmmc";
import { createHost, formatDirectory, type Host, type Outcome } from "@synod/runtime";
import {
  Fence,
  fenced,
  PERFECT_NETWORK,
  Scheduler,
  Switchboard,
  VirtualDisk,
  virtualClock,
  virtualRandom,
} from "@synod/simulator";
import { createCalculator } from "./calculator.ts";
import { configurationFor, type Part, WINDOW } from "./settings.ts";
import { ATTEMPT_MS, type Sight, type Stage, type StageRequest } from "./stage.ts";

const CLUSTER = "c".repeat(32);
/** Messages take a little, not all the same: the seed decides who is first. */
const DELAYS = { delayMinMs: 0.5, delayMeanMs: 1 };
const decoder = new TextDecoder();

interface Actor {
  readonly part: Part;
  readonly disk: VirtualDisk;
  readonly fence: Fence;
  readonly machine: ReturnType<typeof createCalculator> | null;
  readonly host: Host;
}

/** The real hosts on virtual ports, in one thread: the same seed gives the same run. */
export function createVirtualStage(
  parts: readonly Part[],
  seed: number,
): Stage & { readonly run: (isOver: () => boolean) => void } {
  const scheduler = new Scheduler();
  const network = { ...PERFECT_NETWORK, ...DELAYS };
  const ignore = { sent: () => {}, arrives: () => {}, hit: () => {} };
  const switchboard = new Switchboard(scheduler, seed, network, ignore);
  const configuration = configurationFor(parts, CLUSTER, (id) => `member-${id}`);
  const waiting = new Map<number, (outcome: Outcome) => void>();
  const epochs: Parameters<Stage["onEpoch"]>[0][] = [];
  let tokens = 0;
  let lastEpoch = 0;
  let beganMs = 0;

  function observed(
    event: string,
    detail: Readonly<Record<string, number | string | boolean>>,
  ): void {
    const number = Number(detail["number"]);
    if (event !== "epoch" || number <= lastEpoch) return;
    lastEpoch = number;
    const { first, leaders, acceptors } = detail;
    for (const listener of epochs) listener(number, Number(first), `${leaders}`, `${acceptors}`);
  }

  function actor(part: Part): Actor {
    const { id } = part;
    const disk = new VirtualDisk({
      seed: seed * 100 + id,
      schedule: (delayMs, callback) => scheduler.after(delayMs, id, "disk", callback),
    });
    const fence = new Fence(() => {
      disk.kill();
      switchboard.vanish(id, true);
    });
    const machine = part.role === "replica" ? createCalculator() : null;
    format(id, disk);
    const faults = { rate: 1, offsetMs: 0, lateMs: 0 };
    const ports = {
      clock: virtualClock(scheduler, { seed, node: id, incarnation: 1, faults }),
      network: switchboard.port(id),
      disk: disk.attach(),
      random: virtualRandom(seed, id, 1),
    };
    const host = createHost({
      ports: fenced(ports, fence),
      protocol: pmmc,
      machine,
      configuration,
      self: id,
      protocolTuning: { window: WINDOW },
      checksum: crc32,
      listener: {
        answered: (token, outcome) => {
          const done = waiting.get(token);
          waiting.delete(token);
          done?.(outcome);
        },
        stopped: () => {},
        observe: observed,
      },
    });
    return { part, disk, fence, machine, host };
  }

  /** As one who knows all members does it: they may vote from their first second. */
  function format(id: NodeId, disk: VirtualDisk): void {
    const dataId = (node: NodeId): string => `${node}`.padStart(32, "d");
    const peers = parts.filter((part) => part.id !== id);
    let formatted = false;
    const options = {
      disk: disk.attach(),
      checksum: crc32,
      random: virtualRandom(seed, id, 0),
      cluster: CLUSTER,
      node: id,
      dataId: dataId(id),
      registeredPeers: peers.map((part) => ({
        node: part.id,
        dataId: dataId(part.id),
        incarnation: 0,
        boot: 0,
      })),
    };
    formatDirectory(options, () => {
      formatted = true;
    });
    while (!formatted && scheduler.step());
    disk.kill();
  }

  const actors = parts.map(actor);
  let up = 0;
  for (const { host } of actors)
    host.start(() => {
      up += 1;
    });
  while (up < actors.length && scheduler.step());
  beganMs = scheduler.now;

  return {
    now: () => scheduler.now - beganMs,
    after: (ms, run) => {
      scheduler.after(ms, -1, "world", run);
    },
    request: (id, { payload, session }: StageRequest, done) => {
      const { host, fence } = actors[id] as Actor;
      let answered = false;
      const answer = (result: string | null): void => {
        if (!answered) done(result);
        answered = true;
      };
      scheduler.after(ATTEMPT_MS, -1, "world", () => answer(null));
      if (fence.down) return;
      tokens += 1;
      waiting.set(tokens, (outcome) =>
        answer(outcome.kind === "done" ? decoder.decode(outcome.result) : null),
      );
      const kind = session === null ? "configure" : "apply";
      host.propose({ token: tokens, payload, session, deadlineMs: ATTEMPT_MS, kind });
    },
    kill: (id) => actors[id]?.fence.fall(),
    sight: (id) => sightOf(actors[id] as Actor),
    onEpoch: (listener) => {
      epochs.push(listener);
    },
    run: (isOver) => {
      while (!isOver() && scheduler.step());
    },
  };
}

function sightOf({ host, fence, machine }: Actor): Sight | null {
  if (fence.down) return null;
  const { executedUpTo, replica } = host.status();
  return {
    executedUpTo: executedUpTo.index,
    value: machine?.value() ?? null,
    leads: replica.role === "leader",
    epoch: replica.detail["epoch"] ?? 0,
  };
}
