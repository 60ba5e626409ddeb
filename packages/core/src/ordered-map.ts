/**
 * A map from strings to anything, ordered by UTF-16 code units, whose state as of now can be kept
 * for a reader at no cost: a B+tree with copy on write. Every node carries the generation in which
 * it was made; {@link OrderedMap.freeze} starts a new generation, and from then on a write copies
 * the older nodes on its path before it changes them. So a snapshot of any size begins in O(1), and
 * never stalls a writer.
 */

/** Most entries of a leaf, and most children of a branch. */
const WIDTH = 64;
/**
 * Fewest of both, but for the root. Below half of {@link WIDTH}, so that nodes do not split and
 * merge in turn.
 */
const WIDTH_MIN = 16;

/** One class for both kinds, so that the engine sees one shape. `children` is null in leaves. */
class TreeNode<V> {
  generation: number;
  /**
   * Of a leaf: its keys. Of a branch: `keys[i]` bounds what is below `children[i]`, and is not
   * above `children[i + 1]`.
   */
  readonly keys: string[];
  /** Beside the keys of a leaf; empty in branches. */
  readonly values: V[];
  readonly children: TreeNode<V>[] | null;

  constructor(generation: number, keys: string[], values: V[], children: TreeNode<V>[] | null) {
    this.generation = generation;
    this.keys = keys;
    this.values = values;
    this.children = children;
  }
}

export class OrderedMap<V> {
  #root: TreeNode<V>;
  #size: number;
  #generation = 0;

  constructor() {
    this.#root = new TreeNode<V>(0, [], [], null);
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (node.children !== null) node = node.children[childIndex(node.keys, key)] as TreeNode<V>;
    const index = lowerBound(node.keys, key);
    return node.keys[index] === key ? node.values[index] : undefined;
  }

  /** Returns what was there before; undefined when the key is new. */
  set(key: string, value: V): V | undefined {
    let node = this.#ownRoot();
    if (weight(node) === WIDTH) {
      const root = new TreeNode<V>(this.#generation, [], [], [node]);
      this.#split(root, 0, node);
      this.#root = root;
      node = root;
    }
    while (node.children !== null) {
      let index = childIndex(node.keys, key);
      let child = this.#ownChild(node, index);
      if (weight(child) === WIDTH) {
        this.#split(node, index, child);
        if (key >= (node.keys[index] as string)) index += 1;
        child = node.children[index] as TreeNode<V>;
      }
      node = child;
    }
    const index = lowerBound(node.keys, key);
    if (node.keys[index] === key) {
      const before = node.values[index];
      node.values[index] = value;
      return before;
    }
    insertAt(node.keys, index, key);
    insertAt(node.values, index, value);
    this.#size += 1;
    return undefined;
  }

  /** Returns what was there; undefined when nothing was, and then nothing is copied. */
  delete(key: string): V | undefined {
    const before = this.get(key);
    if (before === undefined) return undefined;
    let node = this.#ownRoot();
    while (node.children !== null) {
      this.#fill(node, childIndex(node.keys, key));
      node = this.#ownChild(node, childIndex(node.keys, key));
    }
    const index = lowerBound(node.keys, key);
    node.keys.splice(index, 1);
    node.values.splice(index, 1);
    this.#size -= 1;
    while (this.#root.children?.length === 1) this.#root = this.#root.children[0] as TreeNode<V>;
    return before;
  }

  /** Reads in key order what is here now, whatever is written later. O(1). */
  freeze(): OrderedCursor<V> {
    this.#generation += 1;
    return new OrderedCursor(this.#root);
  }

  /** Reads in key order; valid until the next write. */
  cursor(): OrderedCursor<V> {
    return new OrderedCursor(this.#root);
  }

  /** What is wrong with the tree, for tests and paranoid hosts; null when it is sound. O(size). */
  problem(): string | null {
    const found = nodeProblem(this.#root, null, null, true);
    if (typeof found === "string") return found;
    return found.entries === this.#size ? null : `size ${this.#size}, but ${found.entries} entries`;
  }

  /** For {@link OrderedMapBuilder}. */
  static fromSortedLeaves<V>(leaves: { keys: string[]; values: V[] }[]): OrderedMap<V> {
    const map = new OrderedMap<V>();
    let level = leaves.map((leaf) => new TreeNode(0, leaf.keys, leaf.values, null));
    let firsts = leaves.map((leaf) => leaf.keys[0] ?? "");
    for (const leaf of leaves) map.#size += leaf.keys.length;
    while (level.length > 1) {
      const parents: TreeNode<V>[] = [];
      const parentFirsts: string[] = [];
      const groups = Math.ceil(level.length / WIDTH);
      for (let group = 0; group < groups; group += 1) {
        const from = Math.floor((group * level.length) / groups);
        const to = Math.floor(((group + 1) * level.length) / groups);
        parents.push(new TreeNode(0, firsts.slice(from + 1, to), [], level.slice(from, to)));
        parentFirsts.push(firsts[from] as string);
      }
      level = parents;
      firsts = parentFirsts;
    }
    map.#root = level[0] ?? map.#root;
    return map;
  }

  #ownRoot(): TreeNode<V> {
    this.#root = this.#own(this.#root);
    return this.#root;
  }

  #ownChild(parent: TreeNode<V>, index: number): TreeNode<V> {
    const children = parent.children as TreeNode<V>[];
    const child = this.#own(children[index] as TreeNode<V>);
    children[index] = child;
    return child;
  }

  /** The node itself, or a copy when a reader may still hold it. */
  #own(node: TreeNode<V>): TreeNode<V> {
    if (node.generation === this.#generation) return node;
    const children = node.children === null ? null : node.children.slice();
    return new TreeNode(this.#generation, node.keys.slice(), node.values.slice(), children);
  }

  /** Moves the upper half of a full child to a new one at its right. */
  #split(parent: TreeNode<V>, index: number, child: TreeNode<V>): void {
    const half = WIDTH >>> 1;
    let separator: string;
    let right: TreeNode<V>;
    if (child.children === null) {
      right = new TreeNode(
        this.#generation,
        child.keys.splice(half),
        child.values.splice(half),
        null,
      );
      separator = right.keys[0] as string;
    } else {
      right = new TreeNode(
        this.#generation,
        child.keys.splice(half),
        [],
        child.children.splice(half),
      );
      separator = child.keys.pop() as string;
    }
    insertAt(parent.keys, index, separator);
    insertAt(parent.children as TreeNode<V>[], index + 1, right);
  }

  /**
   * Sees to it that `children[index]` can lose one: a thin child is merged with a neighbour, or
   * takes from it.
   */
  #fill(parent: TreeNode<V>, index: number): void {
    const children = parent.children as TreeNode<V>[];
    if (children.length === 1 || weight(children[index] as TreeNode<V>) > WIDTH_MIN) return;
    const at = index > 0 ? index - 1 : 0;
    const left = this.#ownChild(parent, at);
    const right = children[at + 1] as TreeNode<V>;
    const separator = parent.keys[at] as string;
    if (left.children !== null) left.keys.push(separator);
    for (const key of right.keys) left.keys.push(key);
    for (const value of right.values) left.values.push(value);
    for (const child of right.children ?? []) (left.children as TreeNode<V>[]).push(child);
    parent.keys.splice(at, 1);
    children.splice(at + 1, 1);
    if (weight(left) > WIDTH) this.#split(parent, at, left);
  }
}

/** Stands on one entry at a time, in key order. */
export class OrderedCursor<V> {
  /** The branches on the way down, and which child of each was taken. */
  readonly #path: { readonly node: TreeNode<V>; index: number }[] = [];
  #leaf: TreeNode<V>;
  #index = 0;

  /** Begins at the first entry of the tree under `root`. */
  constructor(root: TreeNode<V>) {
    this.#leaf = this.#descend(root);
  }

  /** True after the last entry; then `key` and `value` must not be asked. */
  get atEnd(): boolean {
    return this.#index >= this.#leaf.keys.length;
  }

  get key(): string {
    return this.#leaf.keys[this.#index] as string;
  }

  get value(): V {
    return this.#leaf.values[this.#index] as V;
  }

  advance(): void {
    this.#index += 1;
    if (this.#index < this.#leaf.keys.length) return;
    for (let last = this.#path.at(-1); last !== undefined; last = this.#path.at(-1)) {
      last.index += 1;
      const next = last.node.children?.[last.index];
      if (next !== undefined) {
        this.#leaf = this.#descend(next);
        this.#index = 0;
        return;
      }
      this.#path.pop();
    }
  }

  #descend(from: TreeNode<V>): TreeNode<V> {
    let node = from;
    while (node.children !== null) {
      this.#path.push({ node, index: 0 });
      node = node.children[0] as TreeNode<V>;
    }
    return node;
  }
}

/**
 * Builds a map from entries that come in key order: full leaves, no comparisons but one per entry.
 */
export class OrderedMapBuilder<V> {
  readonly #leaves: { keys: string[]; values: V[] }[] = [];
  #keys: string[] = [];
  #values: V[] = [];
  #last: string | null = null;

  /** False, and nothing is added, unless `key` is above all keys so far. */
  add(key: string, value: V): boolean {
    if (this.#last !== null && key <= this.#last) return false;
    if (this.#keys.length === WIDTH) this.#close();
    this.#last = key;
    this.#keys.push(key);
    this.#values.push(value);
    return true;
  }

  /** The map; the builder is empty again. */
  build(): OrderedMap<V> {
    this.#close();
    const leaves = this.#leaves.splice(0);
    const before = leaves.at(-2);
    const last = leaves.at(-1);
    if (before !== undefined && last !== undefined && last.keys.length < WIDTH_MIN) {
      const half = (before.keys.length + last.keys.length) >>> 1;
      last.keys.unshift(...before.keys.splice(half));
      last.values.unshift(...before.values.splice(half));
    }
    this.#last = null;
    return OrderedMap.fromSortedLeaves(leaves);
  }

  #close(): void {
    if (this.#keys.length === 0) return;
    this.#leaves.push({ keys: this.#keys, values: this.#values });
    this.#keys = [];
    this.#values = [];
  }
}

function weight<V>(node: TreeNode<V>): number {
  return node.children === null ? node.keys.length : node.children.length;
}

/** The first place whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which child of a branch with these separators holds `key`. */
function childIndex(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (key < (keys[middle] as string)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function insertAt<T>(list: T[], index: number, item: T): void {
  if (index === list.length) list.push(item);
  else list.splice(index, 0, item);
}

/** Depth and entries of a sound subtree with all keys in [low, high), or what is wrong with it. */
function nodeProblem<V>(
  node: TreeNode<V>,
  low: string | null,
  high: string | null,
  isRoot: boolean,
): { readonly depth: number; readonly entries: number } | string {
  const { keys, values, children } = node;
  if (weight(node) > WIDTH || (!isRoot && weight(node) < WIDTH_MIN))
    return `weight ${weight(node)}`;
  for (const [index, key] of keys.entries()) {
    const before = index === 0 ? low : (keys[index - 1] as string);
    if (before !== null && (index === 0 ? key < before : key <= before))
      return `key ${key} too low`;
    if (high !== null && key >= high) return `key ${key} too high`;
  }
  if (children === null)
    return values.length === keys.length
      ? { depth: 1, entries: keys.length }
      : "values and keys differ";
  if (children.length !== keys.length + 1) return "children and separators differ";
  let depth = 0;
  let entries = 0;
  for (const [index, child] of children.entries()) {
    const below = nodeProblem(child, keys[index - 1] ?? low, keys[index] ?? high, false);
    if (typeof below === "string") return below;
    if (index > 0 && below.depth !== depth) return "leaves at different depths";
    depth = below.depth;
    entries += below.entries;
  }
  return { depth: depth + 1, entries };
}
