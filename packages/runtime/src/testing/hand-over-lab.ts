import type { NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import type { DiskImage } from "@synod/simulator";
import { expect } from "vitest";
import { stateHash } from "../state-hash.ts";
import { Lab, type LabOptions } from "./lab.ts";

/** Hosts of either protocol: what is asked of them here is the host's. */
export type AnyLab = Lab<any, any>;

const PROTOCOLS = { multipaxos, omnipaxos } as const;
export type Name = keyof typeof PROTOCOLS;

/** A few dozen small writes make a snapshot and several segments. */
const SMALL = { segmentBytes: 4_096, journalBytesMax: 8_192, chunkBytes: 512, resubmitMs: 300 };
/** Node 3 joins, node 1 leaves. */
export const NEXT: readonly NodeId[] = [0, 2, 3];

/** Three members and one that is none yet; not started. */
export function threeAndOne(name: Name, images?: readonly DiskImage[]): AnyLab {
  const protocol = PROTOCOLS[name] as LabOptions<unknown, unknown>["protocol"];
  return new Lab(
    {
      protocol,
      roles: [[], [], []],
      newcomers: 1,
      tuning: SMALL,
      protocolTuning: { retainBytes: 0 },
    },
    images?.map((image) => image.copy()),
  );
}

/** Starts whoever is to start, and waits for them. */
export function startAll(lab: AnyLab, ids: readonly NodeId[] = [0, 1, 2, 3]): void {
  for (const id of ids) lab.start(id);
  expect(lab.runUntil(() => ids.every((id) => lab.node(id).isUp))).toBe(true);
}

/** Their disks after a few writes. */
export function imagesOf(name: Name): DiskImage[] {
  const lab = threeAndOne(name);
  startAll(lab);
  lab.run(1_500);
  const tokens = Array.from({ length: 12 }, (_, n) => lab.put(n % 3, `base-${n}`, `of ${n}`));
  expect(lab.runUntil(() => lab.allDone(tokens))).toBe(true);
  lab.run(200);
  for (const { id } of lab.nodes) lab.crash(id, "process");
  return lab.nodes.map(({ disk }) => disk.image.copy());
}

export const statusOf = (lab: AnyLab, id: NodeId) => lab.node(id).host?.status();

/** It votes in the next configuration and holds its state, or is not needed any more. */
export function isThrough(lab: AnyLab, id: NodeId): boolean {
  const status = statusOf(lab, id);
  if (status === undefined) return false;
  const { members, state, holders } = status.membership;
  // The second one, or the third where a member was away when it was asked for.
  if (`${members.map((member) => member.id)}` !== `${NEXT}`) return false;
  return NEXT.includes(id) ? status.voter && holders.includes(id) : state === "retired";
}

/** All are through, hold what was acknowledged, and nothing was executed in two ways. */
export function expectEnd(lab: AnyLab, writes: ReadonlyMap<string, number>, where: string): void {
  expect(
    lab.runUntil(() => lab.nodes.every(({ id }) => isThrough(lab, id))),
    where,
  ).toBe(true);
  const last = lab.put(3, "last", "of last");
  expect(
    lab.runUntil(() => lab.allDone([last])),
    where,
  ).toBe(true);
  const same = () => new Set(NEXT.map((id) => statusOf(lab, id)?.executedUpTo.index)).size === 1;
  expect(lab.runUntil(same), where).toBe(true);
  const hashes = NEXT.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size, where).toBe(1);
  const written = [...writes].filter(([, token]) => lab.outcomes.get(token)?.kind === "done");
  const reads = written.map(([key]) => [key, lab.get(3, key)] as const);
  const isRead = () => lab.allDone(reads.map(([, token]) => token));
  expect(lab.runUntil(isRead), where).toBe(true);
  for (const [key, read] of reads) expect(lab.value(read), `${where}: ${key}`).toBe(`of ${key}`);
  for (const { ended } of lab.nodes) expect(ended, where).toBe(null);
}
