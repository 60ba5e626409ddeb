/**
 * All undirected graphs of five nodes, one of each shape: 34. A graph is a set of bits, one for
 * each pair of nodes in the order 0-1, 0-2, 0-3, 0-4, 1-2, 1-3, 1-4, 2-3, 2-4, 3-4; of each shape
 * it is the smallest number.
 */
export const GRAPHS_OF_FIVE: readonly number[] = Object.freeze([
  0, 1, 3, 7, 15, 19, 20, 21, 23, 28, 29, 31, 54, 55, 58, 59, 62, 63, 126, 127, 183, 184, 185, 187,
  191, 207, 220, 221, 223, 254, 255, 495, 511, 1023,
]);

/** The pairs of `count` nodes, in the order of the bits. */
export function pairsOf(count: number): (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  for (let a = 0; a < count; a += 1) for (let b = a + 1; b < count; b += 1) pairs.push([a, b]);
  return pairs;
}

/** The links that a graph has between these nodes. */
export function linksOf(graph: number, nodes: readonly number[]): (readonly [number, number])[] {
  const pairs = pairsOf(nodes.length).filter((_, bit) => (graph & (1 << bit)) !== 0);
  return pairs.map(([a, b]) => [nodes[a] as number, nodes[b] as number] as const);
}
