// What a page knows of a life: the record, made convenient.

/**
 * @typedef {{ sentMs: number, from: number, to: number, kind: number, text: string,
 *   arrivedMs: number | null }} Message
 * @typedef {{ atMs: number, node: number, kind: string, text: string }} Mark
 * @typedef {{ atMs: number, node: number, role: string, ballot: string, chosenUpTo: number,
 *   deliveredUpTo: number }} State
 * @typedef {{ node: number, fromMs: number, toMs: number }} Span
 * @typedef {{ nodes: number[], endMs: number, violation: { atMs: number, text: string } | null,
 *   messageKinds: string[], markKinds: string[], messages: Message[], marks: Mark[],
 *   states: State[][], downs: Span[], telling: number[] }} Life
 */

/** @param {string} json @returns {Life} */
export function readLife(json) {
  const record = JSON.parse(json);
  const { nodes, endMs, violation, messageKinds, markKinds, texts } = record;
  /** @type {Message[]} */
  const messages = record.messages.map((/** @type {number[]} */ row) => {
    const [sentMs = 0, from = 0, to = 0, kind = 0, text = 0, arrivedMs = -1] = row;
    const arrived = arrivedMs < 0 ? null : arrivedMs;
    return { sentMs, from, to, kind, text: texts[text], arrivedMs: arrived };
  });
  /** @type {Mark[]} */
  const marks = record.marks.map((/** @type {number[]} */ row) => {
    const [atMs = 0, node = 0, kind = 0, text = 0] = row;
    return { atMs, node, kind: markKinds[kind], text: texts[text] };
  });
  /** @type {State[][]} */
  const states = nodes.map(() => []);
  for (const [atMs, node, role, ballot, chosenUpTo, deliveredUpTo] of record.states)
    states[nodes.indexOf(node)]?.push({
      atMs,
      node,
      role: texts[role],
      ballot: texts[ballot],
      chosenUpTo,
      deliveredUpTo,
    });
  const downs = nodes.flatMap((/** @type {number} */ node) => downsOf(node, marks));
  const telling = tellingKinds(messages, messageKinds);
  const lists = { messages, marks, states, downs, telling };
  return { nodes, endMs, violation, messageKinds, markKinds, ...lists };
}

/** @param {number} node @param {Mark[]} marks @returns {Span[]} */
function downsOf(node, marks) {
  /** @type {Span[]} */
  const spans = [];
  /** @type {number | null} */
  let since = 0;
  for (const mark of marks) {
    if (mark.node !== node) continue;
    if (mark.kind === "down") since = mark.atMs;
    if (mark.kind !== "up" || since === null) continue;
    spans.push({ node, fromMs: since, toMs: mark.atMs });
    since = null;
  }
  if (since !== null) spans.push({ node, fromMs: since, toMs: Number.POSITIVE_INFINITY });
  return spans;
}

/** The last of these before or at a time. @param {State[]} states @param {number} atMs */
export function stateAt(states, atMs) {
  let low = 0;
  let high = states.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((states[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return states[low - 1] ?? null;
}

/** @param {Life} life @param {number} node @param {number} atMs */
export function isDown(life, node, atMs) {
  return life.downs.some((span) => {
    return span.node === node && span.fromMs <= atMs && atMs < span.toMs;
  });
}

/**
 * Messages that tell a story carry more than the name of their kind.
 * @param {Message[]} messages @param {string[]} names @returns {number[]}
 */
function tellingKinds(messages, names) {
  /** @type {Set<number>} */
  const telling = new Set();
  for (const { kind, text } of messages) if (text !== names[kind]) telling.add(kind);
  return [...telling].sort((a, b) => a - b);
}

/** @param {number} ms */
export function clockText(ms) {
  return `${(ms / 1000).toFixed(4)} s`;
}
