import type { Network, NetworkListener, NodeId, PeerAddress } from "@synod/core";
import { describe, it } from "vitest";
import { type Address, formatAddress } from "../address.ts";
import { createMemoryTransport } from "../memory-transport.ts";
import { createNetwork } from "../network.ts";
import { createRandom } from "../random.ts";
import { freePort, QUICK } from "../testing/test-peer.ts";
import { NETWORK_COMPLIANCE, type NetworkPlace, type NetworkSubject } from "./network-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";

async function overTcp(): Promise<NetworkSubject> {
  const free = async (): Promise<Address> => ({ host: "127.0.0.1", port: await freePort() });
  const places = {
    home: [await free(), await free(), await free()],
    moved: [await free(), await free(), await free()],
  };
  const where = (node: NodeId, place: NetworkPlace): Address => places[place][node] as Address;
  return {
    network(node, place) {
      const peers = new Map(places.home.entries());
      peers.delete(node);
      const listen = where(node, place);
      return createNetwork({ self: node, listen, peers, random: createRandom(), tuning: QUICK });
    },
    address: (node, place) => formatAddress(where(node, place)),
  };
}

async function inMemory(): Promise<NetworkSubject> {
  const transport = createMemoryTransport();
  return { network: (node) => transport.join(node), address: () => "wherever" };
}

type Change = (network: Network) => Partial<Network>;

/** Every network has the fault. */
function broken(change: Change): (subject: NetworkSubject) => NetworkSubject {
  return (subject) => ({
    ...subject,
    network(node, place) {
      const network = subject.network(node, place);
      return altered(network, change(network));
    },
  });
}

/** What it tells is changed on the way. */
function telling(
  change: (listener: NetworkListener) => Partial<NetworkListener>,
): (subject: NetworkSubject) => NetworkSubject {
  return broken((network) => ({
    open: (hello, listener, done) => network.open(hello, altered(listener, change(listener)), done),
  }));
}

const BREAKAGES: Breakages<NetworkSubject> = {
  "tells both ends of a connection who is at the other": telling((listener) => ({
    linkUp: (hello) => listener.linkUp({ ...hello, incarnation: hello.incarnation + 1 }),
  })),
  "carries frames of all sizes in both lanes, whole, from whom they are": broken((network) => ({
    send: (to, lane, frame) => void (lane === "urgent" && network.send(to, lane, frame)),
  })),
  "sends one frame to several, and to nobody whom it does not reach": broken((network) => ({
    send: (to, lane, frame) => network.send(to.slice(0, 1), lane, frame),
  })),
  "tells whoever was refused why, and carries nothing for him": telling(() => ({ refused() {} })),
  "gives up a connection whose frame was damaged, and makes another": telling((listener) => ({
    frame(from, bytes) {
      listener.frame(from, bytes);
      return true;
    },
  })),
  "tells when a peer is gone, and meets it when it is back, with what it says now": telling(() => ({
    linkDown() {},
  })),
  "begins later connections with what was announced": broken(() => ({ announce() {} })),
  "lets go of peers that it is to reach no more": broken(() => ({ reach() {} })),
  "hears a node all the same that is no peer of its own": broken((network) => {
    let peers: readonly PeerAddress[] | null = null;
    return {
      open(hello, listener, done) {
        const isPeer = (from: NodeId) => peers?.some(({ node }) => node === from) !== false;
        const frame: NetworkListener["frame"] = (from, bytes) =>
          !isPeer(from) || listener.frame(from, bytes);
        network.open(hello, altered(listener, { frame }), done);
      },
      reach(next) {
        peers = next;
        network.reach(next);
      },
    };
  }),
  "reaches peers that it had not, or not any more": broken((network) => ({
    reach: () => network.reach([]),
  })),
  "finds a peer under its new address": broken(() => ({ reach() {} })),
  "says nothing any more once it is closed": (subject) => {
    let heard: NetworkListener | null = null;
    const deaf = telling((listener) => {
      heard = listener;
      return {};
    })(subject);
    return broken((network) => ({
      close(done) {
        const { linkDown } = heard as NetworkListener;
        setTimeout(() => linkDown(0), 20);
        network.close(done);
      },
    }))(deaf);
  },
};

describe("TCP as a network", () => {
  describeCompliance(NETWORK_COMPLIANCE, overTcp, BREAKAGES);
});

describe("memory as a network", () => {
  it.each(NETWORK_COMPLIANCE)("$name", async ({ run }) => run(await inMemory()));
});
