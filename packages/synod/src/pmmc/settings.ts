import { type NodeId, VOTERS_MAX } from "@synod/core";
import { type Configuration, configurationProblem } from "@synod/runtime";
import { InvalidArgumentError } from "commander";

export const ROLES = ["replica", "leader", "acceptor"] as const;
export type PmmcRole = (typeof ROLES)[number];

/** Somebody dies at that time: the one with this number, or whoever is the most interesting. */
export interface Kill {
  readonly role: PmmcRole;
  readonly index: number | null;
  readonly atMs: number;
}

/** From then on these lead or accept, by their numbers; numbers beyond the first are spare. */
export interface Change {
  readonly role: "leader" | "acceptor";
  readonly indexes: readonly number[];
  readonly atMs: number;
}

export interface PmmcSettings {
  readonly clients: number;
  readonly replicas: number;
  readonly leaders: number;
  readonly acceptors: number;
  readonly requests: number;
  readonly pauseMs: number;
  readonly kills: readonly Kill[];
  readonly changes: readonly Change[];
  readonly seed: number;
  readonly processes: boolean;
}

/** WINDOW of the paper's own demonstration. */
export const WINDOW = 5;

/** A member of the run: it holds one role, under a number of its own in that role. */
export interface Part {
  readonly id: NodeId;
  readonly role: PmmcRole;
  readonly index: number;
  /** Has no role until a reconfiguration gives it one. */
  readonly spare: boolean;
}

/** Replicas first, then leaders, then acceptors, each with the spares that changes ask for. */
export function partsOf(settings: PmmcSettings): readonly Part[] {
  const parts: Part[] = [];
  for (const role of ROLES) {
    const count = countOf(settings, role);
    const named = settings.changes.filter((change) => change.role === role);
    const highest = Math.max(count - 1, ...named.flatMap(({ indexes }) => indexes));
    for (let index = 0; index <= highest; index += 1)
      parts.push({ id: parts.length, role, index, spare: index >= count });
  }
  return parts;
}

/** The host's view: each part is a member with one role. */
export function configurationFor(
  parts: readonly Part[],
  cluster: string,
  addressOf: (id: NodeId) => string,
): Configuration {
  const members = parts.map(({ id, role, spare }) => ({
    id,
    address: addressOf(id),
    zone: "",
    roles: [spare ? "spare" : role],
  }));
  return { number: 1, cluster, members, quorums: null };
}

/** `leader@2s,acceptor1@3500ms`. */
export function parseKills(text: string): Kill[] {
  return text.split(",").map((part) => {
    const [, role, index, at] = /^(replica|leader|acceptor)(\d{1,2})?@(.+)$/.exec(part) ?? [];
    if (role === undefined || at === undefined)
      throw new InvalidArgumentError(`"${part}" is not of the form leader@2s or acceptor1@500ms.`);
    const number = index === undefined ? null : Number(index);
    return { role: role as PmmcRole, index: number, atMs: parseTime(at) };
  });
}

/** `acceptors=1+2+3@2s,leaders=1+2@3s`. */
export function parseChanges(text: string): Change[] {
  return text.split(",").map((part) => {
    const [, role, list, at] = /^(leader|acceptor)s=(\d{1,2}(?:\+\d{1,2})*)@(.+)$/.exec(part) ?? [];
    if (role === undefined || list === undefined || at === undefined)
      throw new InvalidArgumentError(`"${part}" is not of the form acceptors=1+2+3@2s.`);
    const indexes = [...new Set(list.split("+").map(Number))].sort((a, b) => a - b);
    return { role: role as Change["role"], indexes, atMs: parseTime(at) };
  });
}

function parseTime(text: string): number {
  const [, digits, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError(`"${text}" is no time: it should be like 2s or 500ms.`);
  return unit === "s" ? Number(digits) * 1000 : Number(digits);
}

/** What cannot come to an end, in words for a user; null when the plan makes sense. */
export function planProblem(settings: PmmcSettings): string | null {
  const { kills, changes } = settings;
  const parts = partsOf(settings);
  const problem = configurationProblem(configurationFor(parts, "0".repeat(32), () => "-"));
  if (problem !== null) return problem;
  for (const { role, index } of kills)
    if (index !== null && !parts.some((part) => part.role === role && part.index === index))
      return `there is no ${role} ${index} to be killed`;
  for (const { role, indexes } of changes)
    if (role === "acceptor" && indexes.length > VOTERS_MAX)
      return `at most ${VOTERS_MAX} acceptors can be named`;
  const killed = (role: PmmcRole): number => kills.filter((kill) => kill.role === role).length;
  for (const role of ["replica", "leader"] as const)
    if (killed(role) >= countOf(settings, role)) return `at least one ${role} has to stay alive`;
  const { acceptors } = settings;
  if (changes.every(({ role }) => role !== "acceptor") && 2 * killed("acceptor") >= acceptors)
    return `more than half of ${acceptors} acceptors have to stay alive`;
  return null;
}

function countOf(settings: PmmcSettings, role: PmmcRole): number {
  if (role === "replica") return settings.replicas;
  return role === "leader" ? settings.leaders : settings.acceptors;
}
