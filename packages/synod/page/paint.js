// Everything that is drawn.
import { clockText, isDown, stateAt } from "./life.js";
import { GUTTER, MARGIN_RIGHT, msOf, ticksOf, tickText, xOf, yOf } from "./window.js";

/**
 * @typedef {import("./life.js").Life} Life
 * @typedef {import("./life.js").Message} Message
 * @typedef {import("./life.js").Mark} Mark
 * @typedef {import("./window.js").View} View
 * @typedef {{ paper: string, raised: string, ink: string, soft: string, line: string,
 *   lane: string, good: string, bad: string, warn: string, focus: string,
 *   kinds: string[] }} Colors
 * @typedef {{ life: Life, view: View, colors: Colors, messages: Message[], marks: Mark[],
 *   chosen: Message | Mark | null }} Scene
 */

const TEXT = "12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";
const BOLD = "600 13px system-ui, sans-serif";
const HEAD = 5;
/** From so many things on, those that hide each other are drawn once. */
const CROWD = 2_000;
const LOST_PX = 26;
/** Room for the clock among the numbers of the axis, to either side. */
const CLOCK_PX = 62;

/** @returns {Colors} */
export function readColors() {
  const style = getComputedStyle(document.documentElement);
  /** @param {string} name */
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["paper", "raised", "ink", "soft", "line", "lane", "good", "bad", "warn", "focus"];
  const plain = Object.fromEntries(names.map((name) => [name, of(name)]));
  return /** @type {Colors} */ ({ ...plain, kinds: of("kinds").split(/\s+/) });
}

/**
 * Messages that tell something have colours of their own, as far as those go.
 * @param {Life} life @param {Colors} colors @param {number} kind
 */
export function kindColor(life, colors, kind) {
  return colors.kinds[life.telling.indexOf(kind)] ?? colors.soft;
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paint(pen, scene) {
  const { view, colors } = scene;
  pen.clearRect(0, 0, view.width, view.height);
  paintAxis(pen, scene);
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, 0, view.width - GUTTER, view.height);
  pen.clip();
  pen.fillStyle = colors.line;
  pen.fillRect(GUTTER, yOf(view, -1, "client") - 0.5, view.width, 1);
  const messages = distinct(scene.messages, (message) => {
    const { x1, x2 } = wayOf(view, message);
    return `${message.from} ${message.to} ${message.kind} ${x1 >> 1} ${x2 >> 1}`;
  });
  const faint = Math.min(0.9, Math.max(0.05, 230 / (messages.length + 1)));
  for (const message of messages) paintMessage(pen, scene, message, faint);
  for (const node of view.nodes) paintLane(pen, scene, node);
  if (scene.chosen !== null && "sentMs" in scene.chosen) paintMessage(pen, scene, scene.chosen, 1);
  paintMarks(pen, scene);
  paintLines(pen, scene);
  pen.restore();
  paintNames(pen, scene);
}

/**
 * What would be drawn on top of each other is drawn once.
 * @template T @param {T[]} all @param {(each: T) => string} keyOf @returns {T[]}
 */
function distinct(all, keyOf) {
  if (all.length < CROWD) return all;
  return [...new Map(all.map((each) => [keyOf(each), each])).values()];
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene */
function paintAxis(pen, { view, colors }) {
  pen.font = SMALL;
  pen.textAlign = "center";
  for (const ms of ticksOf(view)) {
    const x = Math.round(xOf(view, ms)) + 0.5;
    if (x < GUTTER + 20) continue;
    pen.strokeStyle = colors.line;
    line(pen, x, 44, x, view.height - 24);
    if (Math.abs(x - xOf(view, view.cursorMs)) < CLOCK_PX) continue;
    pen.fillStyle = colors.soft;
    pen.fillText(tickText(ms, view), x, view.height - 9);
  }
}

/**
 * The lane of a node: dots while it is down, a band in the time of its leadership.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {number} node
 */
function paintLane(pen, { life, view, colors }, node) {
  const y = yOf(view, node);
  const downs = life.downs.filter((span) => span.node === node);
  const states = life.states[view.nodes.indexOf(node)] ?? [];
  for (const { role, fromMs, toMs } of reigns(states, downs, life.endMs)) {
    if (toMs < view.fromMs || fromMs > view.toMs) continue;
    pen.fillStyle = role === "leader" ? colors.focus : colors.warn;
    pen.globalAlpha = role === "leader" ? 0.36 : 0.26;
    const x = xOf(view, fromMs);
    pen.fillRect(x, y - 7, Math.max(1, xOf(view, toMs) - x), 14);
    pen.globalAlpha = 1;
  }
  let aliveFrom = 0;
  for (const { fromMs, toMs } of downs) {
    paintAlive(pen, { view, colors }, aliveFrom, fromMs, y);
    paintDown(pen, { view, colors }, fromMs, Math.min(toMs, life.endMs), y);
    aliveFrom = toMs;
  }
  paintAlive(pen, { view, colors }, aliveFrom, life.endMs, y);
  paintBallots(pen, { view, colors }, states, y);
}

/**
 * The times in which a replica stood for election or led, each until it fell at the latest.
 * @param {Life["states"][number]} states @param {Life["downs"]} downs @param {number} endMs
 */
function reigns(states, downs, endMs) {
  /** @type {{ role: string, fromMs: number, toMs: number }[]} */
  const found = [];
  for (const [at, { atMs, role }] of states.entries()) {
    const fallsMs = downs.find(({ fromMs }) => fromMs >= atMs)?.fromMs ?? endMs;
    const toMs = Math.min(states[at + 1]?.atMs ?? endMs, fallsMs);
    const last = found.at(-1);
    if (role !== "leader" && role !== "candidate") continue;
    if (last?.role === role && last.toMs === atMs) last.toMs = toMs;
    else found.push({ role, fromMs: atMs, toMs });
  }
  return found;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Pick<Scene, "view" | "colors">} scene
 * @param {number} fromMs @param {number} toMs @param {number} y
 */
function paintAlive(pen, { view, colors }, fromMs, toMs, y) {
  if (toMs <= fromMs) return;
  pen.strokeStyle = colors.lane;
  pen.lineWidth = 1.5;
  line(pen, xOf(view, fromMs), y, xOf(view, toMs), y);
  pen.lineWidth = 1;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Pick<Scene, "view" | "colors">} scene
 * @param {number} fromMs @param {number} toMs @param {number} y
 */
function paintDown(pen, { view, colors }, fromMs, toMs, y) {
  if (toMs <= fromMs) return;
  pen.strokeStyle = colors.bad;
  pen.globalAlpha = 0.6;
  pen.setLineDash([2, 5]);
  line(pen, xOf(view, fromMs), y, xOf(view, toMs), y);
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/**
 * Where a replica takes on a ballot, its number, if there is room.
 * @param {CanvasRenderingContext2D} pen @param {Pick<Scene, "view" | "colors">} scene
 * @param {Life["states"][number]} states @param {number} y
 */
function paintBallots(pen, { view, colors }, states, y) {
  let before = "";
  let free = GUTTER;
  pen.font = SMALL;
  pen.textAlign = "left";
  for (const { atMs, ballot, role } of states) {
    const isNew = ballot !== before;
    before = ballot;
    const x = xOf(view, atMs);
    if (!isNew || x < free || x > view.width) continue;
    const text = role === "leader" ? `leads ${ballot}` : ballot;
    pen.fillStyle = role === "leader" ? colors.focus : colors.soft;
    write(pen, colors, text, x + 3, y - 13);
    free = x + pen.measureText(text).width + 10;
  }
}

/** @param {View} view @param {Message} message */
export function wayOf(view, { sentMs, from, to, arrivedMs }) {
  const way = { x1: xOf(view, sentMs), y1: yOf(view, from), x2: 0, y2: yOf(view, to) };
  if (arrivedMs !== null) return { ...way, x2: xOf(view, arrivedMs) };
  const down = Math.sign(way.y2 - way.y1);
  return { ...way, x2: way.x1 + LOST_PX * 0.6, y2: way.y1 + down * LOST_PX };
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Message} message
 * @param {number} alpha
 */
function paintMessage(pen, { life, view, colors, chosen }, message, alpha) {
  const { x1, y1, x2, y2 } = wayOf(view, message);
  const isChosen = chosen === message;
  const isLost = message.arrivedMs === null;
  pen.globalAlpha = isChosen ? 1 : isLost ? alpha * 0.7 : alpha;
  pen.strokeStyle = kindColor(life, colors, message.kind);
  pen.fillStyle = pen.strokeStyle;
  pen.lineWidth = isChosen ? 3 : 1.3;
  if (isLost) pen.setLineDash([3, 3]);
  line(pen, x1, y1, x2, y2);
  pen.setLineDash([]);
  if (isLost) paintCross(pen, x2, y2, 3);
  else paintHead(pen, x1, y1, x2, y2);
  pen.globalAlpha = 1;
  pen.lineWidth = 1;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2
 */
function paintHead(pen, x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  pen.beginPath();
  pen.moveTo(x2, y2);
  for (const turn of [-0.4, 0.4])
    pen.lineTo(x2 - 2 * HEAD * Math.cos(angle + turn), y2 - 2 * HEAD * Math.sin(angle + turn));
  pen.fill();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x @param {number} y @param {number} size
 */
function paintCross(pen, x, y, size) {
  line(pen, x - size, y - size, x + size, y + size);
  line(pen, x - size, y + size, x + size, y - size);
}

/**
 * How each kind of event looks, and how far from its lane.
 * @type {Readonly<Record<string, { sign: string, color: keyof Colors, dy: number }>>}
 */
export const SIGNS = {
  up: { sign: "▸", color: "good", dy: 0 },
  down: { sign: "✕", color: "bad", dy: 0 },
  fault: { sign: "▼", color: "bad", dy: 0 },
  persist: { sign: "▪", color: "soft", dy: 12 },
  deliver: { sign: "●", color: "good", dy: 0 },
  timeout: { sign: "◷", color: "warn", dy: 24 },
  observed: { sign: "◆", color: "soft", dy: -24 },
  client: { sign: "│", color: "soft", dy: 0 },
  world: { sign: "◇", color: "soft", dy: 0 },
  violation: { sign: "✸", color: "bad", dy: 18 },
};

/** @param {View} view @param {Mark} mark */
export function placeOf(view, { atMs, node, kind }) {
  const dy = SIGNS[kind]?.dy ?? 0;
  return { x: xOf(view, atMs), y: yOf(view, node, kind) + dy };
}

/** Kinds of which there are so many that a lane full of them is a stripe. */
const MANY = ["persist", "deliver", "client", "timeout"];

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene */
function paintMarks(pen, { view, colors, marks, chosen }) {
  const apart = distinct(
    marks,
    ({ atMs, node, kind }) => `${node} ${kind} ${xOf(view, atMs) >> 1}`,
  );
  const isCrowd = apart.length >= CROWD / 2;
  /** Where the sign before, on the same lane, begins. @type {Map<string, number>} */
  const next = new Map();
  pen.textBaseline = "middle";
  for (const mark of apart.reverse()) {
    const { x, y } = placeOf(view, mark);
    const { sign, color } = SIGNS[mark.kind] ?? { sign: "?", color: "soft" };
    const lane = `${mark.node} ${mark.kind}`;
    const room = (next.get(lane) ?? view.width) - x;
    next.set(lane, x);
    pen.fillStyle = String(colors[/** @type {keyof Colors} */ (color)]);
    if (isCrowd && MANY.includes(mark.kind)) {
      pen.globalAlpha = 0.35;
      pen.fillRect(x - 0.5, y - 3, 1, 6);
      pen.globalAlpha = 1;
      continue;
    }
    pen.font = mark === chosen ? "700 19px system-ui, sans-serif" : TEXT;
    pen.textAlign = "center";
    pen.fillText(sign, x, y);
    pen.font = SMALL;
    paintLabel(pen, colors, mark, { x, y, room });
  }
  pen.textBaseline = "alphabetic";
}

/**
 * The words of a sign, as far as there is room until the next one.
 * @param {CanvasRenderingContext2D} pen @param {Colors} colors @param {Mark} mark
 * @param {{ x: number, y: number, room: number }} place
 */
function paintLabel(pen, colors, mark, { x, y, room }) {
  const label = labelOf(mark);
  if (label === "") return;
  const wide = pen.measureText(label).width;
  if (mark.kind === "deliver") {
    if (wide + 6 <= room) write(pen, colors, label, x - wide / 2, y + 15);
    return;
  }
  const fits = Math.floor((label.length * (room - 24)) / wide);
  if (fits >= label.length) write(pen, colors, label, x + 9, y);
  else if (fits > 7) write(pen, colors, `${label.slice(0, fits - 1)}…`, x + 9, y);
}

/**
 * Text that stays readable on what lies below it.
 * @param {CanvasRenderingContext2D} pen @param {Colors} colors
 * @param {string} text @param {number} x @param {number} y
 */
function write(pen, colors, text, x, y) {
  pen.textAlign = "left";
  pen.strokeStyle = colors.paper;
  pen.lineWidth = 3.5;
  pen.lineJoin = "round";
  pen.strokeText(text, x, y);
  pen.lineWidth = 1;
  pen.fillText(text, x, y);
}

/** The words beside a sign. @param {Mark} mark */
function labelOf({ kind, text }) {
  if (kind === "deliver") return /^slot (\d+)/.exec(text)?.[1] ?? "";
  if (kind === "fault") return text.replace(/^fault: /, "");
  if (kind === "observed") return /^node \d+: (\w+) /.exec(text)?.[1] ?? "";
  return "";
}

/**
 * The clock, and the moment of the violation.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene
 */
function paintLines(pen, { life, view, colors }) {
  const { violation } = life;
  if (violation !== null) {
    const x = xOf(view, violation.atMs);
    pen.strokeStyle = colors.bad;
    pen.lineWidth = 2;
    line(pen, x, 40, x, view.height - 24);
  }
  const x = Math.round(xOf(view, view.cursorMs)) + 0.5;
  pen.strokeStyle = colors.ink;
  pen.lineWidth = 1;
  line(pen, x, 40, x, view.height - 24);
  pen.font = SMALL;
  const text = clockText(view.cursorMs);
  const wide = pen.measureText(text).width + 12;
  const left = Math.min(Math.max(GUTTER, x - wide / 2), view.width - wide);
  pen.fillStyle = colors.ink;
  pen.beginPath();
  pen.roundRect(left, view.height - 23, wide, 18, 5);
  pen.fill();
  pen.fillStyle = colors.paper;
  pen.textAlign = "left";
  pen.fillText(text, left + 6, view.height - 10);
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene */
function paintNames(pen, { life, view, colors }) {
  pen.fillStyle = colors.paper;
  pen.fillRect(0, 0, GUTTER, view.height);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.font = SMALL;
  pen.fillStyle = colors.soft;
  pen.fillText("faults", 20, yOf(view, -1));
  pen.fillText("clients", 20, yOf(view, -1, "client"));
  for (const [at, node] of view.nodes.entries()) {
    const y = yOf(view, node);
    const state = stateAt(life.states[at] ?? [], view.cursorMs);
    const down = isDown(life, node, view.cursorMs);
    pen.font = BOLD;
    pen.fillStyle = down ? colors.bad : colors.ink;
    pen.fillText(`node ${node}`, 20, y - 7);
    pen.font = SMALL;
    pen.fillStyle = down ? colors.bad : colors.soft;
    pen.fillText(down ? "down" : (state?.role ?? ""), 20, y + 9);
  }
  pen.textBaseline = "alphabetic";
}

/**
 * The whole life in a strip: how much happened when, and what part is shown above.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {View} strip
 */
export function paintOverview(pen, { life, view, colors, messages }, strip) {
  const { width, height } = strip;
  pen.clearRect(0, 0, width, height);
  const bins = new Float64Array(Math.max(1, Math.ceil((width - GUTTER - MARGIN_RIGHT) / 3)));
  for (const { sentMs } of messages) {
    const bin = Math.floor((xOf(strip, sentMs) - GUTTER) / 3);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const most = Math.max(1, ...bins);
  pen.fillStyle = colors.lane;
  for (const [bin, count] of bins.entries()) {
    const tall = Math.sqrt(count / most) * (height - 22);
    pen.fillRect(GUTTER + 3 * bin, height - 8 - tall, 2, tall);
  }
  pen.fillStyle = colors.bad;
  for (const { atMs, kind } of life.marks)
    if (kind === "fault" || kind === "down") pen.fillRect(xOf(strip, atMs), 5, 1.5, 6);
  if (life.violation !== null) pen.fillRect(xOf(strip, life.violation.atMs) - 1, 2, 2, height - 8);
  const from = Math.max(GUTTER, xOf(strip, view.fromMs));
  const to = Math.min(width - MARGIN_RIGHT + 4, xOf(strip, view.toMs));
  const wide = Math.max(3, to - from);
  pen.fillStyle = colors.focus;
  pen.globalAlpha = 0.14;
  pen.fillRect(from, 2, wide, height - 8);
  pen.globalAlpha = 1;
  pen.strokeStyle = colors.focus;
  pen.strokeRect(from, 2.5, wide, height - 9);
  pen.fillStyle = colors.ink;
  pen.fillRect(xOf(strip, view.cursorMs), 2, 1, height - 8);
  pen.fillStyle = colors.soft;
  pen.font = SMALL;
  pen.textAlign = "left";
  pen.fillText("all of it", 20, height / 2 + 3);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2
 */
function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/**
 * What is nearest to a point, if anything is near.
 * @param {Scene} scene @param {number} x @param {number} y @returns {Message | Mark | null}
 */
export function nearest({ view, messages, marks }, x, y) {
  let best = 14;
  /** @type {Message | Mark | null} */
  let found = null;
  for (const mark of marks) {
    const place = placeOf(view, mark);
    // Signs are small and lie on the ways of messages: they go first.
    const far = Math.hypot(place.x - x, place.y - y) * 0.7;
    if (far < best) [best, found] = [far, mark];
  }
  for (const message of messages) {
    const far = distance(wayOf(view, message), x, y) + 3;
    if (far < best) [best, found] = [far, message];
  }
  return found;
}

/**
 * From a point to a way.
 * @param {{ x1: number, y1: number, x2: number, y2: number }} way
 * @param {number} x @param {number} y
 */
function distance({ x1, y1, x2, y2 }, x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : ((x - x1) * dx + (y - y1) * dy) / length;
  const at = Math.min(1, Math.max(0, share));
  return Math.hypot(x1 + at * dx - x, y1 + at * dy - y);
}

/** @param {View} view @param {number} x */
export function snap(view, x) {
  return Math.max(0, msOf(view, x));
}
