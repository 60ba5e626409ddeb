import type { ProtocolName } from "./explore-models.ts";

/** A whole state space that has been explored, and what is in it. */
export interface PinnedRun {
  /** In words, for a table. */
  readonly what: string;
  /** What `synod explore` was asked. */
  readonly args: readonly string[];
  readonly states: number;
  readonly transitions: number;
}

/** Every protocol's own; the real replicas must give these very numbers again. */
export const PINNED_RUNS: Readonly<Record<ProtocolName, readonly PinnedRun[]>> = {
  broadcast: [
    {
      what: "3 members, one that broadcasts, all told at once what is decided",
      args: ["broadcast", "--leaders", "1", "--slots", "1", "--messages", "chosen"],
      states: 456,
      transitions: 1_169,
    },
    {
      what: "the same, one crash",
      args: [
        "broadcast",
        "--leaders",
        "1",
        "--slots",
        "1",
        "--messages",
        "chosen",
        "--crashes",
        "1",
      ],
      states: 5_407,
      transitions: 15_761,
    },
  ],
  multipaxos: [
    {
      what: "3 nodes, 2 slots, two leaders",
      args: ["multipaxos"],
      states: 159_327,
      transitions: 587_856,
    },
    {
      what: "the same, told at once what is chosen",
      args: ["multipaxos", "--messages", "chosen"],
      states: 361_263,
      transitions: 1_226_838,
    },
    {
      what: "3 nodes, 2 slots, two leaders, one crash",
      args: ["multipaxos", "--slots", "2", "--crashes", "1"],
      states: 1_266_799,
      transitions: 5_177_648,
    },
    {
      what: "one leader, told at once what is chosen, two crashes",
      args: ["multipaxos", "--leaders", "1", "--messages", "chosen", "--crashes", "2"],
      states: 27_631,
      transitions: 83_314,
    },
  ],
  paxos: [
    {
      what: "3 acceptors, two proposers",
      args: ["paxos"],
      states: 8_673,
      transitions: 31_827,
    },
    {
      what: "the same, told at once what is chosen",
      args: ["paxos", "--messages", "chosen"],
      states: 14_190,
      transitions: 49_957,
    },
    {
      what: "two proposers, a wiped acceptor that never answers again",
      args: ["paxos", "--wipes", "1"],
      states: 93_218,
      transitions: 453_125,
    },
  ],
  pmmc: [
    {
      what: "3 members, one leader, told at once what is decided",
      args: ["pmmc", "--leaders", "1", "--slots", "1", "--messages", "chosen"],
      states: 728,
      transitions: 1_801,
    },
    {
      what: "the same, one crash",
      args: ["pmmc", "--leaders", "1", "--slots", "1", "--messages", "chosen", "--crashes", "1"],
      states: 7_537,
      transitions: 20_280,
    },
    {
      what: "one leader, two slots",
      args: ["pmmc", "--leaders", "1"],
      states: 20_984,
      transitions: 83_729,
    },
  ],
};
