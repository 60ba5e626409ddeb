import { crc32 } from "node:zlib";
import {
  type Hello,
  type Lane,
  type Network,
  type NetworkListener,
  type NodeId,
  Writer,
} from "@synod/core";
import { encodeFrame, openFrame } from "@synod/runtime";
import { ask, type ComplianceCase, expectEqual, ok, pause, until } from "./case.ts";
import { helloOf } from "./hello.ts";

/** Where a node listens: at home, or where it has moved to. */
export type NetworkPlace = "home" | "moved";

/** The networks of the nodes 0, 1 and 2, which look for each other at home. */
export interface NetworkSubject {
  /** A new one for one start of this node, there; the one before it is closed. */
  network(node: NodeId, place: NetworkPlace): Network;
  /** What a configuration would say of it. */
  address(node: NodeId, place: NetworkPlace): string;
}

/** What every implementation of the Network port must do. */
export const NETWORK_COMPLIANCE: readonly ComplianceCase<NetworkSubject>[] = [
  {
    name: "tells both ends of a connection who is at the other",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        for (const hello of a.hellos) expectEqual(hello, helloOf(1));
        for (const hello of b.hellos) expectEqual(hello, helloOf(0));
      }),
  },
  {
    name: "carries frames of all sizes in both lanes, whole, from whom they are",
    run: (subject) =>
      withNodes(subject, [0, 1, 2], async ([a, b, c]) => {
        await linked(a, b, c);
        const sizes = [0, 1, 1_000, 70_000, 1_000_000];
        for (const size of sizes) {
          a.network.send([1], "urgent", frameOf("u".repeat(size)));
          c.network.send([1], "bulk", frameOf("b".repeat(size)));
        }
        await until("all frames", () => b.frames.length >= 2 * sizes.length);
        const expected = sizes.flatMap((size) => [
          `0 ${"u".repeat(size)}`,
          `2 ${"b".repeat(size)}`,
        ]);
        expectEqual(b.frames.toSorted(), expected.toSorted());
      }),
  },
  {
    name: "sends one frame to several, and to nobody whom it does not reach",
    run: (subject) =>
      withNodes(subject, [0, 1, 2], async ([a, b, c]) => {
        await linked(a, b, c);
        a.network.send([1, 9, 2], "urgent", frameOf("all"));
        await until("both frames", () => b.frames.length > 0 && c.frames.length > 0);
        expectEqual([a.frames, b.frames, c.frames], [[], ["0 all"], ["0 all"]]);
      }),
  },
  {
    name: "tells whoever was refused why, and carries nothing for him",
    run: (subject) =>
      withNodes(
        subject,
        [0, 1],
        async ([a, b]) => {
          await until("a refusal", () => a.refusals.length > 0);
          expectEqual(a.refusals[0], "1 not you");
          a.network.send([1], "urgent", frameOf("let me in"));
          await pause(100);
          expectEqual(b.frames, []);
        },
        { 1: () => "not you" },
      ),
  },
  {
    name: "gives up a connection whose frame was damaged, and makes another",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        const { length } = b.hellos;
        b.accepts = false;
        a.network.send([1], "urgent", frameOf("damaged"));
        await until("a damaged frame", () => b.frames.length > 0);
        b.accepts = true;
        await until("another connection", () => b.hellos.length > length);
        await linked(a, b);
      }),
  },
  {
    name: "tells when a peer is gone, and meets it when it is back, with what it says now",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        await b.close();
        await until("the link down", () => a.downs.includes(1));
        const again = await opened(subject, 1, { hello: { incarnation: 2 } });
        await linked(a, again);
        expectEqual(a.hellos.at(-1), helloOf(1, { incarnation: 2 }));
        await again.close();
      }),
  },
  {
    name: "begins later connections with what was announced",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        const remembers = [{ node: 1, dataId: "1".repeat(32), incarnation: 1, boot: 1_001 }];
        a.network.announce(helloOf(0, { remembers }));
        await b.close();
        const again = await opened(subject, 1);
        await until("a link up", () => again.hellos.length > 0);
        expectEqual(again.hellos[0], helloOf(0, { remembers }));
        await again.close();
      }),
  },
  {
    name: "lets go of peers that it is to reach no more",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        await parted(a, b);
        a.network.send([1], "urgent", frameOf("still there?"));
        await pause(100);
        expectEqual(b.frames, []);
      }),
  },
  {
    name: "hears a node all the same that is no peer of its own",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        a.network.reach([]);
        await until("a frame", () => {
          b.network.send([0], "urgent", frameOf("hello"));
          return a.frames.length > 0;
        });
      }),
  },
  {
    name: "reaches peers that it had not, or not any more",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        await parted(a, b);
        a.network.reach([{ node: 1, address: subject.address(1, "home") }]);
        b.network.reach([{ node: 0, address: subject.address(0, "home") }]);
        await linked(a, b);
      }),
  },
  {
    name: "finds a peer under its new address",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        await b.close();
        const moved = await opened(subject, 1, { place: "moved" });
        a.network.reach([{ node: 1, address: subject.address(1, "moved") }]);
        await linked(a, moved);
        await moved.close();
      }),
  },
  {
    name: "says nothing any more once it is closed",
    run: (subject) =>
      withNodes(subject, [0, 1], async ([a, b]) => {
        await linked(a, b);
        await b.close();
        const { hellos, downs, frames } = b;
        const before = [hellos.length, downs.length, frames.length];
        a.network.send([1], "urgent", frameOf("too late"));
        await pause(100);
        expectEqual([hellos.length, downs.length, frames.length], before);
      }),
  },
];

const LANES: readonly Lane[] = ["urgent", "bulk"];

/** What frames begin with that are sent only to see whether they arrive. */
const PROBE = "probe ";

/** An open network, and what it told. */
interface Node {
  readonly id: NodeId;
  readonly network: Network;
  readonly hellos: Hello[];
  readonly downs: NodeId[];
  readonly refusals: string[];
  /** Sender and text, without probes. */
  readonly frames: string[];
  /** Sender and lane of those that came. */
  readonly probes: Set<string>;
  /** False: every frame is called damaged. */
  accepts: boolean;
  close(): Promise<void>;
}

type Refuse = (hello: Hello) => string | null;

async function withNodes(
  subject: NetworkSubject,
  ids: readonly NodeId[],
  body: (nodes: [Node, Node, Node]) => Promise<void>,
  refusing: Readonly<Record<NodeId, Refuse>> = {},
): Promise<void> {
  const nodes: Node[] = [];
  try {
    for (const id of ids) {
      const refuse = refusing[id];
      nodes.push(await opened(subject, id, refuse === undefined ? {} : { refuse }));
    }
    await body(nodes as [Node, Node, Node]);
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

interface OpenedOptions {
  readonly hello?: Partial<Hello>;
  readonly refuse?: Refuse;
  readonly place?: NetworkPlace;
}

async function opened(
  subject: NetworkSubject,
  id: NodeId,
  { hello = {}, refuse = () => null, place = "home" }: OpenedOptions = {},
): Promise<Node> {
  const network = subject.network(id, place);
  let closed: Promise<unknown> | null = null;
  const node: Node = {
    id,
    network,
    hellos: [],
    downs: [],
    refusals: [],
    frames: [],
    probes: new Set(),
    accepts: true,
    close: async () => {
      closed ??= ask((done) => network.close(() => done(null)));
      await closed;
    },
  };
  const listener: NetworkListener = {
    linkUp(theirs) {
      const refusal = refuse(theirs);
      if (refusal === null) node.hellos.push(theirs);
      return refusal;
    },
    linkDown: (peer) => void node.downs.push(peer),
    refused: (peer, reason) => void node.refusals.push(`${peer} ${reason}`),
    frame(from, bytes) {
      const text = openFrame(bytes.slice(), crc32)?.body.string() ?? "damaged";
      if (text.startsWith(PROBE)) node.probes.add(`${from} ${text}`);
      else node.frames.push(`${from} ${text}`);
      return node.accepts;
    },
  };
  await ok((done) => network.open(helloOf(id, hello), listener, done));
  return node;
}

/**
 * Frames may get lost while connections are made: until one has come, each way and in each lane.
 */
async function linked(...nodes: readonly Node[]): Promise<void> {
  for (const { probes } of nodes) probes.clear();
  const ways = nodes.flatMap((from) =>
    nodes.filter((to) => to !== from).flatMap((to) => LANES.map((lane) => ({ from, to, lane }))),
  );
  await until("frames both ways in both lanes", () => {
    const open = ways.filter(({ from, to, lane }) => !to.probes.has(`${from.id} ${PROBE}${lane}`));
    for (const { from, to, lane } of open) from.network.send([to.id], lane, frameOf(PROBE + lane));
    return open.length === 0;
  });
}

/** Neither wants the other any more. */
async function parted(a: Node, b: Node): Promise<void> {
  for (const { network } of [a, b]) network.reach([]);
  await until("both links down", () => a.downs.includes(b.id) && b.downs.includes(a.id));
}

function frameOf(text: string): Uint8Array {
  return encodeFrame(new Writer(), "message", crc32, (writer) => writer.string(text));
}
