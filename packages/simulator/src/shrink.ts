import type { Life } from "./life.ts";
import { PERFECT_NETWORK } from "./network-faults.ts";
import { runSeed, type SeedReport } from "./run-seed.ts";
import type { SimulatedSystem } from "./system.ts";

export interface Shrunk {
  readonly life: Life;
  readonly report: SeedReport;
  readonly runs: number;
}

/**
 * Makes a failing life smaller while the same oracle goes on accusing: faults out, by halves and
 * then one by one; then clients, clock and network faults. Works because every decision is drawn by
 * its own address.
 */
export function shrink<S, M>(
  system: SimulatedSystem<S, M>,
  failing: Life,
  oracle: string,
  runsMax = 200,
): Shrunk {
  let runs = 1;
  let best = { life: failing, report: runSeed(system, failing.seed, { life: failing }) };
  const attempt = (life: Life): boolean => {
    if (runs >= runsMax) return false;
    runs += 1;
    const report = runSeed(system, life.seed, { life });
    if (report.violation?.oracle !== oracle) return false;
    best = { life, report };
    return true;
  };
  // Nothing after the violation matters, and whatever runs until then is shorter.
  const violationMs = best.report.violation?.atMs ?? failing.faultsMs;
  attempt({ ...best.life, faults: best.life.faults.filter((fault) => fault.atMs <= violationMs) });
  for (let size = best.life.faults.length; size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < best.life.faults.length; )
      if (!attempt({ ...best.life, faults: best.life.faults.toSpliced(at, size) })) at += size;
  const { network } = best.life;
  const simpler: Partial<Life>[] = [
    { network: { ...PERFECT_NETWORK, delayMinMs: network.delayMinMs } },
    { network: { ...network, loss: 0 } },
    { network: { ...best.life.network, duplication: 0, replay: 0 } },
    { network: { ...best.life.network, corruption: 0 } },
    { clocks: best.life.clocks.map((clock) => ({ ...clock, rate: 1, lateMs: 0 })) },
    { forks: [] },
  ];
  for (const change of simpler) attempt({ ...best.life, ...change });
  for (let at = 0; at < best.life.clients.length; )
    if (!attempt({ ...best.life, clients: best.life.clients.toSpliced(at, 1) })) at += 1;
  return { ...best, runs };
}
