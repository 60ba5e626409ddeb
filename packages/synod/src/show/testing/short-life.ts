import { drawLife, type Life } from "@synod/simulator";

/** Some seconds with a crash and a few operations. */
export function shortLife(): Life {
  const life = drawLife(2);
  return {
    ...life,
    faultsMs: 3_000,
    faults: [{ kind: "crash", atMs: 1_500, target: "leader", calls: 3, downMs: 700, fin: true }],
    forks: [],
    clients: life.clients.map((plan) => ({
      ...plan,
      script: [1_200, 2_600].map((atMs, at) => ({ atMs: atMs + plan.index, number: at + 1 })),
    })),
  };
}
