import { FRAME_BYTES_MAX, RECORD_BYTES_MAX, VALUE_BYTES_MAX } from "@synod/core";
import { expect, test } from "vitest";
import { MULTIPAXOS_TUNING, SLOTS_AHEAD_MAX, tuningOf } from "./tuning.ts";

test("absent numbers get defaults, others are taken as they are", () => {
  expect(tuningOf({})).toEqual(MULTIPAXOS_TUNING);
  expect(tuningOf({ window: 32, electionMs: 900 })).toEqual({
    ...MULTIPAXOS_TUNING,
    window: 32,
    electionMs: 900,
  });
});

test("names that mean nothing here are ignored", () => {
  expect(tuningOf({ windows: 3, toString: 4 })).toEqual(MULTIPAXOS_TUNING);
});

test("numbers that make no sense are ignored", () => {
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 0.5])
    expect(tuningOf({ window: bad, heartbeatMs: bad })).toEqual(MULTIPAXOS_TUNING);
  expect(tuningOf({ preVote: -1, retainBytes: -1 })).toEqual(MULTIPAXOS_TUNING);
});

test("zero means something for some", () => {
  expect(tuningOf({ preVote: 0, retainBytes: 0 })).toMatchObject({ preVote: 0, retainBytes: 0 });
});

test("no window is wider than what acceptors take", () => {
  expect(tuningOf({ window: 1e9 }).window).toBe(SLOTS_AHEAD_MAX);
  expect(tuningOf({ window: 2.9 }).window).toBe(2);
});

test("whatever is asked for, messages and records stay below the limits of the formats", () => {
  const { batchBytesMax, chunkBytes, window } = tuningOf({
    batchBytesMax: 1e12,
    chunkBytes: 1e12,
    window: 1e12,
  });
  // A promise has 33 bytes around each value, and room for as many no-ops as the window.
  const around = 33 * window + 100;
  expect(batchBytesMax).toBeLessThanOrEqual(VALUE_BYTES_MAX);
  expect(chunkBytes + around).toBeLessThan(FRAME_BYTES_MAX);
  expect(chunkBytes + around).toBeLessThan(RECORD_BYTES_MAX);
});

test("a heartbeat is missed several times before anybody stands for election", () => {
  const { heartbeatMs, electionMs } = MULTIPAXOS_TUNING;
  expect(electionMs).toBeGreaterThanOrEqual(4 * heartbeatMs);
});
