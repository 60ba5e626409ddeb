import { type NodeId, type Position, Reader, sameBytes, Writer } from "@synod/core";
import {
  type Configuration,
  configurationProblem,
  type Member,
  type Tenure,
} from "../configuration.ts";
import { readConfiguration, writeConfiguration } from "../configuration-codec.ts";
import type { ReconfigureRequest } from "../host-options.ts";
import { type Failed, failed, type Outcome } from "../outcome.ts";

/** What a stop carries. */
export function encodeStop(next: Configuration): Uint8Array {
  const writer = new Writer();
  writeConfiguration(writer, next);
  return writer.take();
}

/**
 * The configuration that begins where a stop with this payload ended one. A payload that names no
 * successor of it cannot be refused any more: then the same members go on.
 */
export function successorOf(
  before: Configuration,
  payload: Uint8Array,
  position: Position,
): Tenure {
  const reader = new Reader(payload);
  const next = readConfiguration(reader);
  const number = before.number + 1;
  const fits =
    next !== null && reader.complete() && next.number === number && next.cluster === before.cluster;
  return { configuration: fits ? next : { ...before, number }, began: position };
}

/** How a stop ended that was proposed here, by what came of the configuration that it ended. */
export function stopOutcome(tenure: Tenure, payload: Uint8Array): Outcome {
  if (!sameBytes(payload, encodeStop(tenure.configuration)))
    return failed("configuration-changed", "no");
  return { kind: "done", position: tenure.began, result: new Uint8Array(0), repeated: false };
}

/** The configuration that a request asks for, or why there can be none. */
export function nextConfiguration(
  current: Configuration,
  request: ReconfigureRequest,
  dataIdOf: (node: NodeId) => string,
): Configuration | Failed {
  if (request.replaces !== current.number)
    return failed("configuration-changed", "no", `${current.number} is in force`);
  const unknown: NodeId[] = [];
  const members = request.members.map((member): Member => {
    const dataId = member.dataId === undefined || member.dataId === "" ? null : member.dataId;
    const before = current.members.find(({ id }) => id === member.id);
    const known = dataId ?? before?.dataId ?? dataIdOf(member.id);
    if (known === "") unknown.push(member.id);
    return { ...member, dataId: known };
  });
  if (unknown.length > 0) return failed("data-id-unknown", "no", `of ${unknown.join(", ")}`);
  members.sort((a, b) => a.id - b.id);
  const { cluster, number } = current;
  const next = { number: number + 1, cluster, members, quorums: request.quorums };
  const problem = configurationProblem(next);
  if (problem !== null) return failed("configuration-invalid", "no", problem);
  const isSame =
    members.every(({ id, dataId }) => dataIdOf(id) === dataId) &&
    sameBytes(shown(next), shown(current));
  return isSame ? failed("configuration-unchanged", "no") : next;
}

/** But for number and data ids, which the first configuration does not name. */
function shown(configuration: Configuration): Uint8Array {
  const members = configuration.members.map(({ id, address, zone, roles }) => {
    return { id, address, zone, roles };
  });
  return encodeStop({ ...configuration, number: 1, members });
}
