// The words around the picture: filters, the state of all nodes, the event under the cursor.
import { clockText, isDown, stateAt } from "./life.js";
import { kindColor, SIGNS } from "./paint.js";

/**
 * @typedef {import("./life.js").Life} Life
 * @typedef {import("./life.js").Message} Message
 * @typedef {import("./life.js").Mark} Mark
 * @typedef {import("./paint.js").Colors} Colors
 * @typedef {{ messages: Set<number>, marks: Set<string> }} Shown
 */

const MARK_NAMES = {
  up: "started",
  down: "down",
  fault: "faults",
  persist: "writes to disk",
  deliver: "chosen, delivered",
  timeout: "time-outs",
  observed: "told by hosts",
  client: "clients",
  world: "the end",
  violation: "violation",
};

/**
 * What is shown at first: whatever tells a story.
 * @param {Life} life @returns {Shown}
 */
export function usualFilters(life) {
  const quiet = ["timeout", "observed", "world"];
  const marks = life.markKinds.filter((kind) => !quiet.includes(kind));
  return { messages: new Set(life.telling), marks: new Set(marks) };
}

/** @param {string} tag @param {string} text @param {string} [className] */
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/**
 * @param {HTMLElement} place @param {Life} life @param {Shown} shown @param {Colors} colors
 * @param {() => void} changed
 */
export function fillFilters(place, life, shown, colors, changed) {
  place.replaceChildren();
  const counts = countKinds(life);
  place.append(element("span", "messages", "group"));
  for (const [kind, name] of life.messageKinds.entries()) {
    const count = counts.get(kind) ?? 0;
    const color = kindColor(life, colors, kind);
    place.append(chip({ sign: "→", color, name, count, kind, set: shown.messages }, changed));
  }
  place.append(element("span", "events", "group"));
  for (const kind of life.markKinds) {
    const count = counts.get(kind) ?? 0;
    if (count === 0) continue;
    const { sign = "?", color = "soft" } = SIGNS[kind] ?? {};
    const name = MARK_NAMES[/** @type {keyof typeof MARK_NAMES} */ (kind)] ?? kind;
    const ink = String(colors[color]);
    place.append(chip({ sign, color: ink, name, count, kind, set: shown.marks }, changed));
  }
}

/** @param {Life} life @returns {Map<number | string, number>} */
function countKinds(life) {
  const counts = new Map();
  for (const { kind } of [...life.messages, ...life.marks])
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/**
 * @template K
 * @param {{ sign: string, color: string, name: string, count: number, kind: K, set: Set<K> }} of
 * @param {() => void} changed
 */
function chip({ sign, color, name, count, kind, set }, changed) {
  const button = element("button", "", "chip");
  const icon = element("i", sign);
  icon.style.color = color;
  button.append(icon, element("span", name), element("b", String(count)));
  const press = () => button.setAttribute("aria-pressed", String(set.has(kind)));
  press();
  button.addEventListener("click", () => {
    if (!set.delete(kind)) set.add(kind);
    press();
    changed();
  });
  return button;
}

/**
 * What each node was at a moment.
 * @param {HTMLElement} table @param {Life} life @param {number} atMs
 */
export function fillReplicas(table, life, atMs) {
  const head = document.createElement("tr");
  for (const name of ["node", "role", "ballot", "chosen", "delivered"])
    head.append(element("th", name));
  const rows = life.nodes.map((node, at) => {
    const row = document.createElement("tr");
    const state = stateAt(life.states[at] ?? [], atMs);
    row.append(element("td", String(node)));
    if (isDown(life, node, atMs)) {
      const cell = document.createElement("td");
      cell.colSpan = 4;
      cell.className = "down";
      cell.textContent = "down";
      row.append(cell);
    } else
      for (const text of [state?.role, state?.ballot, state?.chosenUpTo, state?.deliveredUpTo])
        row.append(element("td", String(text ?? "–"), text === "leader" ? "leader" : ""));
    return row;
  });
  table.replaceChildren(head, ...rows);
}

/**
 * @param {HTMLElement} place @param {Life} life @param {Message | Mark | null} event
 * @param {Colors} colors
 */
export function fillDetails(place, life, event, colors) {
  place.replaceChildren();
  if (event === null) return place.append(element("span", "Point at something.", "help"));
  const isMessage = "sentMs" in event;
  const title = element("div", "", "kind");
  const swatch = document.createElement("i");
  const sign = isMessage ? null : SIGNS[event.kind];
  swatch.style.background = isMessage
    ? kindColor(life, colors, event.kind)
    : String(colors[sign?.color ?? "soft"]);
  title.append(swatch, element("span", event.text));
  const list = document.createElement("dl");
  const rows = isMessage ? messageRows(event) : markRows(event);
  for (const [name, text] of rows) list.append(element("dt", name), element("dd", text));
  place.append(title, list);
}

/** @param {Message} message @returns {[string, string][]} */
function messageRows({ from, to, sentMs, arrivedMs }) {
  const took = arrivedMs === null ? "" : `, after ${(arrivedMs - sentMs).toFixed(2)} ms`;
  return [
    ["way", `node ${from} → node ${to}`],
    ["left", clockText(sentMs)],
    ["arrived", arrivedMs === null ? "never" : `${clockText(arrivedMs)}${took}`],
  ];
}

/** @param {Mark} mark @returns {[string, string][]} */
function markRows({ atMs, node, kind }) {
  const name = MARK_NAMES[/** @type {keyof typeof MARK_NAMES} */ (kind)] ?? kind;
  return [["at", clockText(atMs)], ["what", name], ...(node < 0 ? [] : [whereRow(node)])];
}

/** @param {number} node @returns {[string, string]} */
function whereRow(node) {
  return ["where", `node ${node}`];
}
