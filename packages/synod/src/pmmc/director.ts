import type { NodeId } from "@synod/core";
import { encodeReconfiguration } from "@synod/core/protocols/pmmc";
import { commandText } from "./calculator.ts";
import { type Change, type Kill, type Part, type PmmcSettings, partsOf } from "./settings.ts";
import type { Stage } from "./stage.ts";

/** Everything is over by then, or it has failed. */
const DEADLINE_MS = 120_000;
const LOOK_MS = 50;
const DOTS = ".......................";
const encoder = new TextEncoder();

export interface Run {
  readonly settings: PmmcSettings;
  readonly stage: Stage;
  readonly tell: (line: string) => void;
  /** True: every command was answered, and all replicas that live ended in the same state. */
  readonly done: (succeeded: boolean) => void;
}

/** Clients that send their commands, somebody who kills, somebody who reconfigures; and the end. */
export function direct({ settings, stage, tell, done }: Run): void {
  const parts = partsOf(settings);
  const dead = new Set<NodeId>();
  const busy = new Set(Array.from({ length: settings.clients }, (_, client) => client));
  const planned = new Set<Kill | Change>([...settings.kills, ...settings.changes]);
  let over = false;
  const of = (role: Part["role"]): Part[] => parts.filter((part) => part.role === role);
  const alive = (role: Part["role"]): Part[] => of(role).filter(({ id }) => !dead.has(id));
  const end = (succeeded: boolean): void => {
    if (over) return;
    over = true;
    done(succeeded);
  };

  function ask(client: number, id: number, attempt: number): void {
    const replicas = of("replica");
    const { id: replica } = replicas[(client + attempt) % replicas.length] as Part;
    const session = { client: `client-${client}`, sequence: id, acknowledged: id };
    const payload = encoder.encode(commandText(id));
    stage.request(replica, { payload, session }, (result) => {
      if (over) return;
      if (result === null) return stage.after(LOOK_MS, () => ask(client, id, attempt + 1));
      tell(`Result for command with command ID ${id} at client ${client} is: ${result}`);
      if (id < settings.requests) stage.after(settings.pauseMs, () => ask(client, id + 1, attempt));
      else rest(client);
    });
  }

  function rest(client: number): void {
    tell(`Client ${client} deactivated${DOTS}`);
    busy.delete(client);
    if (busy.size === 0) agree();
  }

  function kill(plan: Kill): void {
    planned.delete(plan);
    if (over) return;
    const candidates = alive(plan.role).filter((part) => !part.spare);
    const leading = candidates.find(({ id }) => stage.sight(id)?.leads === true);
    const victim =
      plan.index === null
        ? (leading ?? candidates[0])
        : candidates.find(({ index }) => index === plan.index);
    if (victim === undefined) return;
    dead.add(victim.id);
    stage.kill(victim.id);
    tell(`${title(victim)} is killed at ${(stage.now() / 1000).toFixed(1)} s`);
  }

  const present = { leader: settings.leaders, acceptor: settings.acceptors };
  const chosen: Record<Change["role"], readonly number[]> = {
    leader: Array.from({ length: present.leader }, (_, index) => index),
    acceptor: Array.from({ length: present.acceptor }, (_, index) => index),
  };

  function change(plan: Change): void {
    planned.delete(plan);
    if (over) return;
    chosen[plan.role] = plan.indexes;
    reconfigure(0);
  }

  /** Until a replica has executed it: an attempt that comes second changes nothing. */
  function reconfigure(attempt: number): void {
    const replicas = alive("replica");
    const { id } = replicas[attempt % replicas.length] as Part;
    const number = (stage.sight(id)?.epoch ?? 0) + 1;
    const ids = (role: Change["role"]): NodeId[] =>
      of(role)
        .filter(({ index }) => chosen[role].includes(index))
        .map((part) => part.id);
    const payload = encodeReconfiguration({
      number,
      leaders: ids("leader"),
      acceptors: ids("acceptor"),
    });
    stage.request(id, { payload, session: null }, (result) => {
      if (result === null && !over) stage.after(LOOK_MS, () => reconfigure(attempt + 1));
    });
  }

  /** Everybody was answered; replicas that lag catch up, then all of them must agree. */
  function agree(): void {
    const sights = alive("replica").map(({ id }) => stage.sight(id));
    const positions = new Set(sights.map((sight) => sight?.executedUpTo ?? -1));
    if (over) return;
    if (positions.size > 1 || positions.has(-1)) return stage.after(LOOK_MS, agree);
    for (const plan of planned) tell(`${describe(plan)} did not happen: the run was over before`);
    for (const [position, part] of alive("replica").entries()) {
      tell(`The state at replica ${part.index} is ${sights[position]?.value}`);
      tell(`${title(part)} deactivated${DOTS}`);
    }
    for (const part of [...alive("leader"), ...alive("acceptor")])
      tell(`${title(part)} deactivated${DOTS}`);
    end(new Set(sights.map((sight) => sight?.value)).size === 1);
  }

  function giveUp(): void {
    if (over) return;
    for (const client of busy)
      tell(`Client ${client} Not handled properly yet! Increase the grace time period!`);
    end(false);
  }

  stage.onEpoch((number, first, leaders, acceptors) => {
    const names = (list: string): string =>
      list
        .split(",")
        .map((id) => parts[Number(id)]?.index)
        .join(", ");
    const who = `leaders ${names(leaders)}; acceptors ${names(acceptors)}`;
    tell(`Epoch ${number} begins with slot ${first}: ${who}`);
  });
  for (let client = 0; client < settings.clients; client += 1) tell(`Client ${client} activated!`);
  for (const part of parts) {
    const mark = part.role === "replica" ? "!" : "";
    tell(`${title(part)} activated${mark}${part.spare ? " as a spare" : ""}`);
  }
  for (const plan of settings.kills) stage.after(plan.atMs, () => kill(plan));
  for (const plan of settings.changes) stage.after(plan.atMs, () => change(plan));
  for (const client of busy) ask(client, 1, 0);
  stage.after(DEADLINE_MS, giveUp);
}

function title({ role, index }: Part): string {
  return `${role.charAt(0).toUpperCase()}${role.slice(1)} ${index}`;
}

function describe(plan: Kill | Change): string {
  const at = `@${plan.atMs / 1000}s`;
  if ("indexes" in plan) return `${plan.role}s=${plan.indexes.join("+")}${at}`;
  return `${plan.role}${plan.index ?? ""}${at}`;
}
