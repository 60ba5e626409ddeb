import type { NodeId, PortError } from "@synod/core";
import type { DiskCall, DiskImage } from "@synod/simulator";
import { beforeAll, expect, test } from "vitest";
import {
  expectEnd,
  imagesOf,
  isThrough,
  type Name,
  NEXT,
  startAll,
  threeAndOne,
} from "../testing/hand-over-lab.ts";

/**
 * The k-th thing that is asked of a member's disk fails, for every k from its start until it is
 * through all that a host does with a disk: boot, appends, new segments, snapshots, the cut of the
 * journal, a state from others, a hand-over to the next configuration. A node that cannot trust its
 * disk any more ends and says why; one without room goes on when there is room, or ends where it
 * cannot do without. It is whole when it is started again, the others never end, and nothing that
 * was acknowledged is lost. What `format` does is in identity-format.test.ts.
 */
const IO: PortError = { code: "io", message: "the disk is broken" };
const FULL: PortError = { code: "no-space", message: "the disk is full" };
const GROWING: readonly DiskCall[] = ["create", "write"];
const ALL: readonly DiskCall[] = [
  "lock",
  "list",
  "create",
  "size",
  "read",
  "write",
  "sync",
  "rename",
  "remove",
  "syncDirectory",
];

const CALLS: Readonly<Record<string, readonly DiskCall[]>> = { io: ALL, "no-space": GROWING };

/** Protocol, and the member whose disk fails: one that stays, or the one that joins. */
const CASES: readonly (readonly [Name, NodeId])[] = [
  ["multipaxos", 2],
  ["omnipaxos", 3],
  ["multipaxos", 3],
  ["omnipaxos", 2],
];
/**
 * The disk is the host's business: by turns one of the cases is looked at, with every third
 * operation. `SYNOD_ALL=1`: all of them, with every one.
 */
const IS_WHOLE = process.env["SYNOD_ALL"] === "1";
const STEP = IS_WHOLE ? 1 : 3;
const STRIDE = IS_WHOLE ? 1 : CASES.length;

/** What a host that ends of it gives as its reason, before the colon. */
const ENDS_OF_IO = [
  "configuration 2",
  "disk",
  "identity",
  "journal",
  "journal of 1",
  "snapshot",
  "snapshot of a configuration",
  "state transfer",
  "transferred snapshot",
];
/** Where it is about to begin something, and cannot do without. */
const ENDS_OF_NO_SPACE = ["configuration 2", "disk", "identity"];

const bases = new Map<Name, readonly DiskImage[]>();

beforeAll(() => {
  for (const name of ["multipaxos", "omnipaxos"] as const) bases.set(name, imagesOf(name));
});

const WRITES = 30;
/** More than a segment holds: where none could be made ahead, the node ends when it needs it. */
const WRITES_AFTER = 9;

interface Life {
  /** Whether the disk failed before the member was through. */
  readonly struck: boolean;
  /** What was ended by it, if anything was, and why. */
  readonly ended: string | null;
}

/** `victim`'s disk fails at its k-th call of those that can fail so. */
function live([name, victim]: readonly [Name, NodeId], k: number, error: PortError): Life {
  const lab = threeAndOne(name, bases.get(name));
  const where = `${name}, node ${victim}, operation ${k}, ${error.code}`;
  const { faults, image } = lab.node(victim).disk;
  const others = lab.nodes.map(({ id }) => id).filter((id) => id !== victim);
  startAll(lab, others);
  faults.arm({ call: CALLS[error.code] ?? [], prefix: "", after: k - 1, times: 1, error });
  lab.start(victim);
  const writes = new Map<string, number>();
  let change: number | null = null;
  let ended: string | null = null;
  let struck: boolean | null = null;
  const isDone = (key: string) =>
    lab.outcomes.get(writes.get(key) ?? 0)?.kind === "done" && isThrough(lab, victim);
  let after = 0;
  for (let turn = 0; turn < 400 && after < WRITES_AFTER; turn += 1) {
    // The journal of the configuration before is removed some seconds after the hand-over.
    const isQuiet = faults.strikes > 0 || !image.names().includes("journal-000000000001");
    if (struck === null && isDone("last") && isQuiet) {
      struck = faults.strikes > 0;
      faults.clear();
    }
    if (isDone(`after-${after}`)) after += 1;
    const key = turn < WRITES ? `w-${turn}` : struck === null ? "last" : `after-${after}`;
    const at = turn < WRITES ? 0 : victim;
    if (!lab.allDone([writes.get(key) ?? 0])) writes.set(key, lab.put(at, key, `of ${key}`));
    if (turn >= WRITES && (change === null || lab.outcomes.get(change)?.kind === "failed"))
      change = lab.reconfigure(0, NEXT);
    lab.run(25);
    if (lab.node(victim).ended === null) continue;
    // Its disk fails once: whoever has it started again finds everything in order.
    expect(ended, where).toBe(null);
    ended = lab.node(victim).ended;
    lab.crash(victim, "process");
    lab.start(victim);
  }
  expect(struck, where).not.toBe(null);
  for (const id of others) expect(lab.node(id).ended, where).toBe(null);
  expectEnd(lab, writes, where);
  return { struck: struck === true, ended };
}

/** Lives with ever later failures, until the disk is not asked so often any more. */
function livesOf(error: PortError): Life[] {
  const lives: Life[] = [];
  let quiet = 0;
  for (let k = 1; quiet < CASES.length; k += STEP)
    for (let at = k % STRIDE; at < CASES.length; at += STRIDE) {
      const life = live(CASES[at] as readonly [Name, NodeId], k, error);
      quiet = life.struck ? 0 : quiet + 1;
      lives.push(life);
    }
  return lives;
}

function endsOf(lives: readonly Life[]): string[] {
  const ends = lives.flatMap(({ ended }) => (ended === null ? [] : [ended.replace(/: .*/, "")]));
  return [...new Set(ends)].sort();
}

test("every operation fails once: the node ends and says why, and is whole when started", () => {
  const lives = livesOf(IO);
  expect(lives.length).toBeGreaterThan(50);
  expect(ENDS_OF_IO).toEqual(expect.arrayContaining(endsOf(lives)));
  // Almost nothing can be done without.
  const doneWithout = lives.filter(({ struck, ended }) => struck && ended === null);
  expect(doneWithout.length / lives.length).toBeLessThan(0.125);
});

test("no room for an operation: the node waits for some, or ends and is whole when started", () => {
  const lives = livesOf(FULL);
  expect(lives.length).toBeGreaterThan(20);
  expect(ENDS_OF_NO_SPACE).toEqual(expect.arrayContaining(endsOf(lives)));
  expect(lives.filter(({ struck, ended }) => struck && ended === null).length).toBeGreaterThan(10);
});
