/** What a user may set about who fails, and how often. */
export interface ToyFailures {
  readonly acceptors: number;
  readonly proposers: number;
  /** Probabilities, per phase. */
  readonly acceptorFails: number;
  readonly proposerFails: number;
}

/**
 * How often a round should agree: the proposer gets through both phases, and more than half of the
 * acceptors do. Null with several proposers: how often they get another try depends on how they
 * meet, which no formula tells.
 */
export function computedRate(failures: ToyFailures): number | null {
  const { acceptors, proposers, acceptorFails, proposerFails } = failures;
  if (proposers > 1) return null;
  const survives = (1 - acceptorFails) ** 2;
  const quorum = Math.floor(acceptors / 2) + 1;
  let rate = 0;
  for (let count = quorum; count <= acceptors; count += 1)
    rate += choose(acceptors, count) * survives ** count * (1 - survives) ** (acceptors - count);
  return (1 - proposerFails) ** 2 * rate;
}

function choose(from: number, count: number): number {
  let ways = 1;
  for (let taken = 1; taken <= count; taken += 1) ways = (ways * (from - count + taken)) / taken;
  return ways;
}
