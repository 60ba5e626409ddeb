import type { NodeId } from "@synod/core";
import { type ConfigurationChange, parseAddress } from "@synod/node";
import { type HostStatus, isVoter, type Member } from "@synod/runtime";
import { z } from "zod";
import { type Problem, refusal } from "./problem.ts";

const id = z.int().min(0).max(0xffff);
const peer = z
  .string()
  .refine((text) => parseAddress(text) !== null, { error: "must be host:port" });
const dataId = z.string().regex(/^[0-9a-f]{32}$/, { error: "must be 32 hex digits in lower case" });

const addition = z.strictObject({ id, peer, dataId: dataId.optional() });
const replacement = z.strictObject({
  id: id.optional(),
  peer: peer.optional(),
  dataId: dataId.optional(),
});
const quorums = z.strictObject({ phase1: z.int(), phase2: z.int() });
const several = z.strictObject({
  add: z.array(addition).default([]),
  remove: z.array(id).default([]),
  replace: z.array(replacement.extend({ member: id })).default([]),
  quorums: quorums.nullable().optional(),
});

type Addition = z.infer<typeof addition>;
type Replacement = z.infer<typeof replacement>;

/** The configuration after everything that the body of a request asks for, in one change. */
export function withChanges(status: HostStatus, body: string): ConfigurationChange | Problem {
  const wanted = parsed(several, body);
  if ("code" in wanted) return wanted;
  const { add, remove, replace, quorums = status.membership.quorums } = wanted;
  const steps = [
    ...remove.map((gone) => removal(gone)),
    ...replace.map(({ member, ...by }) => exchange(status, member, by)),
    ...add.map((member) => admission(status, member)),
  ];
  return after(status, steps, quorums);
}

/** The configuration with one member more, as the body of a request says. */
export function withMember(status: HostStatus, body: string): ConfigurationChange | Problem {
  const wanted = parsed(addition, body);
  return "code" in wanted ? wanted : after(status, [admission(status, wanted)]);
}

/** The configuration without this member. */
export function withoutMember(status: HostStatus, gone: NodeId): ConfigurationChange | Problem {
  return after(status, [removal(gone)]);
}

/**
 * The configuration with something else in the place of this member: another node, the same one
 * under another address, or, when neither is said, with the data directory with which it knocks.
 */
export function withReplaced(
  status: HostStatus,
  old: NodeId,
  body: string,
): ConfigurationChange | Problem {
  const wanted = parsed(replacement, body);
  return "code" in wanted ? wanted : after(status, [exchange(status, old, wanted)]);
}

/** One step of a change: the members after it. */
type Step = (members: readonly Member[]) => readonly Member[] | Problem;

function after(
  status: HostStatus,
  steps: readonly Step[],
  quorums: ConfigurationChange["quorums"] = status.membership.quorums,
): ConfigurationChange | Problem {
  let { members }: { members: readonly Member[] } = status.membership;
  for (const step of steps) {
    const next = step(members);
    if ("code" in next) return next;
    members = next;
  }
  return { replaces: status.configuration, members, quorums };
}

function admission(status: HostStatus, { id: node, peer: address, dataId: known }: Addition): Step {
  return (members) => {
    const others = besides(status, members, node);
    if ("code" in others) return others;
    return [...others, named({ id: node, address, zone: "", roles: [] }, known)];
  };
}

function removal(gone: NodeId): Step {
  return (members) => {
    const others = members.filter((member) => member.id !== gone);
    return others.length === members.length ? noSuchMember(gone) : others;
  };
}

function exchange(status: HostStatus, old: NodeId, wanted: Replacement): Step {
  return (members) => {
    const before = members.find((member) => member.id === old);
    if (before === undefined) return noSuchMember(old);
    const next = wanted.id ?? old;
    const others = next === old ? members : besides(status, members, next);
    if ("code" in others) return others;
    if (next !== old && wanted.peer === undefined)
      return refusal("bad-body", `peer: where is node ${next}?`);
    const knocking = status.membership.applicants.find(({ node }) => node === next)?.dataId;
    const kept = next === old ? before.dataId : undefined;
    const member = { id: next, address: wanted.peer ?? before.address, zone: before.zone };
    const replaced = named({ ...member, roles: before.roles }, wanted.dataId ?? knocking ?? kept);
    return [...others.filter((each) => each.id !== old), replaced];
  };
}

/**
 * The others, if the node can become a member with a vote: when it is none, or has none so far.
 * Nobody leaves and comes back in one change.
 */
function besides(
  status: HostStatus,
  members: readonly Member[],
  node: NodeId,
): readonly Member[] | Problem {
  const isIt = ({ id }: Member): boolean => id === node;
  const before = status.membership.members.find(isIt);
  const now = members.find(isIt);
  if (before === undefined && now === undefined) return members;
  if (now !== undefined && now === before && !isVoter(now))
    return members.filter((member) => member !== now);
  return refusal("already-member", `node ${node} is a member already`);
}

function named(member: Omit<Member, "dataId">, known: string | undefined): Member {
  return known === undefined ? member : { ...member, dataId: known };
}

function noSuchMember(missing: NodeId): Problem {
  return refusal("no-such-member", `node ${missing} is no member`);
}

function parsed<T>(schema: z.ZodType<T>, body: string): T | Problem {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return refusal("bad-body", "the body is not JSON");
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join(".") ?? "";
  const what = (issue?.message ?? "").replace(/^Invalid input: /, "").replaceAll("\n", " ");
  return refusal("bad-body", where === "" ? what : `${where}: ${what}`);
}
