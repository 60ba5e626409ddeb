import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as invariants from "./invariants.ts";
import type { PmmcMessage } from "./messages.ts";
import type { PmmcRecord } from "./records.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

/** The card is checked where it can be: a table that lies is worse than none. */
const card = text("./CARD.md");

/** Complete by their types: a new kind does not compile before it stands here. */
const messageKinds = {
  p1a: true,
  p1b: true,
  p2a: true,
  p2b: true,
  propose: true,
  decision: true,
  ping: true,
  pong: true,
  report: true,
  ask: true,
  decisions: true,
  behind: true,
  readQuery: true,
  readReply: true,
  renew: true,
  grant: true,
} satisfies Record<PmmcMessage["kind"], true>;

const recordKinds = {
  ballot: true,
  adopted: true,
  accepted: true,
  learned: true,
  decided: true,
  impaired: true,
  meta: true,
} satisfies Record<PmmcRecord["kind"], true>;

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
  test("has the headings of every card", () => {
    const headings = (of: string): string[] => of.match(/^## .*$/gm) ?? [];
    expect(headings(card)).toEqual(headings(text("../multipaxos/CARD.md")));
  });

  test("lists every message, in the order of the union", () => {
    expect(table("Messages").map(([kind]) => names(kind)[0])).toEqual(Object.keys(messageKinds));
  });

  test("names every field that a message carries, and no other", () => {
    for (const [first, , carries] of table("Messages")) {
      const kind = names(first)[0] as PmmcMessage["kind"];
      const [sample] = fc.sample(arbitraryMessages[kind] as fc.Arbitrary<PmmcMessage>, 1);
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
    for (const [name] of table("Invariants")) expect(tests).toContain(`"${names(name)[0]}"`);
  });

  test("names files that exist", () => {
    for (const [, file] of table("Roles"))
      for (const name of names(file)) expect(text(`./${name}`), name).not.toBe("");
  });
});
