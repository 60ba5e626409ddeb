import type { Network, NetworkListener } from "@synod/core";
import { describe, it } from "vitest";
import { createMemoryTransport } from "../memory-transport.ts";
import { createNetwork } from "../network.ts";
import { createRandom } from "../random.ts";
import { freePort, QUICK } from "../testing/test-peer.ts";
import { NETWORK_COMPLIANCE, type NetworkSubject } from "./network-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";

async function overTcp(): Promise<NetworkSubject> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const addresses = ports.map((port) => ({ host: "127.0.0.1", port }));
  return {
    network(node) {
      const peers = new Map(addresses.entries());
      const listen = addresses[node] ?? { host: "127.0.0.1", port: 0 };
      peers.delete(node);
      return createNetwork({ self: node, listen, peers, random: createRandom(), tuning: QUICK });
    },
  };
}

async function inMemory(): Promise<NetworkSubject> {
  const transport = createMemoryTransport();
  return { network: (node) => transport.join(node) };
}

type Change = (network: Network) => Partial<Network>;

/** Every network has the fault. */
function broken(change: Change): (subject: NetworkSubject) => NetworkSubject {
  return (subject) => ({
    network(node) {
      const network = subject.network(node);
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
