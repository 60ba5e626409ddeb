// Puts the page together, and listens to its reader.
import { clockText, readLife } from "./life.js";
import { nearest, paint, paintOverview, readColors, snap } from "./paint.js";
import { fillDetails, fillFilters, fillReplicas, usualFilters } from "./panel.js";
import { GUTTER, MARGIN_RIGHT, msOf, show, zoom } from "./window.js";

/** So many messages are on the page when it opens: the last ones, up to the violation. */
const MESSAGES_AT_FIRST = 45;
/** After a pause that is long beside all that followed it, fewer than that will do. */
const MESSAGES_LEAST = 8;
const GAP_MIN_MS = 40;
const ZOOM_STEP = 1.35;
/** The window passes by in so long while time runs, ms. */
const PLAY_MS = 9_000;

/** @param {string} id @returns {HTMLElement} */
function part(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

const life = readLife(part("record").textContent ?? "");
const shown = usualFilters(life);
const canvas = /** @type {HTMLCanvasElement} */ (part("diagram"));
const overview = /** @type {HTMLCanvasElement} */ (part("overview"));
const view = { fromMs: 0, toMs: 1, cursorMs: 0, width: 0, height: 0, nodes: life.nodes };
let colors = readColors();
/** @type {import("./life.js").Message | import("./life.js").Mark | null} */
let chosen = null;
let isPlaying = false;
let isStale = false;

/** What the filters let through, and of that what the window shows. */
function sceneNow() {
  const all = life.messages.filter(({ kind }) => shown.messages.has(kind));
  const messages = all.filter(({ sentMs, arrivedMs }) => {
    return sentMs <= view.toMs && (arrivedMs ?? sentMs) >= view.fromMs;
  });
  const marks = life.marks.filter(({ atMs, kind }) => {
    return shown.marks.has(kind) && atMs >= view.fromMs && atMs <= view.toMs;
  });
  return { all, scene: { life, view, colors, messages, marks, chosen } };
}

function draw() {
  isStale = false;
  const { all, scene } = sceneNow();
  paint(fitted(canvas, view), scene);
  const strip = { ...view, fromMs: 0, toMs: life.endMs || 1 };
  const pen = fitted(overview, strip);
  paintOverview(pen, { ...scene, messages: all }, strip);
  part("clock").textContent = clockText(view.cursorMs);
  fillReplicas(part("replicas"), life, view.cursorMs);
  fillDetails(part("details"), life, chosen, colors);
}

/** Once for all that changes until the next frame. */
function redraw() {
  if (isStale) return;
  isStale = true;
  requestAnimationFrame(draw);
}

/**
 * A pen for a canvas of as many pixels as the screen has.
 * @param {HTMLCanvasElement} of @param {{ width: number, height: number }} size
 */
function fitted(of, size) {
  const { width, height } = of.getBoundingClientRect();
  const dots = window.devicePixelRatio || 1;
  if (of.width !== Math.round(width * dots)) of.width = Math.round(width * dots);
  if (of.height !== Math.round(height * dots)) of.height = Math.round(height * dots);
  size.width = width;
  size.height = height;
  const pen = of.getContext("2d");
  if (pen === null) throw new Error("no canvas");
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  return pen;
}

/** The end of the life, as far back as belongs together and can be read. */
function showTheEnd() {
  const until = life.violation?.atMs ?? life.endMs;
  const told = life.messages.filter(({ kind, sentMs }) => {
    return shown.messages.has(kind) && sentMs <= until;
  });
  let first = told.at(-1)?.sentMs ?? 0;
  for (const [count, { sentMs }] of told.slice(-MESSAGES_AT_FIRST).reverse().entries()) {
    const isApart = first - sentMs > GAP_MIN_MS + 2 * (until - first);
    if (isApart && count >= MESSAGES_LEAST) break;
    first = sentMs;
  }
  const span = Math.max(1, until - first);
  view.cursorMs = until;
  chosen = life.marks.find(({ kind }) => kind === "violation") ?? null;
  show(view, first - span * 0.06, until + span * 0.09, life.endMs);
}

/**
 * Puts the clock on a moment, and moves the window there if that is not in it.
 * @param {number} ms
 */
function goTo(ms) {
  view.cursorMs = Math.min(Math.max(0, ms), life.endMs);
  const span = view.toMs - view.fromMs;
  if (view.cursorMs < view.fromMs || view.cursorMs > view.toMs)
    show(view, view.cursorMs - span / 2, view.cursorMs + span / 2, life.endMs);
  redraw();
}

/**
 * To the next event that is shown, or the one before.
 * @param {1 | -1} direction
 */
function step(direction) {
  const events = [
    ...life.messages.filter(({ kind }) => shown.messages.has(kind)),
    ...life.marks.filter(({ kind }) => shown.marks.has(kind)),
  ];
  /** @param {typeof events[number]} event */
  const timeOf = (event) => ("sentMs" in event ? event.sentMs : event.atMs);
  const after = events
    .filter((event) => (timeOf(event) - view.cursorMs) * direction > 1e-6)
    .sort((a, b) => (timeOf(a) - timeOf(b)) * direction);
  chosen = after[0] ?? chosen;
  if (after[0] !== undefined) goTo(timeOf(after[0]));
}

/** @param {number} factor */
function zoomAtCursor(factor) {
  const inside = view.cursorMs >= view.fromMs && view.cursorMs <= view.toMs;
  zoom(view, factor, inside ? view.cursorMs : (view.fromMs + view.toMs) / 2, life.endMs);
  redraw();
}

function playOrStop() {
  isPlaying = !isPlaying;
  part("play").textContent = isPlaying ? "❚❚" : "▶";
  let last = performance.now();
  const tick = (/** @type {number} */ now) => {
    if (!isPlaying) return;
    const ms = ((now - last) / PLAY_MS) * (view.toMs - view.fromMs);
    last = now;
    goTo(view.cursorMs + ms);
    if (view.cursorMs >= life.endMs) playOrStop();
    else requestAnimationFrame(tick);
  };
  if (view.cursorMs >= life.endMs) goTo(view.fromMs);
  if (isPlaying) requestAnimationFrame(tick);
}

/** @param {"light" | "dark"} theme */
function wear(theme) {
  document.documentElement.dataset["theme"] = theme;
  colors = readColors();
  fillFilters(part("filters"), life, shown, colors, redraw);
  redraw();
}

function changeTheme() {
  wear(document.documentElement.dataset["theme"] === "dark" ? "light" : "dark");
}

/** @type {Readonly<Record<string, () => void>>} */
const KEYS = {
  ArrowLeft: () => pan(-0.12),
  ArrowRight: () => pan(0.12),
  "+": () => zoomAtCursor(1 / ZOOM_STEP),
  "-": () => zoomAtCursor(ZOOM_STEP),
  0: showAll,
  n: () => step(1),
  p: () => step(-1),
  t: changeTheme,
  " ": playOrStop,
  Home: () => goTo(0),
  End: () => goTo(life.endMs),
};

/** @param {number} share of the window */
function pan(share) {
  const by = share * (view.toMs - view.fromMs);
  show(view, view.fromMs + by, view.toMs + by, life.endMs);
  redraw();
}

function showAll() {
  show(view, 0, life.endMs * 1.02, life.endMs);
  redraw();
}

function listen() {
  /** @type {Readonly<Record<string, () => void>>} */
  const buttons = {
    previous: () => step(-1),
    following: () => step(1),
    play: playOrStop,
    closer: () => zoomAtCursor(1 / ZOOM_STEP),
    farther: () => zoomAtCursor(ZOOM_STEP),
    whole: showAll,
    theme: changeTheme,
  };
  for (const [id, press] of Object.entries(buttons)) part(id).addEventListener("click", press);
  document.addEventListener("keydown", (event) => {
    const press = KEYS[event.key];
    const onButton = event.key === " " && event.target instanceof HTMLButtonElement;
    if (press === undefined || event.ctrlKey || event.metaKey || onButton) return;
    event.preventDefault();
    press();
  });
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", wearAsAsked);
  listenToDiagram();
  listenToOverview();
}

function listenToDiagram() {
  /** @type {{ x: number, fromMs: number, toMs: number, moved: boolean } | null} */
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, fromMs: view.fromMs, toMs: view.toMs, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null) chosen = nearest(sceneNow().scene, event.offsetX, event.offsetY);
    else {
      const by = event.offsetX - drag.x;
      drag.moved ||= Math.abs(by) > 3;
      const ms = (by * (drag.toMs - drag.fromMs)) / (view.width - GUTTER - MARGIN_RIGHT);
      if (drag.moved) show(view, drag.fromMs - ms, drag.toMs - ms, life.endMs);
    }
    redraw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag?.moved === false) goTo(snap(view, event.offsetX));
    drag = null;
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) return pan(event.deltaX / 900);
      zoom(view, 1.0016 ** event.deltaY, msOf(view, event.offsetX), life.endMs);
      redraw();
    },
    { passive: false },
  );
}

function listenToOverview() {
  const move = (/** @type {PointerEvent} */ event) => {
    if (event.buttons === 0) return;
    const strip = { ...view, fromMs: 0, toMs: life.endMs || 1 };
    const ms = msOf(strip, event.offsetX);
    const span = view.toMs - view.fromMs;
    show(view, ms - span / 2, ms + span / 2, life.endMs);
    goTo(ms);
  };
  overview.addEventListener("pointerdown", (event) => {
    overview.setPointerCapture(event.pointerId);
    move(event);
  });
  overview.addEventListener("pointermove", move);
}

function wearAsAsked() {
  wear(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function begin() {
  const verdict = part("verdict");
  verdict.textContent =
    life.violation === null
      ? "No violation."
      : `Violation at ${clockText(life.violation.atMs)}: ${life.violation.text}`;
  verdict.className = life.violation === null ? "good" : "bad";
  showTheEnd();
  listen();
  wearAsAsked();
}

begin();
