import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** What a protocol's card is held against. */
export interface CardSubject<M extends { readonly kind: string }> {
  /** URL of the test beside the card. */
  readonly beside: string;
  /** Kinds of messages and of records, in the order of their unions. */
  readonly messageKinds: readonly M["kind"][];
  readonly recordKinds: readonly string[];
  readonly messages: Readonly<Record<M["kind"], fc.Arbitrary<M>>>;
  /** What `invariants.ts` exports. */
  readonly invariants: object;
  /** Those of its exports that check nothing by themselves. */
  readonly keepers: readonly string[];
}

/**
 * Tests of a protocol's card where it can be tested: a table that lies is worse than none. Complete
 * lists of kinds are the caller's, by their types.
 */
export function testCard<M extends { readonly kind: string }>(subject: CardSubject<M>): void {
  const text = (path: string): string => readFileSync(new URL(path, subject.beside), "utf8");
  const card = text("./CARD.md");
  const table = (heading: string): string[][] => tableBelow(card, heading);
  const firstNames = (heading: string): (string | undefined)[] =>
    table(heading).map(([first]) => names(first)[0]);

  describe("the card", () => {
    test("has the headings of every card", () => {
      expect(headingsOf(card)).toEqual(headingsOf(text("../multipaxos/CARD.md")));
    });

    test("lists every message, in the order of the union", () => {
      expect(firstNames("Messages")).toEqual(subject.messageKinds);
    });

    test("names every field that a message carries, and no other", () => {
      for (const [first, , carries] of table("Messages")) {
        const kind = names(first)[0] as M["kind"];
        const [sample] = fc.sample(subject.messages[kind], 1);
        const fields = Object.keys(sample ?? {}).filter((field) => field !== "kind");
        expect(names(carries).sort(), kind).toEqual(fields.sort());
      }
    });

    test("lists every record, in the order of the union", () => {
      expect(firstNames("Durable state")).toEqual(subject.recordKinds);
    });

    test("lists every invariant with the function that checks it", () => {
      const listed = table("Invariants").map(([name, , by]) => [names(name)[0], names(by)[0]]);
      expect(listed).toEqual(claimedBy(text("./invariants.ts")));
      const exported = Object.keys(subject.invariants);
      const checkers = exported.filter((name) => !subject.keepers.includes(name));
      expect([...new Set(listed.map(([, checker]) => checker))].sort()).toEqual(checkers.sort());
    });

    test("lists no invariant whose checker was never seen to complain", () => {
      const tests = text("./invariants.test.ts").replace(/\s+/g, "");
      for (const name of firstNames("Invariants")) expect(tests).toContain(`("${name}"`);
    });

    test("names files that exist", () => {
      for (const [, file] of table("Roles"))
        for (const name of names(file)) expect(text(`./${name}`), name).not.toBe("");
    });
  });
}

function headingsOf(card: string): string[] {
  return card.match(/^## .*$/gm) ?? [];
}

/** The rows of the first table below `## heading`, as cells; without its head. */
function tableBelow(card: string, heading: string): string[][] {
  const section = card.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => {
    const cells = row.split("|").slice(1, -1);
    return cells.map((cell) => cell.trim());
  });
}

/** What stands between backticks. */
function names(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

/** Invariants that the comments of functions name, each with its function. */
function claimedBy(source: string): string[][] {
  const documented = [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\nexport function (\w+)/gs)];
  return documented.flatMap(([, comment = "", checker = ""]) =>
    names(comment)
      .filter((name) => name.includes("-"))
      .map((name) => [name, checker]),
  );
}
