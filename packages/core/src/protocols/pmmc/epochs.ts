import { Reader, Writer } from "../../codec.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { majority } from "../../quorum.ts";
import { readEpochs, readMembers, writeEpochs, writeMembers } from "./codec.ts";
import type { Epoch } from "./messages.ts";
import type { PmmcState } from "./state.ts";

/**
 * Who leads and who accepts in which slots (section 2.1 of the paper, which says configuration). A
 * reconfiguration that is decided in slot s governs from s + WINDOW on; no replica proposes that
 * far before it has executed s, so everybody who proposes in a slot knows its epoch.
 */

/** The payload of a `configure` command: from the next epoch on, these lead and these accept. */
export interface Reconfiguration {
  /**
   * The epoch that it begins; it does nothing unless that is the next one, however often decided.
   */
  readonly number: number;
  /** Ascending. */
  readonly leaders: readonly NodeId[];
  /** Ascending. */
  readonly acceptors: readonly NodeId[];
}

export function encodeReconfiguration(reconfiguration: Reconfiguration): Uint8Array {
  const writer = new Writer();
  writer.u32(reconfiguration.number);
  writeMembers(writer, reconfiguration.leaders);
  writeMembers(writer, reconfiguration.acceptors);
  return writer.take();
}

/** Null when the bytes are none. */
export function decodeReconfiguration(payload: Uint8Array): Reconfiguration | null {
  const reader = new Reader(payload);
  const number = reader.u32();
  const leaders = readMembers(reader);
  const acceptors = readMembers(reader);
  return reader.complete() ? { number, leaders, acceptors } : null;
}

export function lastEpoch(state: PmmcState): Epoch {
  return state.epochs.at(-1) as Epoch;
}

/** The epoch of a slot; null where this member does not know it (any more, or yet). */
export function epochOf(state: PmmcState, slot: Slot): Epoch | null {
  const { epochs } = state;
  for (let index = epochs.length - 1; index >= 0; index -= 1) {
    const epoch = epochs[index] as Epoch;
    if (epoch.first > slot) continue;
    const next = epochs[index + 1];
    return next === undefined || next.number === epoch.number + 1 ? epoch : null;
  }
  return null;
}

export function epochNumbered(state: PmmcState, number: number): Epoch | null {
  return state.epochs.find((epoch) => epoch.number === number) ?? null;
}

/** Epochs by number, both inclusive. */
export function epochsBetween(state: PmmcState, from: number, upTo: number): Epoch[] {
  return state.epochs.filter(({ number }) => number >= from && number <= upTo);
}

/** Everybody who accepts in one of these, ascending. */
export function acceptorsOf(epochs: readonly Epoch[]): NodeId[] {
  const all = new Set(epochs.flatMap(({ acceptors }) => acceptors));
  return [...all].sort((a, b) => a - b);
}

/** The first epoch has the quorums of the configuration; later ones have majorities. */
export function isPhase1(state: PmmcState, epoch: Epoch, voters: ReadonlySet<NodeId>): boolean {
  const quorums = epoch.number === 0 ? state.settings.quorums : majority(epoch.acceptors);
  return quorums.isPhase1(voters);
}

export function isPhase2(state: PmmcState, epoch: Epoch, voters: ReadonlySet<NodeId>): boolean {
  const quorums = epoch.number === 0 ? state.settings.quorums : majority(epoch.acceptors);
  return quorums.isPhase2(voters);
}

/** What goes along with a proposal: nothing while there is only the first epoch. */
export function epochsToTell(state: PmmcState): readonly Epoch[] {
  const { epochs } = state;
  if (lastEpoch(state).number === 0) return [];
  let start = epochs.length - 1;
  while (start > 0 && epochs[start - 1]?.number === (epochs[start] as Epoch).number - 1) start -= 1;
  return epochs.slice(start);
}

/** Epochs with one number are the same everywhere. True: some of these were news. */
export function learnEpochs(state: PmmcState, told: readonly Epoch[]): boolean {
  const oldest = (state.epochs[0] as Epoch).number;
  const news = told.filter(
    ({ number }) => number > oldest && epochNumbered(state, number) === null,
  );
  if (news.length === 0) return false;
  state.epochs = [...state.epochs, ...news].sort((a, b) => a.number - b.number);
  return true;
}

/**
 * A reconfiguration is decided in `slot`. Nothing happens when it is not the next one, or names
 * somebody who is no member.
 */
export function reconfigure(state: PmmcState, slot: Slot, payload: Uint8Array): boolean {
  const wanted = decodeReconfiguration(payload);
  if (wanted === null) return false;
  const { number, leaders, acceptors } = wanted;
  const { members } = state.settings;
  if (![...leaders, ...acceptors].every((member) => members.includes(member))) return false;
  const before = decidedBy(state, slot).at(-1);
  if (before === undefined || number !== before.number + 1) return false;
  return learnEpochs(state, [{ number, first: slot + state.tuning.window, leaders, acceptors }]);
}

/** What a replica that begins after `slot` must know: the same bytes on every replica. */
export function epochImage(state: PmmcState, slot: Slot): Uint8Array {
  const decided = decidedBy(state, slot);
  const governing = decided.filter(
    (_, index) => (decided[index + 1]?.first ?? slot + 2) > slot + 1,
  );
  if (governing.at(-1)?.number === 0) return NO_IMAGE;
  const writer = new Writer();
  writeEpochs(writer, governing);
  return writer.take();
}

/** A snapshot is in place: epochs that end before it are history. */
export function installEpochs(state: PmmcState, image: Uint8Array): void {
  if (image.length === 0) return;
  const told = readEpochs(new Reader(image));
  const first = told[0];
  if (first === undefined || first.number <= (state.epochs[0] as Epoch).number) return;
  const newer = state.epochs.filter(({ number }) => number > (told.at(-1) as Epoch).number);
  state.epochs = [...told, ...newer];
}

/** Nobody will ask any more about slots up to here. */
export function forgetEpochs(state: PmmcState, upTo: Slot): void {
  while ((state.epochs[1]?.first ?? upTo + 2) <= upTo + 1) state.epochs.shift();
}

/** Epochs that follow from what is decided up to `slot`: others may have told of later ones. */
function decidedBy(state: PmmcState, slot: Slot): Epoch[] {
  return state.epochs.filter(
    ({ number, first }) => number === 0 || first - state.tuning.window <= slot,
  );
}

export const NO_IMAGE: Uint8Array = new Uint8Array(0);
