import { describe, expect, test } from "vitest";
import { SyncPlace } from "./sync-place.ts";

/** Syncs of `tookMs`, one after the other; returns the time after them. */
function syncs(place: SyncPlace, count: number, tookMs: number, fromMs: number): number {
  let nowMs = fromMs;
  for (let sync = 0; sync < count; sync += 1) {
    nowMs += tookMs;
    place.took(tookMs, nowMs);
  }
  return nowMs;
}

describe("SyncPlace", () => {
  test("leaves an unknown disk to the pool, and a slow one for good", () => {
    const place = new SyncPlace();
    expect(place.isInline(0, 0)).toBe(false);
    const nowMs = syncs(place, 500, 1.5, 0);
    expect(place.isInline(nowMs, 0)).toBe(false);
  });

  test("moves a quick disk into the event loop", () => {
    const place = new SyncPlace();
    const nowMs = syncs(place, 100, 0.3, 0);
    expect(place.isInline(nowMs, 0)).toBe(true);
    expect(place.isInline(nowMs, 1_048_576)).toBe(true);
  });

  test("not while many bytes wait to be written, which one sync may have to wait for", () => {
    const place = new SyncPlace();
    const nowMs = syncs(place, 100, 0.3, 0);
    expect(place.isInline(nowMs, 1_048_577)).toBe(false);
  });

  test("one slow sync sends the next ones to the pool, for a second", () => {
    const place = new SyncPlace();
    let nowMs = syncs(place, 100, 0.3, 0);
    nowMs = syncs(place, 1, 6, nowMs);
    const slowAtMs = nowMs;
    nowMs = syncs(place, 100, 0.3, nowMs);
    expect(place.isInline(nowMs, 0)).toBe(false);
    expect(place.isInline(slowAtMs + 999, 0)).toBe(false);
    expect(place.isInline(slowAtMs + 1_000, 0)).toBe(true);
  });

  test("a disk that gets slower goes back to the pool", () => {
    const place = new SyncPlace();
    let nowMs = syncs(place, 100, 0.3, 0);
    nowMs = syncs(place, 50, 3, nowMs);
    expect(place.isInline(nowMs, 0)).toBe(false);
  });
});
