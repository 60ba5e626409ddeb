import { hash64, Writer } from "@synod/core";

/**
 * A system small enough to look at every state that it can reach. States are values: `apply`
 * returns a new one and leaves the old one as it was. Bounds (crashes, ballots, slots) belong to
 * the model: they are part of its states and decide what `actions` still offers.
 */
export interface Model<S, A> {
  readonly initial: readonly S[];
  /** What can happen next, always in the same order for the same state. */
  actions(state: S): readonly A[];
  /** Null when nothing but the attempt came of it. */
  apply(state: S, action: A): S | null;
  /** Everything that the future depends on, in canonical form: equal states write equal bytes. */
  fingerprint(writer: Writer, state: S): void;
  /** What is wrong with this state, in words; null when nothing is. */
  check(state: S): string | null;
}

export interface Bounds {
  /** Stop after so many distinct states. */
  readonly statesMax: number;
  /** Look no further than so many actions from a beginning. */
  readonly depthMax: number;
}

export interface Exploration<A> {
  /** Distinct states seen. */
  readonly states: number;
  /** Actions tried that led somewhere, to new states or known ones. */
  readonly transitions: number;
  /** Actions on the way to the furthest state. */
  readonly depth: number;
  /** Every reachable state was seen. */
  readonly complete: boolean;
  readonly violation: Counterexample<A> | null;
}

export interface Counterexample<A> {
  readonly problem: string;
  /** A shortest way there. */
  readonly path: readonly A[];
}

/** How a state was first reached. */
interface Origin<A> {
  readonly from: number;
  readonly action: A;
}

/**
 * Breadth first, so that the first violation found is one of the nearest. States are remembered by
 * 128 bits of hash: at ten million states, two different ones collide with a chance below 2^-80.
 */
export function explore<S, A>(model: Model<S, A>, bounds: Bounds): Exploration<A> {
  const seen = createSeen();
  const origins: (Origin<A> | null)[] = [];
  const writer = new Writer(4096);
  const search: Search<S, A> = { model, seen, origins, writer };
  let transitions = 0;
  let depth = 0;
  let complete = true;
  let frontier: Found<S>[] = [];
  const result = (violation: Counterexample<A> | null): Exploration<A> => {
    const states = origins.length;
    return { states, transitions, depth, complete: complete && violation === null, violation };
  };
  for (const state of model.initial) {
    const found = visit(search, state, null);
    if (found === null) continue;
    const problem = model.check(state);
    if (problem !== null) return result({ problem, path: [] });
    frontier.push(found);
  }
  while (frontier.length > 0) {
    if (depth === bounds.depthMax) {
      complete = false;
      break;
    }
    const next: Found<S>[] = [];
    for (const { state, index } of frontier) {
      for (const action of model.actions(state)) {
        const reached = model.apply(state, action);
        if (reached === null) continue;
        transitions += 1;
        const found = visit(search, reached, { from: index, action });
        if (found === null) continue;
        const problem = model.check(reached);
        if (problem !== null) return result({ problem, path: pathTo(origins, found.index) });
        if (origins.length >= bounds.statesMax) {
          complete = false;
          return result(null);
        }
        next.push(found);
      }
    }
    if (next.length > 0) depth += 1;
    frontier = next;
  }
  return result(null);
}

interface Search<S, A> {
  readonly model: Model<S, A>;
  readonly seen: Seen;
  readonly origins: (Origin<A> | null)[];
  readonly writer: Writer;
}

interface Found<S> {
  readonly state: S;
  readonly index: number;
}

/** Null when the state was known already. */
function visit<S, A>(search: Search<S, A>, state: S, origin: Origin<A> | null): Found<S> | null {
  const { model, seen, origins, writer } = search;
  writer.reset();
  model.fingerprint(writer, state);
  const bytes = writer.peek();
  if (!seen.add(hash64(bytes, 0x5eed), hash64(bytes, 0x0dd5))) return null;
  origins.push(origin);
  return { state, index: origins.length - 1 };
}

function pathTo<A>(origins: readonly (Origin<A> | null)[], index: number): A[] {
  const path: A[] = [];
  for (let at: Origin<A> | null | undefined = origins[index]; at; at = origins[at.from])
    path.push(at.action);
  return path.reverse();
}

interface Seen {
  /** False when it was there. */
  add(high: string, low: string): boolean;
}

/** Sets of the engine hold at most 2^24 members, so the fingerprints are spread over many. */
function createSeen(): Seen {
  const shards = new Map<string, Set<string>>();
  return {
    add(high, low) {
      const key = high.slice(0, 2);
      const shard = shards.get(key) ?? new Set<string>();
      shards.set(key, shard);
      const size = shard.size;
      shard.add(high + low);
      return shard.size > size;
    },
  };
}
