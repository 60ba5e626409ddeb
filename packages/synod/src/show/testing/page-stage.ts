import type { runInNewContext } from "node:vm";

/** A page that runs without a browser: what it draws and writes is kept as text. */
export interface PageStage {
  /** Lets it draw what it has put off. */
  frame(): void;
  /** Texts on the canvases since the last frame. */
  drawn(): readonly string[];
  /** Lines on the canvases since the last frame. */
  strokes(): number;
  textOf(id: string): string;
  press(key: string): void;
  /** The filter of this name. */
  pressChip(name: string): void;
}

type Listener = (event: object) => void;

/** As much of an element as the page uses. */
class FakeElement {
  readonly listeners = new Map<string, Listener>();
  readonly style: Record<string, string> = {};
  readonly dataset: Record<string, string> = {};
  children: (FakeElement | string)[] = [];
  className = "";
  colSpan = 1;
  width = 0;
  height = 0;
  readonly #pen: object;

  constructor(pen: object) {
    this.#pen = pen;
  }

  get textContent(): string {
    return this.children
      .map((child) => (typeof child === "string" ? child : child.textContent))
      .join("");
  }

  set textContent(text: string) {
    this.children = [text];
  }

  append(...children: FakeElement[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: FakeElement[]): void {
    this.children = children;
  }

  addEventListener(name: string, listener: Listener): void {
    this.listeners.set(name, listener);
  }

  setAttribute(): void {}

  getBoundingClientRect(): object {
    return { width: 1200, height: 600 };
  }

  getContext(): object {
    return this.#pen;
  }
}

/** Runs the scripts of a page. Throws what they throw. */
export function runPage(page: string, run: typeof runInNewContext): PageStage {
  let drawn: string[] = [];
  let strokes = 0;
  const known: Readonly<Record<string, (...args: never[]) => unknown>> = {
    fillText: (text: string) => drawn.push(text),
    stroke: () => {
      strokes += 1;
    },
    measureText: (text: string) => ({ width: 6 * text.length }),
  };
  const pen = new Proxy({} as Record<string, unknown>, {
    get: (target, name: string) => target[name] ?? known[name] ?? (() => {}),
  });
  const frames: ((now: number) => void)[] = [];
  const make = (): FakeElement => new FakeElement(pen);
  const parts = new Map<string, FakeElement>();
  for (const [, id] of page.matchAll(/ id="([^"]+)"/g)) parts.set(id ?? "", make());
  const record = parts.get("record");
  if (record !== undefined) record.textContent = /id="record">(.*)<\/script>/.exec(page)?.[1] ?? "";
  const keys = new Map<string, Listener>();
  const document = {
    documentElement: make(),
    createElement: make,
    getElementById: (id: string) => parts.get(id) ?? null,
    addEventListener: (name: string, listener: Listener) => void keys.set(name, listener),
  };
  run(/<script>\n([\s\S]*)<\/script>/.exec(page)?.[1] ?? "", {
    document,
    window: { devicePixelRatio: 1, addEventListener: () => {} },
    matchMedia: () => ({ matches: false, addEventListener: () => {} }),
    getComputedStyle: () => ({ getPropertyValue: (name: string) => `${name} #123` }),
    requestAnimationFrame: (draw: (now: number) => void) => frames.push(draw),
    performance: { now: () => 0 },
    HTMLButtonElement: FakeElement,
  });
  return {
    frame: () => {
      drawn = [];
      strokes = 0;
      for (const draw of frames.splice(0)) draw(0);
    },
    drawn: () => drawn,
    strokes: () => strokes,
    textOf: (id) => parts.get(id)?.textContent ?? "",
    press: (key) => keys.get("keydown")?.({ key, target: null, preventDefault: () => {} }),
    pressChip: (name) => {
      const chips = parts.get("filters")?.children ?? [];
      const chip = chips.find(
        (child) => typeof child !== "string" && child.textContent.replace(/^.|\d+$/g, "") === name,
      );
      if (chip === undefined || typeof chip === "string") throw new Error(`no filter ${name}`);
      chip.listeners.get("click")?.({});
    },
  };
}
