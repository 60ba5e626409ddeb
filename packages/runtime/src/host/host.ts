import {
  type About,
  assertNever,
  crc32,
  type Deliver,
  type Hello,
  type NetworkListener,
  type NodeId,
  type Observe,
  type PortError,
  type Ports,
  type Readable,
  type Release,
  type RequestState,
  type Start,
} from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { FRAMES_VERSION } from "../frames.ts";
import { createGuard, type Guard, guardedClock, guardedDisk } from "../guard.ts";
import type {
  Host,
  HostOptions,
  HostProblem,
  HostStatus,
  HostTuning,
  ProposeRequest,
  ReadRequest,
  ReconfigureRequest,
} from "../host-options.ts";
import { failed } from "../outcome.ts";
import { nodeClient } from "../sessions-name.ts";
import { SpareTime } from "../spare-time.ts";
import { HOST_TUNING } from "../tuning.ts";
import { assemble, type Parts } from "./assembly.ts";
import { type Booted, boot } from "./boot.ts";
import { addressesOf } from "./hand-over.ts";
import type { HostMessage } from "./host-messages.ts";
import { isMember } from "./peers.ts";
import type { ReplicaHandler } from "./replica.ts";
import { closeSeat, type Seat } from "./seat.ts";
import { hostStatus } from "./status.ts";
import { Wire } from "./wire.ts";

/** How far a node whose session was taken over may leap ahead at most. */
const SESSION_LEAP = 65_536;
/** Sends and persists behind the disk, above which messages are dropped until it has caught up. */
const DISK_QUEUE_MAX = 16_384;

/** The host of one replica: everything between a protocol and its four ports. */
export function createHost<S, M>(options: HostOptions<S, M>): Host {
  return new ReplicaHost(options);
}

class ReplicaHost<S, M> implements Host, NetworkListener, Omit<ReplicaHandler<M>, "transmit"> {
  readonly #options: HostOptions<S, M>;
  readonly #tuning: HostTuning;
  readonly #checksum: Checksum;
  readonly #guard: Guard;
  /** No callback of these comes after the host has stopped, and what one throws stops it. */
  readonly #ports: Ports;
  readonly #wire: Wire<M>;
  readonly #spare: SpareTime;
  #phase: "idle" | "starting" | "running" | "stopping" | "stopped" = "idle";
  #parts: Parts<S, M> | null = null;
  #renewing = false;

  constructor(options: HostOptions<S, M>) {
    const { protocol, ports } = options;
    this.#options = options;
    this.#tuning = { ...HOST_TUNING, ...options.tuning };
    this.#checksum = options.checksum ?? crc32;
    this.#guard = createGuard(
      () => this.#phase === "stopped",
      (reason) => this.#die(reason),
    );
    this.#ports = {
      ...ports,
      clock: guardedClock(ports.clock, this.#guard),
      disk: guardedDisk(ports.disk, this.#guard),
    };
    this.#spare = new SpareTime(this.#ports.clock);
    this.#wire = new Wire({
      network: ports.network,
      messages: protocol.messages,
      checksum: this.#checksum,
    });
  }

  start(done: (problem: HostProblem | null) => void): void {
    this.#phase = "starting";
    const { configuration, self, machine, protocol, storage } = this.#options;
    const options = {
      ports: this.#ports,
      storage: storage ?? null,
      configuration,
      self,
      machine,
      tuning: this.#tuning,
      checksum: this.#checksum,
      protocol: protocol.name,
      order: protocol.capabilities.order,
      guard: this.#guard,
      spare: this.#spare,
    };
    boot(options, (problem, booted) => {
      if (booted !== null) return this.#recover(booted, done);
      this.#failStart(problem ?? { code: "disk", message: "unreadable" }, done);
    });
  }

  propose(request: ProposeRequest): void {
    if (this.#phase === "running") this.#parts?.front.propose(request);
    else this.#refuse(request.token);
  }

  read(request: ReadRequest): void {
    if (this.#phase === "running") this.#parts?.front.read(request);
    else this.#refuse(request.token);
  }

  reconfigure(request: ReconfigureRequest): void {
    if (this.#phase === "running") this.#parts?.change.ask(request);
    else this.#refuse(request.token);
  }

  status(): HostStatus {
    return hostStatus(this.#options, this.#parts, this.#phase === "stopped");
  }

  stop(): void {
    if (this.#phase === "stopping" || this.#phase === "stopped") return;
    const parts = this.#phase === "running" ? this.#parts : null;
    this.#phase = "stopping";
    parts?.change.end();
    parts?.front.end();
    parts?.snapshotting?.stop();
    parts?.handOver.stop();
    parts?.membership.stop();
    if (parts === null) this.#closePorts(null);
    else closeSeats(parts, () => this.#closePorts(null));
  }

  linkUp(hello: Hello): string | null {
    const parts = this.#parts;
    if (parts === null || this.#phase !== "running") return "this node is not running";
    let refusal: string | null = "this node has stopped";
    this.#guard(() => {
      refusal = parts.links.linkUp(hello);
    })();
    return refusal;
  }

  linkDown(peer: NodeId): void {
    this.#parts?.links.linkDown(peer);
    this.#parts?.progress.linkDown(peer);
  }

  refused(peer: NodeId, reason: string): void {
    this.#parts?.links.refused(peer, reason);
    this.#tell("link refused", { peer, reason });
  }

  frame(from: NodeId, lent: Uint8Array): boolean {
    const parts = this.#parts;
    if (parts === null || this.#phase !== "running" || !parts.links.isConnected(from)) return true;
    if ((parts.seat.replica?.waitingForDisk ?? 0) > DISK_QUEUE_MAX) return true;
    const incoming = this.#wire.open(lent, (number) => hasReplica(parts, number));
    if (incoming === null) return false;
    this.#guard(() => {
      if (incoming.kind === "host") return this.#hostMessage(parts, from, incoming.message);
      if (!parts.links.isReady(from)) return;
      if (incoming.kind === "foreign") return parts.membership.foreign(from);
      const { configuration, message } = incoming;
      // Only members speak: of the rest nothing is known, least of all their votes.
      const seat = seatOf(parts, configuration);
      if (seat !== null && isMember(seat.tenure, from))
        seat.replica?.input({ kind: "message", from, message });
    })();
    return true;
  }

  deliver(effect: Deliver): void {
    const parts = this.#parts;
    if (parts === null || parts.deliveries !== null) return parts?.deliveries?.add(effect);
    // Without a state machine, all that a command can do is to end the configuration.
    const stop = effect.commands.find((command) => command.kind === "stop");
    if (stop !== undefined) parts.handOver.stopDelivered(effect.position, effect.image, stop);
  }

  release(effect: Release): void {
    this.#parts?.front.released(effect);
  }

  readable(effect: Readable): void {
    this.#parts?.front.readable(effect);
  }

  requestState(effect: RequestState): void {
    this.#tell("state requested", { position: effect.position.index });
    this.#parts?.snapshotting?.request(effect.position, effect.from);
  }

  observe(effect: Observe): void {
    this.#tell(effect.event, effect.detail);
  }

  journalFailed(error: PortError): void {
    const parts = this.#parts;
    if (parts === null || error.code !== "no-space") return this.#die(`journal: ${error.message}`);
    parts.front.diskFull = true;
    this.#tell("disk full", { message: error.message });
  }

  journalWorks(): void {
    const parts = this.#parts;
    this.#spare.commandsCame(parts?.snapshotting?.lacksState === true);
    if (parts !== null) parts.front.diskFull = false;
    parts?.snapshotting?.journalGrew();
  }

  #hostMessage(parts: Parts<S, M>, from: NodeId, message: HostMessage): void {
    const { links, snapshotting, membership, progress } = parts;
    switch (message.kind) {
      case "known":
        // Perhaps while this node is still saving whom it is connected to.
        return links.heard(from, message.remembers);
      case "askKnown":
        return links.asked(from);
      case "transfer":
        if (links.isReady(from))
          this.#spare.counted(() => snapshotting?.onMessage(from, message.message))();
        return;
      case "configured":
        if (links.isReady(from)) membership.heard(from, message);
        return;
      case "askProgress":
        if (links.isReady(from)) progress.asked(from);
        return;
      case "progress":
        if (links.isReady(from)) progress.heard(from, message.executedUpTo);
        return;
      default:
        assertNever(message);
    }
  }

  #recover(booted: Booted, done: (problem: HostProblem | null) => void): void {
    const parts = this.#assemble(booted);
    this.#parts = parts;
    booted.journal.recover(
      (records) => parts.seat.replica?.input({ kind: "recover", records }),
      (error, found) => {
        if (error === null) return this.#join(parts, found.missing, done);
        this.#failStart({ code: "disk", message: `journal: ${error.message}` }, done);
      },
    );
  }

  #assemble(booted: Booted): Parts<S, M> {
    return assemble({
      host: this.#options,
      tuning: this.#tuning,
      checksum: this.#checksum,
      guard: this.#guard,
      spare: this.#spare,
      ports: this.#ports,
      version: FRAMES_VERSION * 1000 + this.#options.protocol.messages.version,
      booted,
      handler: this,
      wire: this.#wire,
      sessionLost: () => this.#renewSession(),
      disowned: (reason) => this.#disowned(reason),
      tell: (event, detail) => this.#tell(event, detail),
      failed: (reason) => this.#die(reason),
    });
  }

  #join(
    parts: Parts<S, M>,
    missing: readonly About[] | "unnamed",
    done: (problem: HostProblem | null) => void,
  ): void {
    const { links, membership, seat } = parts;
    const opened = (failure: PortError | null): void => {
      if (failure !== null)
        return this.#failStart({ code: "in-use", message: failure.message }, done);
      this.#phase = "running";
      if (!membership.isFirst) this.#reachMembers(parts);
      seat.replica?.input(startOf(parts, missing));
      links.begin();
      membership.begin();
      done(null);
      if (!membership.isFirst) this.#options.listener.configured?.(seat.tenure);
    };
    this.#fetchLostState(parts);
    this.#options.ports.network.open(links.hello(), this, this.#guard(opened));
  }

  /** The addresses that the operator gave are those of the first configuration. */
  #reachMembers({ seat }: Parts<S, M>): void {
    const { self, ports } = this.#options;
    ports.network.reach(addressesOf(seat.tenure.configuration.members, self));
  }

  /** A state is missing: nothing is executed on top of an empty one in its place. */
  #fetchLostState({ booted, deliveries, snapshotting, seat }: Parts<S, M>): void {
    if (booted.lostUpTo === null) return;
    deliveries?.pause();
    const ids = seat.tenure.configuration.members.map((member) => member.id);
    const others = ids.filter((node) => node !== this.#options.self);
    snapshotting?.request(booted.lostUpTo, others);
  }

  #failStart(problem: HostProblem, done: (problem: HostProblem | null) => void): void {
    this.#phase = "stopped";
    this.#parts?.seat.replica?.stop();
    this.#options.ports.network.close(() => undefined);
    if (problem.code === "locked") return done(problem);
    this.#unlock(() => done(problem));
  }

  /**
   * A replica that has voted cannot be told to stop voting; it starts again as one that never does.
   */
  #disowned(reason: string): void {
    this.#tell("disowned", { reason });
    if (this.#parts?.seat.replica?.status().voter === true)
      this.#die(`may not vote any more: ${reason}`);
  }

  /**
   * Another life under this node's name has gone further, so its session here is closed. Goes on
   * above that, with a leap, so that no two directories of one name ever use the same session.
   */
  #renewSession(): void {
    const parts = this.#parts;
    const execution = parts?.booted.execution ?? null;
    if (parts === null || execution === null || this.#renewing) return;
    this.#renewing = true;
    const { self } = this.#options;
    const leap = 1 + (this.#ports.random.next() % SESSION_LEAP);
    parts.links.raiseIncarnation(execution.nodeIncarnation(self) + leap, (incarnation) => {
      this.#renewing = false;
      this.#tell("session renewed", { incarnation });
      parts.front.requests.renew(nodeClient(self, incarnation));
      parts.front.askTurn();
    });
  }

  #refuse(token: number): void {
    const { ports, listener } = this.#options;
    ports.clock.defer(() => listener.answered(token, failed("stopped", "no")));
  }

  #tell(event: string, detail: Readonly<Record<string, number | string | boolean>>): void {
    this.#options.listener.observe?.(event, detail);
  }

  /** Something that cannot be: stop at once, acknowledge nothing, let the operator see why. */
  #die(reason: string): void {
    if (this.#phase === "stopped") return;
    this.#phase = "stopped";
    const parts = this.#parts;
    parts?.seat.replica?.stop();
    parts?.lingering?.replica?.stop();
    parts?.handOver.stop();
    parts?.membership.stop();
    parts?.snapshotting?.stop();
    parts?.change.end();
    parts?.front.end();
    this.#closePorts(reason);
  }

  #closePorts(reason: string | null): void {
    this.#phase = "stopped";
    const { ports, listener } = this.#options;
    ports.network.close(() => this.#unlock(() => listener.stopped(reason)));
  }

  /** Nobody else finds a storage that is still written. A disk waits for its own operations. */
  #unlock(done: () => void): void {
    const { ports, storage } = this.#options;
    const unlock = (): void => ports.disk.unlock(() => done());
    if (storage === undefined) unlock();
    else storage.close(unlock);
  }
}

/** What the replica begins with, or goes on from. */
function startOf<S, M>(
  { booted, links, membership }: Parts<S, M>,
  missing: readonly About[] | "unnamed",
): Start {
  const { snapshot, tenure, lostUpTo, identity } = booted;
  const isBehind = snapshot.position.index < tenure.began.index;
  return {
    kind: "start",
    missing,
    delivered: isBehind ? tenure.began : snapshot.position,
    image: isBehind ? new Uint8Array(0) : snapshot.image,
    incarnation: identity.incarnation,
    // In the first configuration there is nothing from before it that a vote would stand on.
    voter: links.mayVote && (membership.isFirst || lostUpTo === null),
  };
}

/** Where messages of this configuration belong. */
function seatOf<S, M>({ seat, lingering }: Parts<S, M>, number: number): Seat<S, M> | null {
  if (seat.tenure.configuration.number === number) return seat;
  return lingering?.tenure.configuration.number === number ? lingering : null;
}

function hasReplica<S, M>(parts: Parts<S, M>, number: number): boolean {
  const replica = seatOf(parts, number)?.replica ?? null;
  return replica !== null;
}

/** `done` once what both have appended is durable, or cannot be. */
function closeSeats<S, M>({ seat, lingering }: Parts<S, M>, done: () => void): void {
  if (lingering === null || lingering === seat) return closeSeat(seat, done);
  closeSeat(lingering, () => closeSeat(seat, done));
}
