import type { NodeId } from "@synod/core";
import { quorumsOf } from "@synod/runtime";
import { draw } from "../addressed.ts";
import { Cluster, type ClusterListener, type Member } from "../cluster.ts";
import type { Life } from "../life.ts";
import { PERFECT_NETWORK } from "../network-faults.ts";
import type { Electorate } from "../reconfiguration.ts";
import { Scheduler } from "../scheduler.ts";
import type { SimulatedSystem } from "../system.ts";
import { Switchboard } from "../virtual-network.ts";
import type { Panel } from "./panel.ts";

/** Survivors that have not come back after this have lost something, virtual ms. */
const FORK_MS_MAX = 60_000;

/** A survivor that is no member yet is asked again after this, virtual ms. */
const ASK_AGAIN_MS = 500;

interface ForkOptions<S, M> {
  readonly system: SimulatedSystem<S, M>;
  readonly life: Life;
  readonly panel: Panel;
  readonly world: Cluster<S, M>;
  /** The newest one, which must go on, and others of which a quorum survives, too. */
  readonly electorates: readonly [Electorate, ...Electorate[]];
  /** Numbered from 1. */
  readonly number: number;
  /** Ranks the nodes. */
  readonly draw: number;
}

/**
 * Acknowledged writes survive on any quorum of platters: here and now the power goes everywhere,
 * and only a smallest quorum of the disks (where one configuration has just begun and needs the one
 * before, of those of each) is ever found again, with nothing but what was synced. A
 * second cluster is started on copies of those. It must come to serve, must have executed the same
 * commands wherever this world has, and must hold the state that this world has. Returns who
 * survived; empty: no quorum is left.
 */
export function checkFork<S, M>(options: ForkOptions<S, M>): readonly NodeId[] {
  const survivors = chooseSurvivors(options);
  if (survivors.length === 0) return survivors;
  const { system, life, panel, world, number } = options;
  const scheduler = new Scheduler();
  const watch = { sent: () => undefined, arrives: () => undefined, hit: () => undefined };
  const switchboard = new Switchboard(scheduler, life.seed, PERFECT_NETWORK, watch);
  const returned = new Set<number>();
  /** Keys that the fork wrote at positions beyond what this world has executed. */
  const overwritten = new Set<string>();
  const fork = new Cluster<S, M>({
    system,
    life,
    scheduler,
    switchboard,
    watch: null,
    images: new Map(survivors.map((node) => [node, world.member(node).disk.platter()])),
    livesFrom: 1_000 * number,
    listener: forkListener(options, overwritten, {
      done: (token) => returned.add(token),
      // Its platter is from before it was named, and it has not been told yet.
      early: (node) => scheduler.after(ASK_AGAIN_MS, -1, "world", () => asked.delete(node)),
    }),
  });
  const asked = new Set<NodeId>();
  for (const node of survivors) fork.start(node);
  const [{ members }] = options.electorates;
  const serving = survivors.filter((node) => members.some(({ id }) => id === node));
  while (returned.size < serving.length && scheduler.now < FORK_MS_MAX) {
    if (panel.violation !== null || !scheduler.step()) break;
    for (const node of serving) ask(fork.member(node), asked, system);
  }
  if (returned.size < serving.length) {
    const states = survivors.map((node) => describe(fork.member(node)));
    panel.accuse("platters", `fork ${number}: ${survivors.join(",")} did not come back: ${states}`);
  } else checkStates(options, fork, serving, overwritten);
  return survivors;
}

/** One linearizable read per survivor: answered, it has executed everything that survived. */
function ask<S, M>(member: Member, asked: Set<NodeId>, system: SimulatedSystem<S, M>): void {
  if (member.state !== "up" || asked.has(member.node)) return;
  asked.add(member.node);
  member.host?.read({
    token: member.node,
    query: system.operations.get("key-1"),
    consistency: "linearizable",
    deadlineMs: FORK_MS_MAX,
  });
}

function describe(member: Member): string {
  const status = member.host?.status();
  return `node ${member.node} ${member.state} ${JSON.stringify(status?.replica ?? null)}`;
}

function chooseSurvivors<S, M>(options: ForkOptions<S, M>): readonly NodeId[] {
  const { panel, world, electorates, draw: rank, number } = options;
  const survivors = new Set<NodeId>();
  for (const { members, quorums } of electorates) {
    const system = quorumsOf({ ...world.configuration, members, quorums });
    const candidates = members
      .map(({ id }) => id)
      .filter((node) => !panel.noVote.isDamaged(node))
      .sort((a, b) => draw(rank, "fork", a, number) - draw(rank, "fork", b, number));
    for (const node of candidates) if (!system.isPhase1(survivors)) survivors.add(node);
    if (!system.isPhase1(survivors)) return [];
  }
  return [...survivors].sort((a, b) => a - b);
}

function forkListener<S, M>(
  options: ForkOptions<S, M>,
  overwritten: Set<string>,
  told: { readonly done: (token: number) => void; readonly early: (node: NodeId) => void },
): ClusterListener {
  const { panel, number, system } = options;
  const written = new Map<NodeId, string>();
  const places = new Map<NodeId, { position: number; place: number }>();
  return {
    answered: (node, token, outcome) => {
      if (outcome.kind === "done") return told.done(token);
      if (outcome.code === "not-a-member") return told.early(node);
      panel.accuse("platters", `fork ${number}: node ${node} answers ${outcome.code}`);
    },
    executed: (node, position, client, sequence) => {
      const cursor = places.get(node);
      const place = cursor?.position === position.index ? cursor.place + 1 : 0;
      places.set(node, { position: position.index, place });
      const key = written.get(node);
      written.delete(node);
      if (position.index > panel.order.last) {
        if (key !== undefined) overwritten.add(key);
        return;
      }
      const known = panel.order.at(position.index)[place];
      if (known?.client === client && known.sequence === sequence) return;
      const before = known === undefined ? "nothing" : `${known.client}#${known.sequence}`;
      panel.accuse(
        "platters",
        `fork ${number}: node ${node} executed ${client}#${sequence} ` +
          `at ${position.index}.${place}, it was ${before}`,
      );
    },
    applied: (node, payload) => {
      const effect = system.operations.effect(payload);
      if (effect !== null) written.set(node, effect.key);
    },
    replaced: () => undefined,
    up: () => undefined,
    down: () => undefined,
    failed: (node, reason) => panel.accuse("platters", `fork ${number}: node ${node}: ${reason}`),
    observed: () => undefined,
    hit: () => undefined,
    damaged: () => undefined,
  };
}

/**
 * Every key holds what this world's executed order gives it, acknowledged yet or not: whatever was
 * executed anywhere was chosen, so a quorum had it durable before. Keys that the fork went on to
 * write are left out.
 */
function checkStates<S, M>(
  options: ForkOptions<S, M>,
  fork: Cluster<S, M>,
  survivors: readonly NodeId[],
  overwritten: ReadonlySet<string>,
): void {
  const { panel, system, number } = options;
  const { state, answers } = panel;
  for (const node of survivors) {
    const { machine } = fork.member(node);
    if (machine === null) continue;
    for (const key of state.keys) {
      const value = system.operations.answer(machine.query(system.operations.get(key)));
      const expected = state.valueAt(key, state.last);
      if (value === expected || overwritten.has(key)) continue;
      panel.accuse(
        "platters",
        `fork ${number}: on ${survivors.join(",")} node ${node} holds ${value} for ${key}, ` +
          `executed was ${expected}, acknowledged up to ${answers.floor}`,
      );
    }
  }
}
