import type { Hello, Network, NodeId, PortError, Remembered } from "@synod/core";
import type { Tenure } from "../configuration.ts";
import { helloProblem } from "../hello.ts";
import type { Applicant, PeerStatus } from "../host-options.ts";
import { IDENTITY_STARTS_MAX, type Identity } from "../identity-codec.ts";
import {
  enterConfiguration,
  type HelloVerdict,
  isRegisteredAt,
  isStartKnownAt,
  judgeHello,
  provisionalIdentity,
  registrationsNeeded,
  selfProblem,
} from "./peers.ts";

export interface LinksOptions {
  /** Its configuration, if it names one, is the one in force. */
  readonly identity: Identity;
  /** Of the configuration in force. */
  readonly members: readonly NodeId[];
  readonly protocol: string;
  readonly version: number;
  readonly network: Network;
  /** Makes an identity durable. Never called again before `done`. */
  readonly save: (identity: Identity, done: (error: PortError | null) => void) => void;
  readonly handler: LinksHandler;
}

export interface LinksHandler {
  /** From now on frames of this peer count. */
  linkReady(peer: NodeId): void;
  /** Tells a peer, out of turn, what this node now durably remembers. */
  tellKnown(peer: NodeId, remembers: readonly Remembered[]): void;
  /** Asks a peer to do that. */
  askKnown(peer: NodeId): void;
  /** Runs `run` in `ms`. */
  later(ms: number, run: () => void): void;
  /** Enough others have durably remembered this node: it may vote from now on. */
  admitted(): void;
  /** This data directory must never vote again; durable already. */
  disowned(reason: string): void;
  /** The identity could not be saved. */
  failed(error: PortError): void;
}

interface Link {
  /** `pending`: its hello changes what is remembered, and that is not durable yet. */
  readonly state: "pending" | "ready";
  readonly hello: Hello;
  readonly refused: string;
}

/** How often a node that is not registered yet asks its peers. */
const ASK_KNOWN_MS = 250;

/**
 * Judges who connects, keeps the durable memory of peers, and finds out whether this node may vote.
 * A frame of a peer counts only once this node has durably remembered the start of it that sent the
 * frame.
 */
export class Links {
  readonly #options: LinksOptions;
  #members: readonly NodeId[];
  #identity: Identity;
  /** What of {@link #identity} has been saved: only that is told to anybody. */
  #durable: Identity;
  /** Of the configuration that a restart goes back to; null: of the one in force. */
  #former: Identity | null = null;
  #nonVoterReason = "";
  readonly #links = new Map<NodeId, Link>();
  readonly #refusals = new Map<NodeId, string>();
  readonly #registeredAt = new Set<NodeId>();
  /** Members that durably remember this start. */
  readonly #startKnownAt = new Set<NodeId>();
  #saving = false;
  #afterSave: (() => void)[] = [];

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#members = options.members;
    this.#identity = options.identity;
    this.#durable = options.identity;
    this.#nonVoterReason = standing(options.identity);
  }

  get identity(): Identity {
    return this.#identity;
  }

  get mayVote(): boolean {
    const { formatted, registered } = this.#identity;
    return formatted && registered && this.#nonVoterReason === "";
  }

  /** Empty when this node votes. */
  get nonVoterReason(): string {
    if (this.mayVote) return "";
    if (this.#nonVoterReason !== "") return this.#nonVoterReason;
    const needed = registrationsNeeded(this.#members);
    return `registered by ${this.#registeredAt.size} of the ${needed} other members that it takes`;
  }

  hello(): Hello {
    const { cluster, node, dataId, incarnation, boot, formatted, starts } = this.#identity;
    const { protocol, version } = this.#options;
    const remembers = this.#durable.peers;
    const start = { cluster, node, dataId, incarnation, boot, formatted, starts };
    return { ...start, protocol, version, remembers };
  }

  /** Connected peers whose frames count. */
  get ready(): NodeId[] {
    const ready = [...this.#links].filter(([, { state }]) => state === "ready");
    return ready.map(([peer]) => peer).sort((a, b) => a - b);
  }

  /** In the configuration in force. */
  isMember(node: NodeId): boolean {
    return this.#members.includes(node);
  }

  /** Who is connected without being a member, or is one under another data id. */
  applicants(): Applicant[] {
    const others = [...this.#links].filter(
      ([node, { hello }]) => !this.isMember(node) || this.#remembered(node) !== hello.dataId,
    );
    others.sort(([a], [b]) => a - b);
    return others.map(([node, { hello }]) => ({ node, dataId: hello.dataId }));
  }

  /**
   * The data id of the directory that speaks for a member: the one that is remembered, or of a node
   * that is none yet, the one that it shows; empty when neither is known.
   */
  dataIdOf(node: NodeId): string {
    if (node === this.#identity.node) return this.#identity.dataId;
    const shown = this.#links.get(node)?.hello.dataId ?? "";
    return this.isMember(node) ? (this.#remembered(node) ?? shown) : shown;
  }

  #remembered(node: NodeId): string | undefined {
    return this.#identity.peers.find((peer) => peer.node === node)?.dataId;
  }

  /**
   * Another configuration is in force; the data ids that it names are known from then on, durably
   * once `done` is called, and need no other registration. `provisional`: a restart goes back to
   * the one before, until {@link commit}.
   */
  enter(tenure: Tenure, provisional: boolean, done: () => void): void {
    this.#members = tenure.configuration.members.map(({ id }) => id);
    this.#former = provisional ? this.#identity : null;
    const hellos = [...this.#links.values()].map(({ hello }) => hello);
    this.#identity = enterConfiguration(this.#identity, tenure, hellos);
    this.#nonVoterReason = standing(this.#identity);
    for (const [peer, link] of this.#links)
      if (this.isMember(peer) && this.#remembered(peer) === link.hello.dataId)
        this.#links.set(peer, { ...link, refused: "" });
    this.#save(() => {
      this.#options.network.announce(this.hello());
      done();
    });
  }

  /** A restart finds the configuration in force, once `done` is called. */
  commit(done: () => void): void {
    this.#former = null;
    this.#forgetStarts();
    this.#save(() => {
      this.#options.network.announce(this.hello());
      done();
    });
  }

  /** Called once when the host starts: a member without others needs nobody's memory. */
  begin(): void {
    this.#checkRegistration();
    this.#askToBeKnown();
  }

  linkUp(hello: Hello): string | null {
    const problem = helloProblem(this.hello(), hello, null);
    if (problem !== null) return problem;
    this.#refusals.delete(hello.node);
    if (!this.isMember(hello.node)) {
      // It may know more than this node, or have to be told; of its votes nothing counts.
      this.#accept(hello, { kind: "stranger", reason: "it is no member of this configuration" });
      return null;
    }
    this.heard(hello.node, hello.remembers);
    const verdict = judgeHello(this.#identity, hello);
    if (verdict.kind === "stale") return verdict.reason;
    this.#accept(hello, verdict);
    return null;
  }

  linkDown(peer: NodeId): void {
    this.#links.delete(peer);
  }

  refused(peer: NodeId, reason: string): void {
    this.#refusals.set(peer, reason);
  }

  /** Its connection stands, though this node may not have remembered it durably yet. */
  isConnected(peer: NodeId): boolean {
    return this.#links.has(peer);
  }

  isReady(peer: NodeId): boolean {
    return this.#links.get(peer)?.state === "ready";
  }

  /** This very data directory is the other end of a link that counts, or this node's own. */
  isLinkedTo(node: NodeId, dataId: string): boolean {
    if (node === this.#identity.node) return this.#identity.dataId === dataId;
    return this.isReady(node) && this.#links.get(node)?.hello.dataId === dataId;
  }

  /** What a peer durably remembers, from its hello or told later. */
  heard(peer: NodeId, remembers: readonly Remembered[]): void {
    const problem = selfProblem(this.#identity, remembers);
    if (problem !== null) return this.#disown(problem);
    if (isStartKnownAt(this.#identity, remembers)) this.#startKnown(peer);
    if (isRegisteredAt(this.#identity, remembers)) {
      this.#registeredAt.add(peer);
      this.#checkRegistration();
    }
  }

  /** A peer wants to hear it again. */
  asked(peer: NodeId): void {
    if (this.isReady(peer)) this.#options.handler.tellKnown(peer, this.#durable.peers);
  }

  /** Durably counts further, to at least `incarnation`; then tells which number it became. */
  raiseIncarnation(incarnation: number, done: (incarnation: number) => void): void {
    const raised = Math.max(incarnation, this.#identity.incarnation + 1);
    this.#identity = { ...this.#identity, incarnation: raised };
    this.#save(() => {
      this.#options.network.announce(this.hello());
      done(raised);
    });
  }

  status(): PeerStatus[] {
    const others = this.#members.filter((node) => node !== this.#identity.node);
    return others.map((node) => {
      const link = this.#links.get(node);
      const memory = this.#identity.peers.find((peer) => peer.node === node);
      return {
        node,
        connected: link !== undefined,
        dataId: link?.hello.dataId ?? memory?.dataId ?? "",
        incarnation: link?.hello.incarnation ?? memory?.incarnation ?? 0,
        refused: link?.refused ?? this.#refusals.get(node) ?? "",
      };
    });
  }

  #accept(hello: Hello, verdict: Exclude<HelloVerdict, { kind: "stale" }>): void {
    if (verdict.kind === "stranger") {
      this.#links.set(hello.node, { state: "ready", hello, refused: verdict.reason });
      return this.#options.handler.linkReady(hello.node);
    }
    if (!verdict.changed && this.#savedAll()) return this.#ready(hello);
    this.#links.set(hello.node, { state: "pending", hello, refused: "" });
    this.#identity = verdict.identity;
    this.#save(() => {
      if (this.#links.get(hello.node)?.hello !== hello) return;
      this.#options.network.announce(this.hello());
      this.#ready(hello);
    });
  }

  #ready(hello: Hello): void {
    this.#links.set(hello.node, { state: "ready", hello, refused: "" });
    this.#options.handler.tellKnown(hello.node, this.#durable.peers);
    this.#options.handler.linkReady(hello.node);
  }

  /** What is told once can be lost, and a connection that stands says nothing again by itself. */
  #askToBeKnown(): void {
    const { formatted, registered } = this.#identity;
    if (!formatted || registered) return;
    const { handler } = this.#options;
    for (const peer of this.#links.keys())
      if (!this.#registeredAt.has(peer)) handler.askKnown(peer);
    handler.later(ASK_KNOWN_MS, () => this.#askToBeKnown());
  }

  #checkRegistration(): void {
    const { formatted, registered } = this.#identity;
    if (!formatted || registered) return;
    if (this.#registeredAt.size < registrationsNeeded(this.#members)) return;
    this.#identity = { ...this.#identity, registered: true };
    this.#save(() => {
      if (this.mayVote) this.#options.handler.admitted();
    });
  }

  /**
   * Earlier starts are shown until every member remembers this one. That others do is noted when
   * they become many.
   */
  #startKnown(peer: NodeId): void {
    this.#startKnownAt.add(peer);
    if (this.#forgetStarts()) this.#save(() => this.#options.network.announce(this.hello()));
  }

  /** False when there is nothing that could be forgotten. */
  #forgetStarts(): boolean {
    const { starts, incarnation, met } = this.#identity;
    // Of those whom a restart goes back to some may remember earlier ones.
    if (starts.length === 0 || this.#former !== null) return false;
    if (this.#members.every((node) => node === this.#identity.node || this.#startKnownAt.has(node)))
      this.#identity = { ...this.#identity, starts: [], met: incarnation };
    else if (starts.length * 2 > IDENTITY_STARTS_MAX && met < incarnation)
      this.#identity = { ...this.#identity, met: incarnation };
    else return false;
    return true;
  }

  #disown(reason: string): void {
    if (!this.#identity.formatted) return;
    this.#nonVoterReason = reason;
    this.#identity = { ...this.#identity, formatted: false };
    this.#save(() => {
      this.#options.network.announce(this.hello());
      this.#options.handler.disowned(reason);
    });
  }

  #savedAll(): boolean {
    return !this.#saving && this.#afterSave.length === 0;
  }

  /** Saves the identity as it is by then; `after` runs once it is durable. */
  #save(after: () => void): void {
    this.#afterSave.push(after);
    if (this.#saving) return;
    this.#saving = true;
    const waiting = this.#afterSave;
    this.#afterSave = [];
    const former = this.#former;
    const saved = former === null ? this.#identity : provisionalIdentity(former, this.#identity);
    this.#options.save(saved, (error) => {
      this.#saving = false;
      if (error !== null) return this.#options.handler.failed(error);
      this.#durable = saved;
      for (const callback of waiting) callback();
      const next = this.#afterSave.shift();
      if (next !== undefined) this.#save(next);
    });
  }
}

function standing(identity: Identity): string {
  const { tenure, node, dataId } = identity;
  const member = tenure?.configuration.members.find(({ id }) => id === node);
  if (tenure !== null && member === undefined) return "it is no member of this configuration";
  if (member?.dataId !== undefined && member.dataId !== dataId)
    return "the configuration names another data directory for this node";
  return identity.formatted ? "" : "its data directory was blank or disowned: it must be replaced";
}
