import { hash64, type Machine, type NodeId } from "@synod/core";
import type { Cluster } from "../cluster.ts";
import type { OperationCodec } from "../system.ts";
import type { Panel } from "./panel.ts";

const SLICE_BYTES = 65_536;

/**
 * At rest all of these members are up, stand at the same position and hold the same state: the one
 * that the executed order makes. Returns what is not so yet; states that differ at the same
 * position are accused at once.
 */
export function checkRest<S, M>(
  cluster: Cluster<S, M>,
  core: ReadonlySet<NodeId>,
  panel: Panel,
  codec: OperationCodec,
): string | null {
  const hashes = new Set<string>();
  const positions = new Set<number>();
  const members = cluster.members.filter((member) => core.has(member.node));
  for (const { node, state, host, machine } of members) {
    if (state !== "up" || host === null || machine === null) return `node ${node} is ${state}`;
    const status = host.status();
    if (!status.ready) return `node ${node} is not ready: ${status.notReadyReason}`;
    if (status.outstanding > 0)
      return `node ${node} has ${status.outstanding} requests outstanding`;
    positions.add(status.executedUpTo.index);
    hashes.add(imageHash(machine));
  }
  if (positions.size > 1) return `positions differ: ${[...positions].join(", ")}`;
  if (hashes.size > 1) panel.accuse("state", `states differ at ${[...positions].join()}`);
  const { state } = panel;
  for (const { node, machine } of members)
    for (const key of state.keys) {
      const held = machine === null ? null : codec.answer(machine.query(codec.get(key)));
      const expected = state.valueAt(key, state.last);
      if (held !== expected)
        panel.accuse("state", `node ${node} holds ${held} for ${key}, not ${expected}`);
    }
  return null;
}

function imageHash(machine: Machine): string {
  const image = machine.freeze();
  let hash = "";
  for (let slice = image.next(SLICE_BYTES); slice !== null; slice = image.next(SLICE_BYTES))
    hash += hash64(slice);
  image.release();
  return hash;
}
