import { expect, test } from "vitest";
import { Rate } from "./rate.ts";

/** A rate of 1,000 per second, and who has gone, with the time at which that was due. */
function started() {
  const clock = { now: 0 };
  const rate = new Rate(1_000, () => clock.now);
  const gone: string[] = [];
  const ask = (...names: string[]): void => {
    for (const name of names) rate.whenDue((dueAt) => gone.push(`${name} ${dueAt}`));
  };
  const until = (now: number): void => {
    clock.now = now;
    rate.tick();
  };
  return { rate, gone, ask, until };
}

test("so many go per second, those that wait longest first", () => {
  const { rate, gone, ask, until } = started();
  ask("a", "b", "c", "d", "e");
  expect(gone).toEqual([]);
  until(1.5);
  expect(gone).toEqual(["a 0", "b 1"]);
  until(1.9);
  expect(gone).toHaveLength(2);
  until(3);
  expect(gone).toEqual(["a 0", "b 1", "c 2", "d 3"]);
  rate.end();
});

test("what found no connection goes late, and counts from when it was due", () => {
  const { rate, gone, ask, until } = started();
  ask("a");
  until(500);
  expect(gone).toEqual(["a 0"]);
  ask("b", "c");
  until(501);
  expect(gone).toEqual(["a 0", "b 1", "c 2"]);
  rate.end();
});

test("nothing goes once it has ended", () => {
  const { rate, gone, ask, until } = started();
  ask("a");
  rate.end();
  until(1_000);
  expect(gone).toEqual([]);
});
