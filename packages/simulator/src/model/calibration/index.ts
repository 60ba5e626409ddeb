import type { Model } from "../explore.ts";
import { abdServer } from "./abd.ts";
import { registerModel } from "./actors.ts";
import { paxosServer } from "./paxos.ts";
import { singleCopyServer } from "./single-copy.ts";
import { twoPhaseCommit } from "./two-phase-commit.ts";

export interface Calibration {
  /** How many states others have counted in it. */
  readonly states: number;
  /** Where the number comes from. */
  readonly published: string;
  /** In which order of search it was counted; absent when that makes no difference. */
  readonly order?: "depth";
  create(): Model<unknown, unknown>;
}

const PUBLISHED = "asserted in the tests of Stateright's examples";
const COUNTED = "counted by a second port of Stateright's example, not asserted there";

/**
 * Models whose states others have counted, named by clients (c), servers (s) and resource managers
 * (rm). They calibrate the explorer, and count for no protocol.
 */
export const CALIBRATIONS = {
  "single-copy-2c1s": {
    states: 93,
    published: PUBLISHED,
    create: () => registerModel(singleCopyServer, { clients: 2, servers: 1 }),
  },
  "abd-2c2s": {
    states: 544,
    published: PUBLISHED,
    create: () => registerModel(abdServer, { clients: 2, servers: 2 }),
  },
  "paxos-2c3s": {
    states: 16_668,
    published: PUBLISHED,
    create: () => registerModel(paxosServer, { clients: 2, servers: 3 }),
  },
  "paxos-1c3s": {
    states: 265,
    published: COUNTED,
    create: () => registerModel(paxosServer, { clients: 1, servers: 3 }),
  },
  "paxos-1c5s": {
    states: 39_649,
    published: COUNTED,
    create: () => registerModel(paxosServer, { clients: 1, servers: 5 }),
  },
  "abd-1c3s": {
    states: 1_449,
    published: COUNTED,
    create: () => registerModel(abdServer, { clients: 1, servers: 3 }),
  },
  "2pc-3rm": {
    states: 288,
    published: PUBLISHED,
    create: () => twoPhaseCommit(3, "none"),
  },
  "2pc-5rm": {
    states: 8_832,
    published: PUBLISHED,
    create: () => twoPhaseCommit(5, "none"),
  },
  "2pc-5rm-sorted": {
    states: 665,
    published: PUBLISHED,
    order: "depth",
    create: () => twoPhaseCommit(5, "byState"),
  },
  "2pc-5rm-symmetric": {
    states: 314,
    published: "the states of 2pc-5rm, counted up to the names of managers",
    create: () => twoPhaseCommit(5, "full"),
  },
} as const satisfies Readonly<Record<string, Calibration>>;

export type CalibrationName = keyof typeof CALIBRATIONS;
