import { readFileSync } from "node:fs";
import type { LifeRecord } from "./life-record.ts";

const PAGE = new URL("../../page/", import.meta.url);

/** In the order in which they build on each other; each is a module of its own for tools. */
const SCRIPTS = ["life.js", "window.js", "paint.js", "panel.js", "main.js"];

/** One page with everything in it: it needs no network, and can be kept or sent as it is. */
export function replayPage(record: LifeRecord): string {
  const title = escapeText(record.title);
  const script = SCRIPTS.map((name) => plainScript(readPart(name))).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${readPart("page.css")}</style>
</head>
<body>
<header>
  <div class="what">
    <h1>${title}</h1>
    <p>${escapeText(record.subtitle)}</p>
  </div>
  <div class="tools">
${BUTTONS.map(buttonText).join("\n")}
  </div>
</header>
${BODY}
<script type="application/json" id="record">${jsonText(record)}</script>
<script>
(() => {
"use strict";
${script}
})();
</script>
</body>
</html>
`;
}

/** What a button does, what is on it, and the key that does the same. */
const BUTTONS = [
  { id: "previous", sign: "‹", does: "Event before", key: "p" },
  { id: "play", sign: "▶", does: "Let time run", key: "space" },
  { id: "following", sign: "›", does: "Event after", key: "n" },
  { id: "closer", sign: "+", does: "Closer", key: "+" },
  { id: "farther", sign: "−", does: "Farther", key: "-" },
  { id: "whole", sign: "⤢", does: "The whole life", key: "0" },
  { id: "theme", sign: "◐", does: "Light or dark", key: "t" },
] as const;

const BODY = `<p id="verdict"></p>
<nav id="filters" aria-label="What is shown"></nav>
<main>
  <div id="stage"><canvas id="diagram" tabindex="0" aria-label="Space-time diagram"></canvas></div>
  <aside>
    <h2 id="clock"></h2>
    <table id="replicas"></table>
    <h2>Event</h2>
    <div id="details"></div>
    <p class="help">Drag to move in time, wheel to zoom, click to put the clock there; below, the
    whole life. Keys: arrows, + and −, n and p for the next event and the one before, space.</p>
  </aside>
</main>
<footer><canvas id="overview" aria-label="The whole life"></canvas></footer>`;

function buttonText({ id, sign, does, key }: (typeof BUTTONS)[number]): string {
  return `    <button id="${id}" title="${does} (${key})" aria-label="${does}">${sign}</button>`;
}

/** A module without its imports and exports: in one script, all names are known anyway. */
function plainScript(module: string): string {
  return module.replace(/^import [^;]*;\n/gm, "").replace(/^export /gm, "");
}

/** JSON that cannot end the script it stands in. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function readPart(name: string): string {
  return readFileSync(new URL(name, PAGE), "utf8");
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
