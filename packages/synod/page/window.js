// The part of time that is shown, and how it lies on the canvas.

/**
 * @typedef {{ fromMs: number, toMs: number, cursorMs: number, width: number, height: number,
 *   nodes: number[] }} View
 */

export const GUTTER = 86;
export const MARGIN_RIGHT = 26;
const FAULTS_Y = 26;
const CLIENTS_Y = 62;
const LANES_FROM = 104;
const AXIS_BELOW = 34;
const SPAN_MIN_MS = 0.05;

/** @param {View} view @param {number} ms */
export function xOf(view, ms) {
  const wide = view.width - GUTTER - MARGIN_RIGHT;
  return GUTTER + ((ms - view.fromMs) / (view.toMs - view.fromMs)) * wide;
}

/** @param {View} view @param {number} x */
export function msOf(view, x) {
  const wide = view.width - GUTTER - MARGIN_RIGHT;
  return view.fromMs + ((x - GUTTER) / wide) * (view.toMs - view.fromMs);
}

/**
 * The height of a lane: of a node, or of what belongs to none.
 * @param {View} view @param {number} node @param {string} [kind]
 */
export function yOf(view, node, kind) {
  if (kind === "client") return CLIENTS_Y;
  const lane = view.nodes.indexOf(node);
  if (lane < 0 || kind === "fault") return FAULTS_Y;
  const room = view.height - AXIS_BELOW - LANES_FROM;
  return LANES_FROM + (room * (lane + 0.5)) / view.nodes.length;
}

/** @param {View} view @param {number} fromMs @param {number} toMs @param {number} endMs */
export function show(view, fromMs, toMs, endMs) {
  const span = Math.max(SPAN_MIN_MS, toMs - fromMs);
  const slack = span / 4;
  const least = -slack;
  const most = Math.max(endMs + slack - span, least);
  view.fromMs = Math.min(Math.max(fromMs, least), most);
  view.toMs = view.fromMs + span;
}

/**
 * Closer (below 1) or farther, with one moment staying where it is.
 * @param {View} view @param {number} factor @param {number} aroundMs @param {number} endMs
 */
export function zoom(view, factor, aroundMs, endMs) {
  const span = Math.min((view.toMs - view.fromMs) * factor, endMs * 1.2 + 1);
  const share = (aroundMs - view.fromMs) / (view.toMs - view.fromMs);
  show(view, aroundMs - share * span, aroundMs + (1 - share) * span, endMs);
}

/**
 * Round steps for an axis: about one every 110 pixels.
 * @param {View} view @returns {number[]}
 */
export function ticksOf(view) {
  const wish = ((view.toMs - view.fromMs) * 110) / (view.width - GUTTER);
  const power = 10 ** Math.floor(Math.log10(wish));
  const step = [1, 2, 5, 10].map((n) => n * power).find((each) => each >= wish) ?? wish;
  const ticks = [];
  for (let ms = Math.ceil(view.fromMs / step) * step; ms <= view.toMs; ms += step) ticks.push(ms);
  return ticks;
}

/** @param {number} ms @param {View} view */
export function tickText(ms, view) {
  const span = view.toMs - view.fromMs;
  const digits = span > 20_000 ? 0 : span > 2_000 ? 1 : span > 200 ? 2 : span > 20 ? 3 : 4;
  return `${(ms / 1000).toFixed(digits)} s`;
}
