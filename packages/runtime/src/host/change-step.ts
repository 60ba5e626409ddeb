import type { NodeId } from "@synod/core";
import {
  acceptorsOf,
  type Configuration,
  configurationProblem,
  type Member,
  quorumsOf,
} from "../configuration.ts";
import { type Failed, failed } from "../outcome.ts";
import type { Pace } from "./progress.ts";

/** What a change of members can count on, as far as this node knows. */
export interface Standing {
  /** In force. */
  readonly current: Configuration;
  /** Members of it that durably hold the state with which it began; in the first one all do. */
  readonly holders: readonly NodeId[];
  readonly isSettled: boolean;
  /** Of the directory that speaks for a member now. */
  readonly dataIdOf: (member: NodeId) => string;
  /** This very directory is linked with this node, or its own. */
  readonly isConnected: (node: NodeId, dataId: string) => boolean;
  /** Whether it has executed the log up to where others are by now, or nearly so. */
  readonly paceOf: (node: NodeId) => Pace;
  /** The protocol's role without a vote. */
  readonly learner: string;
}

/** How a change of members goes on. `wait`: for what, in words for a user. */
export type ChangeStep =
  | { readonly kind: "propose"; readonly next: Configuration; readonly isLast: boolean }
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly why: Failed };

/**
 * The way to the configuration that is asked for. A configuration is proposed only when so many of
 * its voters are ready, as they hold the state, keep up with the log and are there, that they can
 * elect and choose by themselves: otherwise nothing could be chosen in it until others have fetched
 * the state and caught up. When newcomers would be needed for that, they become members without a
 * vote first, which changes no quorum, and do it then.
 */
export function nextStep(asked: Configuration, standing: Standing): ChangeStep {
  const { current, isSettled } = standing;
  const number = current.number + 1;
  const known = withDataIds(standing);
  if (!isSettled) return wait(missing(current, known, standing));
  const staying = asked.members.filter((member) => stays(member, standing));
  if (canGoOn(asked, ready(staying, standing))) return propose({ ...asked, number }, true);
  const newcomers = asked.members.filter(({ id }) => !current.members.some((m) => m.id === id));
  if (!canGoOn(asked, [...staying, ...newcomers]))
    return refuse(outOfReach([...staying, ...newcomers]));
  if (newcomers.length === 0 || canGoOn(asked, present(staying, standing)))
    return wait(missing(asked, staying, standing));
  if (!canGoOn(current, ready(known, standing))) return wait(missing(current, known, standing));
  const members = [...known, ...asLearners(newcomers, standing.learner)];
  members.sort((a, b) => a.id - b.id);
  const between = { ...current, number, members };
  const problem = configurationProblem(between);
  return problem === null
    ? propose(between, false)
    : refuse(`with its new members beside the present ones, without a vote at first: ${problem}`);
}

/** They can elect a leader and choose without anybody else. */
function canGoOn(asked: Configuration, members: readonly Member[]): boolean {
  const ids = new Set(members.map(({ id }) => id));
  const quorums = quorumsOf(asked);
  return quorums.isPhase1(ids) && quorums.isPhase2(ids);
}

function present(members: readonly Member[], { isConnected }: Standing): Member[] {
  return members.filter(({ id, dataId = "" }) => isConnected(id, dataId));
}

function ready(members: readonly Member[], standing: Standing): Member[] {
  const { holders, paceOf } = standing;
  const there = present(members, standing);
  return there.filter(({ id }) => holders.includes(id) && paceOf(id) === "level");
}

/** A member by now, with the same data directory. */
function stays({ id, dataId }: Member, standing: Standing): boolean {
  const { current, dataIdOf } = standing;
  const before = current.members.find((member) => member.id === id);
  return before !== undefined && (before.dataId ?? dataIdOf(id)) === dataId;
}

/** Of the first configuration they are not written down anywhere. */
function withDataIds({ current, dataIdOf }: Standing): Member[] {
  return current.members.map((member) => {
    const dataId = member.dataId ?? dataIdOf(member.id);
    return dataId === "" ? member : { ...member, dataId };
  });
}

function asLearners(members: readonly Member[], learner: string): Member[] {
  return members.map((member) => ({ ...member, roles: [learner] }));
}

function propose(next: Configuration, isLast: boolean): ChangeStep {
  return { kind: "propose", next, isLast };
}

function wait(reason: string): ChangeStep {
  return { kind: "wait", reason };
}

function refuse(detail: string): ChangeStep {
  return { kind: "refuse", why: failed("configuration-invalid", "no", detail) };
}

function outOfReach(members: readonly Member[]): string {
  const who = members.length === 0 ? "nobody" : namesOf(members.map(({ id }) => id));
  return (
    `of its members, only ${who} can hold the state before it begins, and they are no quorum: ` +
    "give fewer members another data directory at once"
  );
}

/** Of the voters in question, who is not ready, and why. */
function missing(asked: Configuration, members: readonly Member[], standing: Standing): string {
  const acceptors = acceptorsOf(asked);
  const voters = members.filter(({ id }) => acceptors.includes(id));
  const there = present(voters, standing);
  const away = voters.filter((member) => !there.includes(member));
  const lacking = voters.filter(({ id }) => !standing.holders.includes(id));
  const whose = (pace: Pace): Member[] =>
    there.filter((member) => !lacking.includes(member) && standing.paceOf(member.id) === pace);
  return [
    ...reason(lacking, "lacks the state", "lack the state"),
    ...reason(whose("behind"), "is behind", "are behind"),
    ...reason(whose("unknown"), "has not said how far it is", "have not said how far they are"),
    ...reason(away, "cannot be reached", "cannot be reached"),
  ].join("; ");
}

function reason(members: readonly Member[], one: string, more: string): string[] {
  if (members.length === 0) return [];
  return [`${namesOf(members.map(({ id }) => id))} ${members.length === 1 ? one : more}`];
}

/** As `0, 1 and 2`. */
function namesOf(ids: readonly NodeId[]): string {
  const last = ids.at(-1);
  return ids.length < 2 ? `${last}` : `${ids.slice(0, -1).join(", ")} and ${last}`;
}
