import type { NodeId } from "@synod/core";
import { type ConfigurationChange, parseAddress } from "@synod/node";
import type { HostStatus, Member } from "@synod/runtime";
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

/** The configuration with one member more, as the body of a request says. */
export function withMember(status: HostStatus, body: string): ConfigurationChange | Problem {
  const wanted = parsed(addition, body);
  if ("code" in wanted) return wanted;
  if (memberOf(status, wanted.id) !== undefined)
    return refusal("already-member", `node ${wanted.id} is a member already`);
  const member = { id: wanted.id, address: wanted.peer, zone: "", roles: [] };
  return change(status, [...status.membership.members, named(member, wanted.dataId)]);
}

/** The configuration without this member. */
export function withoutMember(status: HostStatus, gone: NodeId): ConfigurationChange | Problem {
  if (memberOf(status, gone) === undefined) return noSuchMember(gone);
  return change(
    status,
    status.membership.members.filter((member) => member.id !== gone),
  );
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
  if ("code" in wanted) return wanted;
  const before = memberOf(status, old);
  if (before === undefined) return noSuchMember(old);
  const next = wanted.id ?? old;
  if (next !== old && memberOf(status, next) !== undefined)
    return refusal("already-member", `node ${next} is a member already`);
  if (next !== old && wanted.peer === undefined)
    return refusal("bad-body", `peer: where is node ${next}?`);
  const knocking = status.membership.applicants.find(({ node }) => node === next)?.dataId;
  const kept = next === old ? before.dataId : undefined;
  const member = { id: next, address: wanted.peer ?? before.address, zone: before.zone };
  const replaced = named({ ...member, roles: before.roles }, wanted.dataId ?? knocking ?? kept);
  const others = status.membership.members.filter((each) => each.id !== old);
  return change(status, [...others, replaced]);
}

function change(status: HostStatus, members: readonly Member[]): ConfigurationChange {
  return { replaces: status.configuration, members, quorums: status.membership.quorums };
}

function named(member: Omit<Member, "dataId">, known: string | undefined): Member {
  return known === undefined ? member : { ...member, dataId: known };
}

function memberOf(status: HostStatus, wanted: NodeId): Member | undefined {
  return status.membership.members.find((member) => member.id === wanted);
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
