import {
  type Command,
  type CommandKind,
  EMPTY_FOOTPRINT,
  type Position,
  scramble,
} from "@synod/core";
import { KeyValueMachine, keyValue } from "@synod/machines";
import { Execution } from "../../execution.ts";
import { stateHash } from "../../state-hash.ts";
import type { Manifest } from "../manifest.ts";
import type { LoadOutcome, SnapshotStore } from "../store.ts";

const LIMITS = { sessionsMax: 6, sessionResultsMax: 4, expiredMax: 5 };

/** A protocol's own image, different at every position. */
export function protocolImage(position: Position): Uint8Array {
  return Uint8Array.of(position.index & 0xff, 9);
}

export function newExecution(): Execution {
  return new Execution(new KeyValueMachine(), LIMITS);
}

export function hashOf(execution: Execution): string {
  return stateHash(execution.freeze());
}

/** What is at `index` of one endless log: writes of many clients, who come, retry, and expire. */
export function commandAt(index: number): Command {
  const node = index % 3 === 0;
  const client = node ? "~1.1" : `client${scramble(index) % 14}`;
  const sequence = node ? index : 1 + (scramble(-index) % 3);
  const key = node ? `key${index % 40}` : `${client}/${sequence}`;
  const payload = keyValue.put(key, new Uint8Array(20 + (sequence % 30)).fill(sequence));
  return made(client, sequence, payload, "apply");
}

export function barrier(): Command {
  return made("~1.1", 1, new Uint8Array(0), "barrier");
}

function made(client: string, sequence: number, payload: Uint8Array, kind: CommandKind): Command {
  return {
    kind,
    client,
    sequence,
    acknowledged: client === "~1.1" ? Math.max(1, sequence - 9) : 1,
    origin: 0,
    payload,
    footprint: EMPTY_FOOTPRINT,
  };
}

/** Executes the log from where the state is; every hundredth command is a barrier. */
export function executeUpTo(execution: Execution, index: number): void {
  for (let next = execution.executedUpTo.index + 1; next <= index; next += 1)
    execution.execute({ log: 0, index: next }, next % 100 === 0 ? barrier() : commandAt(next));
}

/** The state after `index` commands, made by nobody who ever crashed. */
export function hashAt(index: number): string {
  const execution = newExecution();
  executeUpTo(execution, index);
  return hashOf(execution);
}

export interface Opened {
  readonly outcome: LoadOutcome;
  readonly execution: Execution;
}

/** Starts a store; `run` lets the world go on until it has. */
export function open(store: SnapshotStore, run: (until: () => boolean) => void): Opened {
  let opened: Opened | null = null;
  const execution = newExecution();
  store.open(
    () => execution.restore(),
    (outcome) => {
      opened = { outcome, execution: outcome.kind === "none" ? newExecution() : execution };
    },
  );
  run(() => opened !== null);
  if (opened === null) throw new Error("the store did not open");
  return opened;
}

/** Writes a snapshot of the state as it is now. */
export function write(
  store: SnapshotStore,
  execution: Execution,
  done: (error: { readonly code: string } | null, manifest: Manifest | null) => void,
): void {
  const { executedUpTo } = execution;
  const taken = { position: executedUpTo, protocolImage: protocolImage(executedUpTo) };
  store.write({ ...taken, tenure: null }, execution.freeze(), done);
}
