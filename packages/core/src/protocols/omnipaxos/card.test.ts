import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as invariants from "./invariants.ts";
import type { OmniPaxosMessage } from "./messages.ts";
import type { OmniPaxosRecord } from "./records.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

/** The card is checked where it can be: a table that lies is worse than none. */
const card = text("./CARD.md");

/** Complete by their types: a new kind does not compile before it stands here. */
const messageKinds = {
  heartbeat: true,
  heartbeatReply: true,
  prepareRequest: true,
  prepare: true,
  promise: true,
  nack: true,
  acceptSync: true,
  accept: true,
  accepted: true,
  decide: true,
  catchUp: true,
  learn: true,
  behind: true,
  forward: true,
  confirm: true,
  confirmed: true,
  readIndex: true,
  readAt: true,
} satisfies Record<OmniPaxosMessage["kind"], true>;

const recordKinds = {
  promised: true,
  accepted: true,
  synced: true,
  learned: true,
  chosen: true,
  stopped: true,
  impaired: true,
  lost: true,
  meta: true,
} satisfies Record<OmniPaxosRecord["kind"], true>;

function text(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

/** The rows of the first table below `## heading`, as cells; without its head. */
function table(heading: string): string[][] {
  const section = card.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands between backticks. */
function names(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

describe("the card", () => {
  test("lists every message, in the order of the union", () => {
    expect(table("Messages").map(([kind]) => names(kind)[0])).toEqual(Object.keys(messageKinds));
  });

  test("names every field that a message carries, and no other", () => {
    for (const [first, , carries] of table("Messages")) {
      const kind = names(first)[0] as OmniPaxosMessage["kind"];
      const [sample] = fc.sample(arbitraryMessages[kind] as fc.Arbitrary<OmniPaxosMessage>, 1);
      const fields = Object.keys(sample ?? {}).filter((field) => field !== "kind");
      expect(names(carries).sort(), kind).toEqual(fields.sort());
    }
  });

  test("lists every record, in the order of the union", () => {
    const listed = table("Durable state").map(([kind]) => names(kind)[0]);
    expect(listed).toEqual(Object.keys(recordKinds));
  });

  test("lists every invariant with the function that checks it", () => {
    const listed = table("Invariants").map(([name, , checker]) => [
      names(name)[0],
      names(checker)[0],
    ]);
    const source = text("./invariants.ts");
    const documented = [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\nexport function (\w+)/gs)];
    const claimed = documented.flatMap(([, comment = "", checker = ""]) =>
      names(comment)
        .filter((name) => name.includes("-"))
        .map((name) => [name, checker]),
    );
    expect(listed).toEqual(claimed);
    const checkers = Object.keys(invariants).filter((name) => name !== "createHistory");
    expect([...new Set(listed.map(([, checker]) => checker))].sort()).toEqual(checkers.sort());
  });

  test("lists no invariant whose checker was never seen to complain", () => {
    const tests = text("./invariants.test.ts");
    for (const [name] of table("Invariants")) expect(tests).toContain(`("${names(name)[0]}"`);
  });

  test("names files that exist", () => {
    for (const [, file] of table("Roles"))
      for (const name of names(file)) expect(text(`./${name}`), name).not.toBe("");
  });
});
