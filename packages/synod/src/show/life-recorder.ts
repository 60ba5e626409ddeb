import {
  type Effect,
  hash64,
  type Input,
  type NodeId,
  type ProtocolStatus,
  Writer,
} from "@synod/core";
import type { SimulatedSystem, Story, StoryKind } from "@synod/simulator";
import {
  type LifeRecord,
  MARK_KINDS,
  type MarkKind,
  type MarkRow,
  type MessageRow,
  type StateRow,
} from "./life-record.ts";

/** More are kept only of the end: a page must still open. */
const ROWS_MAX = 150_000;

interface Sent {
  readonly atMs: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly kind: number;
  readonly text: number;
  arrivedMs: number;
}

/** Watches a life and writes down what happens in it. */
export class LifeRecorder<S, M> {
  readonly #system: SimulatedSystem<S, M>;
  readonly #texts = new Names<string>();
  readonly #kinds = new Names<string>();
  readonly #sent: Sent[] = [];
  readonly #marks: MarkRow[] = [];
  readonly #states: StateRow[] = [];
  /** To whom a message goes that has not left yet. */
  readonly #addressees = new Map<M, readonly NodeId[]>();
  /** On the way, by sender, addressee and content. */
  readonly #onTheWay = new Map<string, Sent[]>();
  readonly #last = new Map<NodeId, string>();
  readonly #delivered = new Map<NodeId, number>();
  readonly #writer = new Writer();

  constructor(system: SimulatedSystem<S, M>) {
    this.#system = system;
  }

  /** The same system, with this recorder looking on. */
  get watched(): SimulatedSystem<S, M> {
    const system = this.#system;
    return {
      ...system,
      createWatch: (tools) => {
        const watch = system.createWatch(tools);
        return {
          stepped: (node, state, input, effects) => {
            watch.stepped(node, state, input, effects);
            this.#stepped(tools.now(), { node, state, input, effects });
          },
          leaves: (node, message) => {
            watch.leaves(node, message);
            this.#leaves(tools.now(), node, message);
          },
          fell: (node) => {
            watch.fell(node);
            this.#last.delete(node);
            this.#delivered.delete(node);
          },
        };
      },
    };
  }

  /** Takes what a story tells, apart from messages: those are seen with their ways. */
  readonly story: Story = (atMs, text, kind, node) => {
    if (kind !== "message") this.#mark(atMs, node ?? -1, markOf(kind), text);
  };

  finish(
    about: Pick<LifeRecord, "title" | "subtitle" | "nodes" | "endMs" | "violation">,
  ): LifeRecord {
    return {
      ...about,
      messages: this.#sent.slice(-ROWS_MAX).map(messageRow),
      marks: this.#marks.slice(-ROWS_MAX),
      states: this.#states,
      messageKinds: this.#kinds.all,
      markKinds: MARK_KINDS,
      texts: this.#texts.all,
    };
  }

  #stepped(atMs: number, step: Step<S, M>): void {
    const { node, state, input, effects } = step;
    if (input.kind === "message" && input.from !== node)
      this.#arrives(atMs, input.from, node, input.message);
    if (input.kind === "timeout") this.#mark(atMs, node, "timeout", `time-out "${input.name}"`);
    for (const effect of effects) this.#effect(atMs, node, effect);
    this.#state(atMs, node, this.#system.protocol.status(state));
  }

  #effect(atMs: number, node: NodeId, effect: Effect<M>): void {
    switch (effect.kind) {
      case "send":
      case "sendNow":
        this.#addressees.set(effect.message, effect.to);
        return;
      case "persist":
        return this.#mark(atMs, node, "persist", `writes ${aboutText(effect.about)}`);
      case "checkpoint":
        return this.#mark(atMs, node, "persist", "writes a checkpoint in place of all records");
      case "deliver": {
        const { index } = effect.position;
        this.#delivered.set(node, index);
        const count = effect.commands.length;
        const what = `${count} command${count === 1 ? "" : "s"}`;
        return this.#mark(atMs, node, "deliver", `slot ${index} is chosen and delivered: ${what}`);
      }
      default:
    }
  }

  /** Told once for all addressees. */
  #leaves(atMs: number, from: NodeId, message: M): void {
    const to = this.#addressees.get(message);
    if (to === undefined) return;
    this.#addressees.delete(message);
    const name = kindOf(message);
    const kind = this.#kinds.of(name);
    const text = this.#texts.of(this.#system.describe(message) ?? name);
    for (const node of to) {
      if (node === from) continue;
      const sent: Sent = { atMs, from, to: node, kind, text, arrivedMs: -1 };
      this.#sent.push(sent);
      const way = this.#wayOf(from, node, message);
      const waiting = this.#onTheWay.get(way);
      if (waiting === undefined) this.#onTheWay.set(way, [sent]);
      else waiting.push(sent);
    }
  }

  /** Of equal messages the one that was sent last has arrived: nothing tells them apart. */
  #arrives(atMs: number, from: NodeId, to: NodeId, message: M): void {
    const waiting = this.#onTheWay.get(this.#wayOf(from, to, message));
    const last = waiting?.at(-1);
    if (waiting === undefined || last === undefined) return;
    if (last.arrivedMs < 0) last.arrivedMs = atMs;
    else this.#sent.push({ ...last, arrivedMs: atMs });
    if (waiting.length > 1) waiting.pop();
  }

  #wayOf(from: NodeId, to: NodeId, message: M): string {
    this.#writer.reset();
    this.#system.protocol.messages.encode(this.#writer, message);
    return `${from} ${to} ${hash64(this.#writer.peek())}`;
  }

  #state(atMs: number, node: NodeId, status: ProtocolStatus): void {
    const { role, ballot, chosenUpTo } = status;
    const delivered = this.#delivered.get(node) ?? 0;
    const said = `${role} ${ballot} ${chosenUpTo} ${delivered}`;
    if (this.#last.get(node) === said) return;
    this.#last.set(node, said);
    const { of } = this.#texts;
    this.#states.push([rounded(atMs), node, of(role), of(ballot), chosenUpTo, delivered]);
  }

  #mark(atMs: number, node: number, kind: MarkKind, text: string): void {
    this.#marks.push([rounded(atMs), node, MARK_KINDS.indexOf(kind), this.#texts.of(text)]);
  }
}

interface Step<S, M> {
  readonly node: NodeId;
  readonly state: S;
  readonly input: Input<M>;
  readonly effects: readonly Effect<M>[];
}

/** Numbers for values that come again and again. */
class Names<Value> {
  readonly #numbers = new Map<Value, number>();

  readonly of = (value: Value): number => {
    const known = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, known);
    return known;
  };

  get all(): readonly Value[] {
    return [...this.#numbers.keys()];
  }
}

function markOf(kind: Exclude<StoryKind, "message">): MarkKind {
  return kind;
}

/** Messages are closed unions with a `kind`, in every protocol. */
function kindOf(message: unknown): string {
  const { kind } = message as { readonly kind?: unknown };
  return typeof kind === "string" ? kind : "message";
}

function messageRow({ atMs, from, to, kind, text, arrivedMs }: Sent): MessageRow {
  return [rounded(atMs), from, to, kind, text, arrivedMs < 0 ? -1 : rounded(arrivedMs)];
}

function aboutText({ kind, first, last }: { kind: string; first: number; last: number }): string {
  if (kind === "meta") return "its promise";
  return `${kind} ${first === last ? first : `${first}-${last}`}`;
}

/** Microseconds are fine enough for a picture. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
