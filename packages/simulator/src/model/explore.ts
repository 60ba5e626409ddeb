import { invariant, Writer } from "@synod/core";
import { FINGERPRINT_WORDS, FingerprintSet, fingerprintOf } from "./fingerprint.ts";

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
  /**
   * Everything that the future depends on, in canonical form: equal states write equal bytes. With
   * symmetry, states that differ only by a permutation of what is interchangeable may write the
   * same.
   */
  fingerprint(writer: Writer, state: S): void;
  /** What is wrong with this state, in words; null when nothing is. */
  check(state: S): string | null;
  /** One line for people; the same action in the same state always reads the same. */
  describe?(state: S, action: A): string;
}

export interface Bounds {
  /** Stop after so many distinct states. */
  readonly statesMax: number;
  /** Look no further than so many actions from a beginning. */
  readonly depthMax: number;
  /**
   * `breadth` (the default) finds a nearest violation; `depth` keeps only one way at a time in
   * memory.
   */
  readonly order?: "breadth" | "depth";
  /** Called after about so many transitions; see {@link PROGRESS_EVERY}. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States found whose actions have not been tried. */
  readonly waiting: number;
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
  /** A way there; breadth first, a shortest one. */
  readonly path: readonly A[];
}

/** Transitions between two calls of `onProgress`. */
export const PROGRESS_EVERY = 8192;

/** Looks at every state within the bounds, until one is wrong. */
export function explore<S, A>(model: Model<S, A>, bounds: Bounds): Exploration<A> {
  const search = createSearch(model, bounds);
  const first: Found<S>[] = [];
  for (const [index, state] of model.initial.entries()) {
    const found = visit(search, state, -1, index, 0);
    if (found !== null) first.push(found);
  }
  if (search.violation === null)
    if (bounds.order === "depth") depthFirst(search, first);
    else breadthFirst(search, first);
  const { states, transitions, depth, violation } = search;
  return { states, transitions, depth, complete: search.complete && violation === null, violation };
}

interface Search<S, A> {
  readonly model: Model<S, A>;
  readonly bounds: Bounds;
  readonly seen: FingerprintSet;
  readonly writer: Writer;
  readonly words: Int32Array;
  /** How each state was first reached: from which other, by which of its actions. */
  parents: Int32Array;
  choices: Int32Array;
  states: number;
  transitions: number;
  depth: number;
  complete: boolean;
  stopped: boolean;
  violation: Counterexample<A> | null;
}

interface Found<S> {
  readonly state: S;
  readonly index: number;
  readonly depth: number;
}

function createSearch<S, A>(model: Model<S, A>, bounds: Bounds): Search<S, A> {
  return {
    model,
    bounds,
    seen: new FingerprintSet(),
    writer: new Writer(4096),
    words: new Int32Array(FINGERPRINT_WORDS),
    parents: new Int32Array(1024),
    choices: new Int32Array(1024),
    states: 0,
    transitions: 0,
    depth: 0,
    complete: true,
    stopped: false,
    violation: null,
  };
}

function breadthFirst<S, A>(search: Search<S, A>, first: Found<S>[]): void {
  let frontier = first;
  while (frontier.length > 0) {
    const next: Found<S>[] = [];
    for (const [at, found] of frontier.entries()) {
      if (found.depth >= search.bounds.depthMax) {
        search.complete = false;
        return;
      }
      expand(search, found, next, frontier.length - at);
      if (search.stopped) return;
    }
    frontier = next;
  }
}

/** With a bound on depth, what was first found far away may hide what lies behind it. */
function depthFirst<S, A>(search: Search<S, A>, first: Found<S>[]): void {
  const stack = first.reverse();
  for (let found = stack.pop(); found !== undefined; found = stack.pop()) {
    if (found.depth >= search.bounds.depthMax) {
      search.complete = false;
      continue;
    }
    expand(search, found, stack, 0);
    if (search.stopped) return;
  }
}

/** Tries every action of a state; what is new goes to the end of `into`. */
function expand<S, A>(search: Search<S, A>, from: Found<S>, into: Found<S>[], more: number): void {
  const { model, bounds } = search;
  const actions = model.actions(from.state);
  for (let choice = 0; choice < actions.length; choice += 1) {
    const reached = model.apply(from.state, actions[choice] as A);
    if (reached === null) continue;
    search.transitions += 1;
    if (search.transitions % PROGRESS_EVERY === 0 && bounds.onProgress !== undefined) {
      const { states, transitions, depth } = search;
      bounds.onProgress({ states, transitions, depth, waiting: into.length + more });
    }
    const found = visit(search, reached, from.index, choice, from.depth + 1);
    if (search.stopped) return;
    if (found !== null) into.push(found);
  }
}

/** Null when the state was known already, or when it ends the search. */
function visit<S, A>(
  search: Search<S, A>,
  state: S,
  parent: number,
  choice: number,
  depth: number,
): Found<S> | null {
  const { model, writer, words, bounds } = search;
  writer.reset();
  model.fingerprint(writer, state);
  fingerprintOf(writer.peek(), words);
  if (!search.seen.add(words)) return null;
  const index = search.states;
  if (index === search.parents.length) {
    search.parents = doubled(search.parents);
    search.choices = doubled(search.choices);
  }
  search.parents[index] = parent;
  search.choices[index] = choice;
  search.states += 1;
  if (depth > search.depth) search.depth = depth;
  const problem = model.check(state);
  if (problem !== null) {
    search.violation = { problem, path: pathTo(search, index) };
    search.stopped = true;
    return null;
  }
  if (search.states >= bounds.statesMax) {
    search.complete = false;
    search.stopped = true;
    return null;
  }
  return { state, index, depth };
}

function doubled(words: Int32Array): Int32Array {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}

/** Goes the way again from its beginning: only the choices were kept. */
function pathTo<S, A>(search: Search<S, A>, index: number): A[] {
  const { model, parents, choices } = search;
  const taken: number[] = [];
  for (let at = index; at >= 0; at = parents[at] as number) taken.push(choices[at] as number);
  taken.reverse();
  let state = model.initial[taken[0] as number] as S;
  const path: A[] = [];
  for (const choice of taken.slice(1)) {
    const action = model.actions(state)[choice] as A;
    const next = model.apply(state, action);
    invariant(next !== null, "a model offers other actions when it is asked again");
    path.push(action);
    state = next;
  }
  return path;
}
