import { type Ballot, compareBallots } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { JournalRecord } from "../../effect.ts";
import { invariant } from "../../invariant.ts";
import type { Start } from "../../protocol.ts";
import { report } from "./collection.ts";
import { installEpochs } from "./epochs.ts";
import { startLeader } from "./leader.ts";
import type { Out } from "./messages.ts";
import { decodeRecord, type PmmcRecord } from "./records.ts";
import { persist, setTimer } from "./send.ts";
import type { PmmcState, Recovery, ReplicaState } from "./state.ts";

/** Journal records in the order in which they were written. */
export function onRecover(state: PmmcState, records: readonly JournalRecord[]): void {
  const { recovery } = state;
  invariant(recovery !== null, "recover after start");
  for (const { record } of records) {
    const decoded = decodeRecord(record);
    if (decoded === null) recovery.unreadable = true;
    else replay(state, recovery, decoded);
  }
}

function replay(state: PmmcState, recovery: Recovery, record: PmmcRecord): void {
  const { acceptor, leader, replica } = state;
  switch (record.kind) {
    case "ballot":
      leader.ballot = highest(leader.ballot, record.ballot);
      return;
    case "adopted":
      acceptor.ballot = highest(acceptor.ballot, record.ballot);
      return;
    case "accepted": {
      const { ballot, slot, epoch, value } = record;
      acceptor.ballot = highest(acceptor.ballot, ballot);
      acceptor.highest = Math.max(acceptor.highest, slot);
      acceptor.accepted.set(slot, { ballot, epoch, value });
      return;
    }
    case "learned":
      replica?.decisions.set(record.slot, record.value);
      return;
    case "decided":
      recovery.marks.set(record.slot, record.ballot);
      return;
    case "impaired":
      state.impaired = true;
      return;
    case "meta":
      acceptor.ballot = highest(acceptor.ballot, record.adopted);
      leader.ballot = highest(leader.ballot, record.own);
      acceptor.gcSlot = Math.max(acceptor.gcSlot, record.gcSlot);
      acceptor.highest = Math.max(acceptor.highest, record.highest);
      state.impaired ||= record.impaired;
      return;
  }
}

/** The end of recovery: what the records and the snapshot together say, and no more than that. */
export function onStart(state: PmmcState, out: Out, start: Start, now: number): void {
  const { recovery, replica, acceptor, leader, tuning } = state;
  invariant(recovery !== null, "started twice");
  state.recovery = null;
  state.phase = "running";
  state.incarnation = start.incarnation;
  const isDamaged = start.missing === "unnamed" || start.missing.length > 0 || recovery.unreadable;
  if (isDamaged && !state.impaired) {
    state.impaired = true;
    persist(state, out, { kind: "impaired" });
  }
  state.voter = start.voter && !state.impaired;
  leader.seen = highest(leader.ballot, acceptor.ballot);
  // What was granted before the crash is forgotten, so nobody is helped to lead until it is over.
  if (tuning.leaseMs > 0) acceptor.leaseUntil = now + tuning.leaseMs;
  if (replica !== null) {
    if (!isDamaged) applyMarks(state, replica, recovery);
    settle(state, replica, start);
    report(state, out);
    setTimer(out, "retry", tuning.retryMs);
  }
  startLeader(state, out);
}

/** A mark means what was accepted here in its ballot or in a higher one: the same command. */
function applyMarks(state: PmmcState, replica: ReplicaState, recovery: Recovery): void {
  for (const [slot, ballot] of recovery.marks) {
    const accepted = state.acceptor.accepted.get(slot);
    if (accepted !== undefined && compareBallots(accepted.ballot, ballot) >= 0)
      replica.decisions.set(slot, accepted.value);
  }
}

function settle(state: PmmcState, replica: ReplicaState, start: Start): void {
  const { index } = start.delivered;
  installEpochs(state, start.image);
  replica.slotOut = index + 1;
  replica.slotIn = index + 1;
  replica.stableUpTo = index;
  replica.compactedUpTo = index;
  while (replica.decisions.has(replica.compactedUpTo)) replica.compactedUpTo -= 1;
  for (const slot of replica.decisions.keys())
    if (slot <= replica.compactedUpTo) replica.decisions.delete(slot);
  for (const slot of state.acceptor.accepted.keys())
    if (slot <= state.acceptor.gcSlot) state.acceptor.accepted.delete(slot);
  replica.stoppedAt = isStop(replica.decisions.get(index)) ? index : 0;
}

/** The configuration may have ended exactly where the snapshot was taken. */
function isStop(value: Uint8Array | undefined): boolean {
  const commands = value === undefined ? [] : (decodeCommands(value) ?? []);
  return commands.some((command) => command.kind === "stop");
}

/** A member that was kept from voting may vote from now on, unless its disk has lost something. */
export function onAdmit(state: PmmcState, out: Out): void {
  if (state.voter || state.impaired) return;
  state.voter = true;
  startLeader(state, out);
}

function highest(a: Ballot, b: Ballot): Ballot {
  return compareBallots(a, b) >= 0 ? a : b;
}
