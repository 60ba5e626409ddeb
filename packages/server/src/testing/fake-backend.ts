import { KeyValueMachine } from "@synod/machines";
import { type Answer, type ConfigurationChange, SynodError, type Waiter } from "@synod/node";
import { failed, type HostStatus, type Outcome, type SessionRequest } from "@synod/runtime";
import type { Backend } from "../key-requests.ts";

export interface Submitted {
  readonly payload: Uint8Array;
  readonly session: SessionRequest | null;
  readonly deadlineMs: number;
}

export interface Queried {
  readonly consistency: "linearizable" | "stale";
  readonly deadlineMs: number;
}

/**
 * A node of one replica without consensus: executes in order of arrival, answers in a later turn.
 */
export class FakeBackend implements Backend {
  readonly machine: KeyValueMachine = new KeyValueMachine();
  readonly submitted: Submitted[] = [];
  readonly queried: Queried[] = [];
  readonly changes: ConfigurationChange[] = [];
  slot = 0;
  /** Answers everything with this instead. */
  outcome: Outcome | null = null;
  statusNow: HostStatus = STATUS;
  /** Keeps what would be answered; null: answers at once. */
  held: (() => void)[] | null = null;

  submit(
    payload: Uint8Array,
    session: SessionRequest | null,
    deadlineMs: number,
    waiter: Waiter,
  ): void {
    this.submitted.push({ payload, session, deadlineMs });
    this.slot += 1;
    const position = { log: 0, index: this.slot };
    this.#answer(waiter, () => {
      const result = this.machine.apply(payload);
      return { kind: "done", position, result, repeated: false };
    });
  }

  query(
    query: Uint8Array,
    consistency: "linearizable" | "stale",
    deadlineMs: number,
    waiter: Waiter,
  ): void {
    this.queried.push({ consistency, deadlineMs });
    const position = { log: 0, index: this.slot };
    this.#answer(waiter, () => {
      const result = this.machine.query(query);
      return { kind: "done", position, result, repeated: false };
    });
  }

  /** Done at slot 100, unless `outcome` says otherwise. */
  reconfigure(change: ConfigurationChange): Promise<Answer> {
    this.changes.push(change);
    if (this.outcome?.kind === "failed") return Promise.reject(SynodError.failed(this.outcome));
    const position = { log: 0, index: 100 };
    this.statusNow = { ...this.statusNow, configuration: change.replaces + 1 };
    return Promise.resolve({ position, result: new Uint8Array(0), repeated: false });
  }

  status(): HostStatus {
    return this.statusNow;
  }

  fail(code: Parameters<typeof failed>[0], applied: "no" | "unknown"): void {
    this.outcome = failed(code, applied);
  }

  #answer(waiter: Waiter, execute: () => Outcome): void {
    const answer = (): void => waiter.answered(this.outcome ?? execute());
    if (this.held === null) setImmediate(answer);
    else this.held.push(answer);
  }
}

export const STATUS: HostStatus = {
  node: 1,
  cluster: "0123456789abcdef0123456789abcdef",
  configuration: 1,
  membership: {
    state: "member",
    members: [0, 1, 2].map((id) => ({
      id,
      address: `127.0.0.1:${7000 + id}`,
      zone: "",
      roles: [],
    })),
    quorums: null,
    began: { log: 0, index: 0 },
    stopping: false,
    holders: [1],
    settled: true,
    waitsFor: "",
    applicants: [],
  },
  protocol: "multipaxos",
  replica: {
    role: "follower",
    leader: 0,
    ballot: "3.0",
    chosenUpTo: 17,
    compactedUpTo: 4,
    voter: true,
    detail: { window: 8 },
  },
  dataId: "fedcba9876543210fedcba9876543210",
  incarnation: 2,
  voter: true,
  nonVoterReason: "",
  ready: true,
  notReadyReason: "",
  executedUpTo: { log: 0, index: 16 },
  journalBytes: 4_096,
  snapshotBytes: 1_024,
  snapshotPosition: { log: 0, index: 4 },
  sessions: 3,
  outstanding: 5,
  diskFull: false,
  peers: [
    { node: 0, connected: true, dataId: "aa", incarnation: 1, refused: "" },
    { node: 2, connected: false, dataId: "", incarnation: 0, refused: "its disk is blank" },
  ],
};
