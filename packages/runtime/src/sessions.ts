import {
  type Capabilities,
  type Command,
  hash64,
  type NodeId,
  type OrderedCursor,
  OrderedMap,
  type Position,
} from "@synod/core";
import { ExpiredNames, type FrozenNames } from "./sessions-expired.ts";
import { isNodeClient, parseNodeClient } from "./sessions-name.ts";
import { type Answer, AnswerWindow } from "./sessions-window.ts";

/**
 * Part of the replicated state: a table that is restored takes those of the snapshot. Members that
 * begin without one must begin with the same.
 */
export interface SessionLimits {
  /** User sessions kept; beyond, the longest unused ones expire. */
  readonly sessionsMax: number;
  /** Answers kept per user session above its lowest unacknowledged sequence. */
  readonly sessionResultsMax: number;
  /** Names of expired sessions remembered. */
  readonly expiredMax: number;
}

/**
 * Answers kept for a node. Its host keeps far fewer requests outstanding, so this never strikes; it
 * is there because everything is bounded.
 */
const NODE_RESULTS_MAX = 131_072;

/** One client's place in the table. */
export class Session {
  readonly kind = "session";
  readonly client: string;
  readonly node: boolean;
  readonly window: AnswerWindow;
  /** The table's clock when it was last used. */
  lastUsed: number;
  /** The table's generation in which this object was made: older ones may be held by a reader. */
  readonly generation: number;

  constructor(client: string, window: AnswerWindow, lastUsed: number, generation: number) {
    this.client = client;
    this.node = isNodeClient(client);
    this.window = window;
    this.lastUsed = lastUsed;
    this.generation = generation;
  }
}

export type RefusalCode = "session-expired" | "sequence-reused" | "sequence-forgotten";

export interface Refused {
  readonly kind: "refused";
  readonly code: RefusalCode;
}

/**
 * What is to become of a command: the machine executes it, and then it is recorded in this session;
 * or it was executed before, with this answer; or it must not be executed.
 */
export type Admission = Session | Answer | Refused;

const EXPIRED: Refused = Object.freeze({ kind: "refused", code: "session-expired" });
const REUSED: Refused = Object.freeze({ kind: "refused", code: "sequence-reused" });
const FORGOTTEN: Refused = Object.freeze({ kind: "refused", code: "sequence-forgotten" });

/** The whole content of a table, as a snapshot brings it. */
export interface SessionContent {
  readonly limits: SessionLimits;
  readonly clock: number;
  readonly sessions: OrderedMap<Session>;
  readonly expired: string[];
}

/** A table as of a freeze. */
export interface FrozenSessions {
  readonly limits: SessionLimits;
  readonly clock: number;
  readonly count: number;
  readonly sessions: OrderedCursor<Session>;
  readonly expired: FrozenNames;
}

/**
 * Who has had what executed: the part of the replicated state that makes a retry harmless. A pure
 * function of the commands executed, in order; it knows no time. docs/sessions.md states the rules
 * for clients.
 *
 * Sessions expire only at positions where all replicas hold the same state (architecture §2,
 * "Orders"), because which session is the longest unused is a question about all of them at once.
 * With a total order every position is such a one: the table makes room when it is full and a
 * session is opened, and its clock counts uses. With an order by conflict, two clients' commands
 * come in different orders on different replicas: there the table makes room at barriers and stops
 * only, its clock counts those, and until the next one it may hold more than `sessionsMax` (see
 * {@link SessionTable.wantsBarrier}).
 */
export class SessionTable {
  readonly #order: Capabilities["order"];
  #limits: SessionLimits;
  /** The same sessions twice: for finding one fast, and in an order that is the same everywhere. */
  #byClient = new Map<string, Session>();
  #ordered = new OrderedMap<Session>();
  /** The one open session of each node. */
  #nodes = new Map<NodeId, { readonly incarnation: number; readonly client: string }>();
  #expired: ExpiredNames;
  #clock = 0;
  #generation = 0;

  /** `order` is what the protocol promises; it decides where sessions may expire. */
  constructor(limits: SessionLimits, order: Capabilities["order"]) {
    this.#limits = limits;
    this.#order = order;
    this.#expired = new ExpiredNames(limits.expiredMax);
  }

  /** Open user sessions. */
  get size(): number {
    return this.#byClient.size - this.#nodes.size;
  }

  /**
   * More sessions are open than should be, and only a barrier lets some expire: the host asks for
   * one.
   */
  get wantsBarrier(): boolean {
    const { sessionsMax } = this.#limits;
    return this.#order === "conflict" && this.size > sessionsMax + (sessionsMax >>> 2);
  }

  /** The highest incarnation of `node` that has opened a session; 0 when none has. */
  nodeIncarnation(node: NodeId): number {
    return this.#nodes.get(node)?.incarnation ?? 0;
  }

  /** Takes note of a command of kind `apply`, and says what is to become of it. */
  admit(command: Command): Admission {
    const found = this.#byClient.get(command.client);
    const session = found === undefined ? this.#open(command) : this.#own(found);
    if (session === null) return EXPIRED;
    if (this.#order === "total") this.#clock += 1;
    session.lastUsed = this.#clock;
    session.window.raise(command.acknowledged);
    return recalled(session, command) ?? session;
  }

  /** What became of a command that will not be executed again; null: it never was. */
  recall(command: Command): Answer | Refused | null {
    const session = this.#byClient.get(command.client);
    if (session !== undefined) return recalled(session, command);
    return this.#isClosed(command.client) ? EXPIRED : null;
  }

  #isClosed(client: string): boolean {
    const node = isNodeClient(client) ? parseNodeClient(client) : null;
    if (node === null) return this.#expired.has(client);
    return node.incarnation < this.nodeIncarnation(node.node);
  }

  /** The command that was just admitted into `session` has been executed. */
  record(session: Session, command: Command, position: Position, result: Uint8Array): void {
    const { sequence, payload } = command;
    const digest = session.node ? "" : hash64(payload);
    session.window.add({ kind: "answer", sequence, position, result, digest });
    session.window.shrink(session.node ? NODE_RESULTS_MAX : this.#limits.sessionResultsMax);
  }

  /** A barrier or stop: all replicas hold the same state here. */
  barrier(): void {
    if (this.#order === "total") return;
    this.#clock += 1;
    const excess = this.size - this.#limits.sessionsMax;
    if (excess > 0) this.#expire(excess);
  }

  /** The table as of now, readable while commands go on. O(1). */
  freeze(): FrozenSessions {
    this.#generation += 1;
    return {
      limits: this.#limits,
      clock: this.#clock,
      count: this.#ordered.size,
      sessions: this.#ordered.freeze(),
      expired: this.#expired.freeze(),
    };
  }

  /** Replaces everything. */
  install(content: SessionContent): void {
    this.#limits = content.limits;
    this.#clock = content.clock;
    this.#ordered = content.sessions;
    this.#expired = new ExpiredNames(content.limits.expiredMax, content.expired);
    this.#byClient = new Map();
    this.#nodes = new Map();
    for (const cursor = content.sessions.cursor(); !cursor.atEnd; cursor.advance()) {
      this.#byClient.set(cursor.key, cursor.value);
      const node = cursor.value.node ? parseNodeClient(cursor.key) : null;
      if (node !== null)
        this.#nodes.set(node.node, { incarnation: node.incarnation, client: cursor.key });
    }
  }

  /** Null: this client may not open a session. */
  #open(command: Command): Session | null {
    return isNodeClient(command.client) ? this.#openNode(command) : this.#openUser(command);
  }

  /**
   * Only the first request of a client has nothing acknowledged; any other one belonged to a
   * session that is gone.
   */
  #openUser(command: Command): Session | null {
    const { sessionsMax } = this.#limits;
    if (command.acknowledged > 1 || this.#expired.has(command.client)) return null;
    // Several at once, so that the search for them is paid once for many openings.
    if (this.#order === "total" && this.size >= sessionsMax) this.#expire(1 + (sessionsMax >>> 5));
    return this.#insert(new Session(command.client, new AnswerWindow(1), 0, this.#generation));
  }

  /**
   * A newer incarnation closes the session of the older for good: nothing of that one is executed
   * any more.
   */
  #openNode(command: Command): Session | null {
    const parsed = parseNodeClient(command.client);
    if (parsed === null) return null;
    const known = this.#nodes.get(parsed.node);
    if (known !== undefined) {
      if (parsed.incarnation <= known.incarnation) return null;
      this.#remove(known.client);
    }
    const { client } = command;
    this.#nodes.set(parsed.node, { incarnation: parsed.incarnation, client });
    return this.#insert(new Session(client, new AnswerWindow(1), 0, this.#generation));
  }

  #insert(session: Session): Session {
    this.#byClient.set(session.client, session);
    this.#ordered.set(session.client, session);
    return session;
  }

  #remove(client: string): void {
    this.#byClient.delete(client);
    this.#ordered.delete(client);
  }

  /** The session itself, or a copy in its place when a reader may still hold it. */
  #own(session: Session): Session {
    if (session.generation === this.#generation) return session;
    const { client, window, lastUsed } = session;
    return this.#insert(new Session(client, window.copy(), lastUsed, this.#generation));
  }

  /**
   * Closes the `count` longest unused user sessions; among equals, the first in order of their
   * names.
   */
  #expire(count: number): void {
    const uses = new Float64Array(this.size);
    let index = 0;
    for (const cursor = this.#ordered.cursor(); !cursor.atEnd; cursor.advance())
      if (!cursor.value.node) uses[index++] = cursor.value.lastUsed;
    uses.sort();
    const limit = uses[Math.min(count, uses.length) - 1];
    if (limit === undefined) return;
    let equals = 0;
    for (let at = Math.min(count, uses.length) - 1; at >= 0 && uses[at] === limit; at -= 1)
      equals += 1;
    const closed: string[] = [];
    for (const cursor = this.#ordered.cursor(); !cursor.atEnd; cursor.advance()) {
      const { node, lastUsed, client } = cursor.value;
      if (node || lastUsed > limit) continue;
      if (lastUsed === limit) {
        if (equals === 0) continue;
        equals -= 1;
      }
      closed.push(client);
    }
    for (const client of closed) {
      this.#remove(client);
      this.#expired.add(client);
    }
  }
}

/** What the session holds of a command; null: nothing yet. */
function recalled(
  { window, node }: Session,
  { sequence, payload }: Command,
): Answer | Refused | null {
  if (sequence < window.floor) return FORGOTTEN;
  const answer = window.find(sequence);
  if (answer === null || node) return answer;
  return answer.digest === hash64(payload) ? answer : REUSED;
}
