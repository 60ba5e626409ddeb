import { crc32, type Position } from "@synod/core";
import { LOSE_UNSYNCED } from "@synod/simulator";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Tenure } from "../configuration.ts";
import { at, Members } from "../snapshots/testing/members.ts";
import {
  executeUpTo,
  hashAt,
  hashOf,
  type newExecution,
  type Opened,
  open,
  protocolImage,
} from "../snapshots/testing/replica.ts";
import { LEASE_MS } from "../snapshots/transfer-serving.ts";
import { SpareTime } from "../spare-time.ts";
import { HOST_TUNING } from "../tuning.ts";
import type { Booted } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";
import { Snapshotting, type SnapshottingOptions } from "./snapshotting.ts";

const TUNING = { ...HOST_TUNING, journalBytesMax: 1000 };

/** Node 0 is the one that is tested; node 1 helps it out. */
let members: Members;
let log: string[];
let journal: { bytes: number };
let execution: ReturnType<typeof newExecution>;
let snapshotting: Snapshotting;
let options: SnapshottingOptions;
/** What happens at the very moment in which the protocol hears of it. */
let onHeard: (position: Position) => void;

beforeEach(() => {
  members = new Members(2);
  log = [];
  journal = { bytes: 2000 };
  onHeard = () => undefined;
  const world = world0();
  const life = world.boot();
  const store = world.store(life);
  execution = open(store, (until) => world.run(until)).execution;
  const heard = (what: string) => (position: Position) => {
    log.push(`${what} ${position.index}`);
    onHeard(position);
  };
  options = {
    ...life,
    booted: { identity: { node: 0 }, execution, journal, snapshots: store } as unknown as Booted,
    tuning: TUNING,
    checksum: crc32,
    guard: (callback) => callback,
    spare: new SpareTime(life.clock),
    fetchFrom: null,
    deliveries: { pause: () => log.push("pause") } as unknown as Deliveries,
    send: (to, message) => members.send(0, to, message),
    proposeBarrier: () => log.push("barrier wanted"),
    compact: heard("compact"),
    written: () => undefined,
    installed: ({ position }) => heard("installed")(position),
    tenure: () => null,
    observe: (event) => log.push(event),
    failed: (reason) => log.push(`failed: ${reason}`),
  };
  snapshotting = new Snapshotting(options);
  members.mischief = (message, from, to) => {
    if (to === 1) return [message];
    snapshotting.onMessage(from, message);
    return [];
  };
});

function world0() {
  const [member] = members.all;
  if (member === undefined) throw new Error("nobody there");
  return member.world;
}

function tenureOf(number: number, began: number): Tenure {
  const members = [{ id: 0, address: "", zone: "", roles: [] }];
  const configuration = { number, cluster: "c".repeat(32), members, quorums: null };
  return { configuration, began: at(began) };
}

function barrier(index: number): void {
  executeUpTo(execution, index);
  snapshotting.atBarrier(at(index), protocolImage(at(index)));
}

/** What the next start finds. */
function afterPowerLoss(): Opened {
  const world = world0();
  if (!world.crashed) world.crashNow(LOSE_UNSYNCED);
  return open(world.store(world.boot()), (until) => world.run(until));
}

describe("writing", () => {
  test("the protocol hears of a snapshot only when that survives a loss of power", () => {
    onHeard = () => world0().crashNow(LOSE_UNSYNCED);
    barrier(300);
    expect(log).toEqual([]);
    world0().run();
    expect(log).toEqual(["snapshot written", "compact 300"]);
    const { outcome, execution: restored } = afterPowerLoss();
    expect(outcome.kind).toBe("loaded");
    expect(restored.executedUpTo).toEqual(at(300));
    expect(hashOf(restored)).toBe(hashAt(300));
  });

  test("a snapshot names the configuration that goes on from it", () => {
    const tenure = tenureOf(2, 200);
    options = { ...options, tenure: () => tenure };
    snapshotting = new Snapshotting(options);
    barrier(300);
    world0().run();
    expect(options.booted.snapshots.newest?.tenure).toEqual(tenure);
  });

  test("one at a time, and a barrier that comes meanwhile is let pass", () => {
    barrier(300);
    barrier(400);
    snapshotting.journalGrew();
    world0().run();
    expect(log).toEqual(["snapshot written", "compact 300"]);
    journal.bytes = 0;
    snapshotting.journalGrew();
    journal.bytes = 2000;
    barrier(500);
    world0().run();
    expect(log.slice(2)).toEqual(["snapshot written", "compact 500"]);
    expect(snapshotting.latestPosition).toEqual(at(500));
  });

  test("not before half of the journal's room is used, and asks for a barrier at all of it", () => {
    journal.bytes = 500;
    barrier(300);
    world0().run();
    snapshotting.journalGrew();
    journal.bytes = 1000;
    snapshotting.journalGrew();
    expect(log).toEqual([]);
    journal.bytes = 1001;
    snapshotting.journalGrew();
    expect(log).toEqual(["barrier wanted"]);
    journal.bytes = 501;
    barrier(400);
    world0().run();
    expect(log.slice(1)).toEqual(["snapshot written", "compact 400"]);
  });

  test("after a compaction that left much, only when as much has come again", () => {
    barrier(300);
    world0().run();
    const grown = (bytes: number, index: number): string[] => {
      log = [];
      journal.bytes = bytes;
      snapshotting.journalGrew();
      barrier(index);
      world0().run();
      return log;
    };
    expect(grown(1500, 400)).toEqual([]);
    expect(grown(2250, 500)).toEqual([]);
    expect(grown(2251, 600)).toEqual(["snapshot written", "compact 600"]);
    expect(grown(1500, 700)).toEqual([]);
    expect(grown(3001, 800)).toEqual(["barrier wanted", "snapshot written", "compact 800"]);
  });

  test("not as soon while somebody fetches, and for some time after that", () => {
    barrier(300);
    world0().run();
    log = [];
    members.all[1]?.transfer.request(at(250), [0]);
    members.pass(5_000, () => members.all[1]?.execution.executedUpTo.index === 300);
    const grown = (bytes: number): string[] => {
      log = [];
      journal.bytes = bytes;
      snapshotting.journalGrew();
      return log;
    };
    grown(0);
    const most = Math.max(4 * TUNING.journalBytesMax, snapshotting.latestBytes);
    expect([grown(1001), grown(most), grown(most + 1)]).toEqual([[], [], ["barrier wanted"]]);
    members.pass(LEASE_MS);
    expect([grown(1000), grown(1001)]).toEqual([[], ["barrier wanted"]]);
  });

  test("as ever while one fetches who has followed the log since the state he asks for", () => {
    barrier(300);
    world0().run();
    snapshotting = new Snapshotting({ ...options, tenure: () => tenureOf(2, 250) });
    members.all[1]?.transfer.request(at(250), [0]);
    members.pass(5_000, () => members.all[1]?.execution.executedUpTo.index === 300);
    log = [];
    journal.bytes = 1001;
    snapshotting.journalGrew();
    expect(log).toEqual(["barrier wanted"]);
  });

  test("for somebody who asks, however short the journal is", () => {
    journal.bytes = 0;
    members.all[1]?.transfer.request(at(250), [0]);
    members.pass(100, () => log.length > 0);
    expect(log).toEqual(["barrier wanted"]);
    barrier(300);
    members.pass(5_000, () => members.all[1]?.execution.executedUpTo.index === 300);
    expect(log.slice(-2)).toEqual(["snapshot written", "compact 300"]);
    expect(members.all[1]?.execution.executedUpTo).toEqual(at(300));
  });

  test.each([
    ["no-space", "no space"],
    ["io", "failed: snapshot: broken"],
  ] as const)("what fails with %s is not told as a snapshot", (code, told) => {
    vi.spyOn(options.booted.snapshots, "write").mockImplementation((_, image, done) => {
      image.release();
      done({ code, message: "broken" }, null);
    });
    barrier(300);
    expect(log).toEqual([told]);
  });
});

describe("the state at the end of a configuration", () => {
  const next = tenureOf(2, 300);

  /** There is no room for so many snapshots from now on. */
  function withoutRoom(times: number): void {
    const { snapshots } = options.booted;
    const write = snapshots.write.bind(snapshots);
    let left = times;
    vi.spyOn(snapshots, "write").mockImplementation((taken, image, done) => {
      left -= 1;
      if (left < 0) return write(taken, image, done);
      image.release();
      done({ code: "no-space", message: "full" }, null);
    });
  }

  beforeEach(() => {
    journal.bytes = 0;
    options = {
      ...options,
      tenure: () => next,
      written: ({ position, tenure }) =>
        log.push(`written ${position.index} of ${tenure?.configuration.number}`),
    };
    snapshotting = new Snapshotting(options);
    executeUpTo(execution, 300);
  });

  test("is written while the next one executes, and no other one meanwhile", () => {
    snapshotting.handOver(next, protocolImage(at(300)));
    barrier(400);
    world0().run();
    expect(log).toEqual(["snapshot written", "written 300 of 2"]);
    expect(afterPowerLoss().execution.executedUpTo).toEqual(at(300));
  });

  test("is written once there is room, if nothing has been executed on top of it", () => {
    withoutRoom(2);
    snapshotting.handOver(next, protocolImage(at(300)));
    world0().run();
    expect(log).toEqual(["no space", "no space", "snapshot written", "written 300 of 2"]);
    expect(afterPowerLoss().execution.executedUpTo).toEqual(at(300));
  });

  test("else that at the next barrier stands in for it, which is asked for until it comes", () => {
    withoutRoom(2);
    snapshotting.handOver(next, protocolImage(at(300)));
    executeUpTo(execution, 310);
    members.pass(2_500);
    expect(log).toEqual(["no space", "barrier wanted", "barrier wanted"]);
    barrier(400);
    barrier(500);
    world0().run();
    expect(log.slice(3)).toEqual([
      "no space",
      "snapshot written",
      "written 500 of 2",
      "compact 500",
    ]);
    barrier(600);
    world0().run();
    expect(log.slice(7)).toEqual([]);
  });
});

test("a snapshot of a configuration that has ended says nothing to the replica of the next", () => {
  let current = tenureOf(2, 200);
  options = { ...options, tenure: () => current };
  snapshotting = new Snapshotting(options);
  barrier(300);
  current = tenureOf(3, 300);
  world0().run();
  expect(log).toEqual(["snapshot written"]);
});

describe("a state from elsewhere", () => {
  test("is in place and survives a loss of power before the protocol hears of it", () => {
    members.all[1]?.snapshotAt(300);
    let hash = "";
    onHeard = () => {
      hash = hashOf(execution);
      world0().crashNow(LOSE_UNSYNCED);
    };
    snapshotting.request(at(250), [1]);
    members.pass(5_000, () => log.includes("pause"));
    expect(snapshotting.isInstalling).toBe(true);
    members.pass(5_000, () => world0().crashed);
    expect(log).toEqual(["pause", "state installed", "installed 300"]);
    expect(hash).toBe(hashAt(300));
    expect(afterPowerLoss().execution.executedUpTo).toEqual(at(300));
  });

  test("comes from those only that the operator has named", () => {
    members.all[1]?.snapshotAt(300);
    snapshotting = new Snapshotting({ ...options, fetchFrom: [2] });
    snapshotting.request(at(250), [1]);
    members.pass(5_000);
    expect(log).toEqual([]);
    snapshotting = new Snapshotting({ ...options, fetchFrom: [2, 1] });
    snapshotting.request(at(250), [1]);
    members.pass(5_000);
    expect(log).toEqual(["pause", "state installed", "installed 300"]);
  });

  test("is not written over while it is being put in place", () => {
    members.all[1]?.snapshotAt(300);
    snapshotting.request(at(250), [1]);
    members.pass(5_000, () => snapshotting.isInstalling);
    snapshotting.atBarrier(at(200), protocolImage(at(200)));
    snapshotting.journalGrew();
    members.pass(5_000, () => !snapshotting.isInstalling);
    expect(log).toEqual(["pause", "state installed", "installed 300"]);
  });
});

test("once stopped, nothing is begun any more", () => {
  snapshotting.stop();
  members.all[1]?.snapshotAt(300);
  snapshotting.request(at(250), [1]);
  barrier(300);
  members.pass(5_000);
  expect(log).toEqual([]);
});
