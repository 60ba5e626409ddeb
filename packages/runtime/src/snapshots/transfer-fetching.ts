import type { NodeId, PortError, Position } from "@synod/core";
import type { SnapshotProblem } from "./files.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import type { SnapshotIntake } from "./snapshot-storage.ts";
import type { TransferOptions } from "./transfer-options.ts";
import { type ChunkRequest, ChunkWindow } from "./transfer-window.ts";

/** Members are asked for offers again after this, and then after twice as long each time. */
const ASK_MS = 500;
const ASK_MS_MAX = 5_000;
/** How often late chunks are looked for. */
const TICK_MS = 250;

export type FetchStatus =
  | { readonly kind: "idle" }
  | { readonly kind: "asking"; readonly position: Position }
  | {
      readonly kind: "fetching";
      readonly position: Position;
      readonly chunks: number;
      readonly chunksTotal: number;
      readonly bytes: number;
    };

type Phase =
  | { readonly kind: "idle" }
  | { readonly kind: "asking" }
  /** The store is making room; offers of the same snapshot are collected. */
  | { readonly kind: "opening"; readonly manifest: Manifest; readonly sources: NodeId[] }
  | { readonly kind: "fetching"; readonly install: SnapshotIntake; readonly window: ChunkWindow }
  | { readonly kind: "committing"; readonly install: SnapshotIntake };

const IDLE: Phase = Object.freeze({ kind: "idle" });
const ASKING: Phase = Object.freeze({ kind: "asking" });

/**
 * The side that needs the state. It asks all members that may have it, takes the first offer that
 * is new enough, and pulls its chunks from whoever offers that very snapshot. What was fetched
 * stays when all of them fail, and is gone on with when somebody offers the same again.
 */
export class StateFetching {
  readonly #options: TransferOptions;
  #phase: Phase = IDLE;
  #wanted: Position = { log: 0, index: 0 };
  #members: readonly NodeId[] = [];
  #askMs = ASK_MS;
  #timer: number | null = null;
  #isResting = false;
  #stopped = false;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  get isActive(): boolean {
    return this.#phase.kind !== "idle";
  }

  get status(): FetchStatus {
    const phase = this.#phase;
    if (phase.kind === "idle") return { kind: "idle" };
    if (phase.kind === "asking" || phase.kind === "opening")
      return { kind: "asking", position: this.#wanted };
    const { install } = phase;
    const { position, chunks: all } = install.manifest;
    const here = all.filter((_, index) => install.has(index));
    const bytes = here.reduce((sum, { length }) => sum + length, 0);
    return { kind: "fetching", position, chunks: here.length, chunksTotal: all.length, bytes };
  }

  /**
   * A state of at least `position` is needed. What is being fetched already is not given up for it.
   */
  request(position: Position, from: readonly NodeId[]): void {
    const { self, have } = this.#options;
    if (this.#stopped || position.index <= have().index) return;
    this.#members = [...new Set(from)].filter((node) => node !== self).sort((a, b) => a - b);
    if (position.index > this.#wanted.index) this.#wanted = position;
    if (this.#phase.kind === "idle") this.#askAnew();
  }

  onOffer(from: NodeId, encoded: Uint8Array): void {
    const phase = this.#phase;
    const manifest = decodeManifest(encoded, this.#options.checksum);
    if (manifest === null) return;
    const { digest, position } = manifest;
    if (phase.kind === "asking") {
      const needed = Math.max(this.#wanted.index, this.#options.have().index + 1);
      if (position.index >= needed) this.#open(manifest, from);
    } else if (phase.kind === "opening" && phase.manifest.digest === digest) {
      if (!phase.sources.includes(from)) phase.sources.push(from);
    } else if (phase.kind === "fetching" && phase.install.manifest.digest === digest) {
      phase.window.addSource(from);
      this.#pull();
    }
  }

  onChunk(from: NodeId, digest: string, index: number, lent: Uint8Array): void {
    const phase = this.#phase;
    if (phase.kind !== "fetching" || phase.install.manifest.digest !== digest) return;
    const { install, window } = phase;
    if (!window.arrived(from, index)) return;
    const written = (problem: SnapshotProblem | null): void => {
      window.written(index);
      if (this.#phase !== phase) return;
      if (problem?.code === "damaged") window.failed(from, index);
      else if (problem !== null)
        return this.#fail({ code: problem.code, message: problem.message });
      this.#pull();
    };
    install.put(index, lent.slice(), this.#options.guard(written));
  }

  onGone(from: NodeId, digest: string): void {
    const phase = this.#phase;
    if (phase.kind !== "fetching" || phase.install.manifest.digest !== digest) return;
    phase.window.removeSource(from);
    this.#pull();
  }

  stop(): void {
    this.#stopped = true;
    this.#become(IDLE, null);
  }

  /** Changes the phase; `ms`: when to look again. */
  #become(phase: Phase, ms: number | null): void {
    const { clock, guard } = this.#options;
    this.#phase = phase;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    this.#timer = null;
    if (ms === null || this.#stopped) return;
    const tick = (): void => {
      this.#timer = null;
      this.#tick();
    };
    this.#timer = clock.setTimer(ms, guard(tick));
  }

  #tick(): void {
    const phase = this.#phase;
    if (phase.kind === "asking") return this.#ask();
    if (phase.kind !== "fetching") return;
    if (this.#isOutrun(phase.install.manifest)) {
      this.#options.store.abandon(phase.install);
      return this.#become(IDLE, null);
    }
    phase.window.expire(this.#options.clock.now());
    this.#become(phase, TICK_MS);
    this.#pull();
  }

  #askAnew(): void {
    this.#askMs = ASK_MS;
    this.#ask();
  }

  #ask(): void {
    const { have, send } = this.#options;
    if (this.#wanted.index <= have().index) return this.#become(IDLE, null);
    this.#become(ASKING, this.#askMs);
    this.#askMs = Math.min(this.#askMs * 2, ASK_MS_MAX);
    for (const node of this.#members)
      send(node, { kind: "stateRequest", position: this.#wanted }, false);
  }

  #open(manifest: Manifest, from: NodeId): void {
    const { store } = this.#options;
    const phase: Phase = { kind: "opening", manifest, sources: [from] };
    this.#become(phase, null);
    store.beginInstall(manifest, (error, install) => {
      if (this.#phase !== phase) return;
      if (error !== null) return this.#fail(error);
      if (install === null) return this.#finish(store.newest);
      const { clock, random } = this.#options;
      const window = new ChunkWindow(install, phase.sources, random.next(), clock);
      this.#become({ kind: "fetching", install, window }, TICK_MS);
      this.#pull();
    });
  }

  /** Asks for as many chunks as the window allows; commits when all are here. */
  #pull(): void {
    const phase = this.#phase;
    if (phase.kind !== "fetching") return;
    const { install, window } = phase;
    if (install.isComplete) return this.#commit(install, window.sources);
    if (window.sources.length === 0) return this.#askAnew();
    if (this.#isResting) return;
    this.#isResting = true;
    this.#options.spare.whenRested(() => {
      this.#isResting = false;
      this.#askForChunks();
    });
  }

  #askForChunks(): void {
    const phase = this.#phase;
    if (phase.kind !== "fetching") return;
    const { install, window } = phase;
    const { digest } = install.manifest;
    for (let next = window.next(); next !== null; next = window.next()) this.#send(next, digest);
  }

  #send(request: ChunkRequest, digest: string): void {
    const { from, index } = request;
    this.#options.send(from, { kind: "chunkRequest", digest, index }, false);
  }

  #commit(install: SnapshotIntake, sources: readonly NodeId[]): void {
    const { store, send } = this.#options;
    const { digest } = install.manifest;
    for (const node of sources) send(node, { kind: "stateDone", digest }, false);
    if (this.#isOutrun(install.manifest)) {
      store.abandon(install);
      return this.#become(IDLE, null);
    }
    const phase: Phase = { kind: "committing", install };
    this.#become(phase, null);
    store.commit(install, (error, manifest) => {
      if (this.#phase !== phase) return;
      if (error !== null) return this.#fail(error);
      this.#finish(manifest ?? store.newest);
    });
  }

  /** The newest snapshot here is what was wanted, or newer. */
  #finish(manifest: Manifest | null): void {
    this.#become(IDLE, null);
    if (manifest !== null && !this.#isOutrun(manifest)) this.#options.onInstalled(manifest);
  }

  /** This replica has got further by itself. */
  #isOutrun(manifest: Manifest): boolean {
    return manifest.position.index <= this.#options.have().index;
  }

  #fail(error: PortError): void {
    const phase = this.#phase;
    if (phase.kind === "fetching" || phase.kind === "committing")
      this.#options.store.abandon(phase.install);
    this.#askMs = ASK_MS_MAX;
    if (error.code === "no-space") this.#become(ASKING, this.#askMs);
    else this.#become(IDLE, null);
    this.#options.onFailed(error);
  }
}
