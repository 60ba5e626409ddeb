import type { PastStart, Remembered } from "@synod/core";
import { IDENTITY_STARTS_MAX, type Identity } from "./identity-codec.ts";

/**
 * A data directory that was put back from an old copy counts its starts on from that copy. Started
 * often enough before it meets anybody, its count would reach the one that its peers remember, and
 * it would pass for the directory that it is a copy of. So every start draws a number, the boot,
 * and a directory keeps those of its earlier starts for as long as somebody may remember no later
 * one. A start follows the remembered one if the remembered one is among them; the copy has drawn
 * others.
 */

/** What a directory shows of its line of starts. */
export type Line = Pick<Identity, "incarnation" | "boot" | "starts">;

/** Whether the remembered start is not one that led to this one. */
export function isStale(memory: Pick<Remembered, "incarnation" | "boot">, line: Line): boolean {
  if (memory.incarnation > line.incarnation) return true;
  // The other formatted both before either was ever started.
  if (memory.boot === 0 || memory.boot === line.boot) return false;
  const isOf = (start: PastStart): boolean => start.boot === memory.boot;
  return memory.incarnation >= floorOf(line) && !line.starts.some(isOf);
}

/** What was remembered below this incarnation cannot be told from any other memory. */
function floorOf({ starts, incarnation }: Line): number {
  return starts[0]?.incarnation ?? incarnation;
}

/** The identity of the next start, with this boot. */
export function nextStart(before: Identity, boot: number): Identity {
  const { incarnation, starts, met } = before;
  const ended = { incarnation, boot: before.boot };
  const kept = before.boot === 0 ? starts : fitting([...starts, ended], met);
  return { ...before, incarnation: incarnation + 1, boot, starts: kept };
}

/**
 * When there are too many, the oldest goes if the next one is no newer than what others are known
 * to remember. A directory that nobody has met for so long must not forget where it came from: it
 * forgets its last start but one instead, and if somebody should remember just that one, it will be
 * taken for a copy. That costs its vote, and is safe.
 */
function fitting(starts: readonly PastStart[], met: number): readonly PastStart[] {
  if (starts.length <= IDENTITY_STARTS_MAX) return starts;
  const [, second] = starts;
  if (second !== undefined && second.incarnation <= met) return starts.slice(1);
  return [...starts.slice(0, -2), ...starts.slice(-1)];
}
