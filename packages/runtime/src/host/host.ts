import {
  type About,
  type Command,
  crc32,
  type Deliver,
  EMPTY_FOOTPRINT,
  type Footprint,
  type Machine,
  type NetworkListener,
  type NodeId,
  PAYLOAD_BYTES_MAX,
  type PortError,
  type Ports,
  type Position,
  Writer,
} from "@synod/core";
import { quorumsOf } from "../configuration.ts";
import { encodeFrame, FRAMES_VERSION, openFrame } from "../frames.ts";
import type {
  Checksum,
  Host,
  HostOptions,
  HostProblem,
  HostStatus,
  HostTuning,
  ProposeRequest,
  ReadRequest,
} from "../host-options.ts";
import { writeIdentity } from "../identity.ts";
import { type FailureCode, failed } from "../outcome.ts";
import { nodeClient, sessionKey } from "../sessions-name.ts";
import { guardedClock, guardedDisk } from "../snapshots/guarded-ports.ts";
import { HOST_TUNING } from "../tuning.ts";
import { type Booted, boot } from "./boot.ts";
import { Deliveries } from "./deliveries.ts";
import { createGuard, type Guard } from "./guard.ts";
import { type HostMessage, readHostMessage, writeHostMessage } from "./host-messages.ts";
import { Links } from "./links.ts";
import { Reads } from "./reads.ts";
import { Replica, type ReplicaHandler } from "./replica.ts";
import { BARRIER, Requests } from "./requests.ts";
import { Snapshotting } from "./snapshotting.ts";
import { hostStatus } from "./status.ts";

/** How often deadlines and resubmissions are looked at while requests are outstanding. */
const TICK_MS = 25;
/** Barriers wait for a quorum much longer than a client would. */
const BARRIER_DEADLINE_MS = 60_000;
/** How far a node whose session was taken over may leap ahead at most. */
const SESSION_LEAP = 65_536;
const PROPOSAL_BYTES = 256 * 1024;
/** Sends and persists behind the disk, above which incoming messages are dropped until it has caught up. */
const DISK_QUEUE_MAX = 16_384;
const SPACE_CHECK_MS = 1000;
const BULK_BYTES = 64 * 1024;

/** The host of one replica: everything between a protocol and its four ports. */
export function createHost<S, M>(options: HostOptions<S, M>): Host {
  return new ReplicaHost(options);
}

/** What exists once the host has started. */
interface Running<S, M> {
  readonly booted: Booted;
  readonly replica: Replica<S, M>;
  readonly links: Links;
  readonly requests: Requests;
  readonly reads: Reads;
  readonly deliveries: Deliveries | null;
  readonly snapshotting: Snapshotting | null;
}

class ReplicaHost<S, M> implements Host, NetworkListener, ReplicaHandler<M> {
  readonly #options: HostOptions<S, M>;
  readonly #tuning: HostTuning;
  readonly #checksum: Checksum;
  readonly #guard: Guard;
  /** No callback of these comes after the host has stopped, and what one throws stops it. */
  readonly #ports: Ports;
  readonly #writer = new Writer(64 * 1024);
  readonly #members: readonly NodeId[];
  #phase: "idle" | "starting" | "running" | "stopping" | "stopped" = "idle";
  #running: Running<S, M> | null = null;
  #turnAsked = false;
  #renewing = false;
  #tickTimer: number | null = null;
  #diskFull = false;
  #spaceCheckAt = 0;
  #failures: { readonly token: number; readonly code: FailureCode }[] = [];

  constructor(options: HostOptions<S, M>) {
    this.#options = options;
    this.#tuning = { ...HOST_TUNING, ...options.tuning };
    this.#checksum = options.checksum ?? crc32;
    this.#members = options.configuration.members.map((member) => member.id);
    this.#guard = createGuard(
      () => this.#phase === "stopped",
      (reason) => this.#die(reason),
    );
    const { clock, disk, network, random } = options.ports;
    this.#ports = {
      clock: guardedClock(clock, this.#guard),
      disk: guardedDisk(disk, this.#guard),
      network,
      random,
    };
  }

  start(done: (problem: HostProblem | null) => void): void {
    this.#phase = "starting";
    const { configuration, self, machine, protocol } = this.#options;
    const options = {
      ports: this.#ports,
      cluster: configuration.cluster,
      self,
      machine,
      tuning: this.#tuning,
      checksum: this.#checksum,
      order: protocol.capabilities.order,
      guard: this.#guard,
    };
    boot(options, (problem, booted) => {
      if (booted === null) return this.#failStart(problem, done);
      this.#recover(booted, done);
    });
  }

  propose(request: ProposeRequest): void {
    const problem = this.#proposalProblem(request.payload.length);
    if (problem !== null) return this.#failSoon(request.token, problem);
    const { requests } = this.#running as Running<S, M>;
    const now = this.#ports.clock.now();
    const deadline = now + request.deadlineMs;
    const { token, payload, session } = request;
    if (session === null) {
      const footprint = this.#footprint(payload, requests.client);
      requests.addOwn(token, { kind: "apply", payload, footprint }, now, deadline);
    } else {
      const footprint = this.#footprint(payload, session.client);
      const command: Command = {
        kind: "apply",
        ...session,
        origin: this.#options.self,
        payload,
        footprint,
      };
      if (!requests.addUser(token, command, now, deadline))
        return this.#failSoon(token, "sequence-reused");
    }
    this.#askTurn();
  }

  read(request: ReadRequest): void {
    const running = this.#running;
    if (running === null || this.#phase !== "running")
      return this.#failSoon(request.token, "stopped");
    const { execution } = running.booted;
    if (execution === null) return this.#failSoon(request.token, "not-serving");
    if (running.reads.isFull) return this.#failSoon(request.token, "overload");
    const now = this.#ports.clock.now();
    const { token, query, consistency, deadlineMs } = request;
    if (consistency === "stale") running.reads.addStale(token, query, now + deadlineMs);
    else running.reads.add(token, query, now + deadlineMs);
    this.#askTurn();
  }

  status(): HostStatus {
    return hostStatus({
      options: this.#options,
      running: this.#running,
      diskFull: this.#diskFull,
      stopped: this.#phase === "stopped",
    });
  }

  stop(): void {
    if (this.#phase === "stopping" || this.#phase === "stopped") return;
    const running = this.#running;
    this.#endRequests(running);
    this.#phase = "stopping";
    const finish = (): void => this.#closePorts(null);
    if (running === null) return finish();
    running.snapshotting?.stop();
    running.replica.close(finish);
  }

  // NetworkListener

  linkUp = (hello: Parameters<NetworkListener["linkUp"]>[0]): string | null => {
    const running = this.#running;
    if (running === null || this.#phase !== "running") return "this node is not running";
    let refusal: string | null = "this node has stopped";
    this.#try(() => {
      refusal = running.links.linkUp(hello);
    });
    return refusal;
  };

  linkDown = (peer: NodeId): void => {
    this.#running?.links.linkDown(peer);
  };

  refused = (peer: NodeId, reason: string): void => {
    this.#running?.links.refused(peer, reason);
    this.#observe("link refused", { peer, reason });
  };

  frame = (from: NodeId, lent: Uint8Array): boolean => {
    const running = this.#running;
    if (running === null || this.#phase !== "running" || !running.links.isReady(from)) return true;
    if (running.replica.waitingForDisk > DISK_QUEUE_MAX) return true;
    // One copy here, so that whatever a protocol keeps pins nothing but its own frame.
    const frame = openFrame(lent.slice(), this.#checksum);
    if (frame === null) return false;
    if (frame.kind === "host") return this.#hostMessage(from, readHostMessage(frame.body));
    if (frame.kind !== "message") return false;
    if (frame.body.u32() !== this.#options.configuration.number) return true;
    const message = this.#options.protocol.messages.decode(frame.body);
    if (message === null) return false;
    this.#try(() => running.replica.input({ kind: "message", from, message }));
    return true;
  };

  // ReplicaHandler

  transmit(to: readonly NodeId[], message: M): void {
    const frame = encodeFrame(this.#writer, "message", this.#checksum, (writer) => {
      writer.u32(this.#options.configuration.number);
      this.#options.protocol.messages.encode(writer, message);
    });
    this.#options.ports.network.send(to, frame.length > BULK_BYTES ? "bulk" : "urgent", frame);
  }

  deliver(effect: Deliver): void {
    this.#running?.deliveries?.add(effect);
  }

  release(effect: Parameters<ReplicaHandler<M>["release"]>[0]): void {
    const now = this.#ports.clock.now();
    this.#running?.requests.released(effect.requests, effect.outcome, now);
    this.#askTurn();
  }

  readable(effect: Parameters<ReplicaHandler<M>["readable"]>[0]): void {
    this.#running?.reads.readable(effect.reads, effect.position, effect.validUntil ?? null);
    this.#askTurn();
  }

  requestState(effect: Parameters<ReplicaHandler<M>["requestState"]>[0]): void {
    this.#observe("state requested", { position: effect.position.index });
    this.#running?.snapshotting?.request(effect.position, effect.from);
  }

  observe(effect: Parameters<ReplicaHandler<M>["observe"]>[0]): void {
    this.#observe(effect.event, effect.detail);
  }

  journalFailed(error: PortError): void {
    if (error.code !== "no-space") return this.#die(`journal: ${error.message}`);
    this.#diskFull = true;
    this.#observe("disk full", { message: error.message });
  }

  journalWorks(): void {
    this.#diskFull = false;
    this.#running?.snapshotting?.journalGrew();
  }

  // Starting

  #recover(booted: Booted, done: (problem: HostProblem | null) => void): void {
    const running = this.#assemble(booted);
    this.#running = running;
    booted.journal.recover(
      (records) => running.replica.input({ kind: "recover", records }),
      (error, found) => {
        if (error === null) return this.#join(running, found.missing, done);
        this.#failStart({ code: "disk", message: `journal: ${error.message}` }, done);
      },
    );
  }

  #join(
    running: Running<S, M>,
    missing: readonly About[] | "unnamed",
    done: (problem: HostProblem | null) => void,
  ): void {
    const { booted, links, replica, deliveries, snapshotting } = running;
    const opened = (failure: PortError | null): void => {
      if (failure !== null)
        return this.#failStart({ code: "in-use", message: failure.message }, done);
      this.#phase = "running";
      replica.input({
        kind: "start",
        missing,
        delivered: booted.snapshot.position,
        image: booted.snapshot.image,
        incarnation: booted.identity.incarnation,
        voter: links.mayVote,
      });
      links.begin();
      done(null);
    };
    if (booted.lostUpTo !== null) {
      // A state was here and is gone: nothing is executed on top of an empty one in its place.
      deliveries?.pause();
      const others = this.#members.filter((node) => node !== this.#options.self);
      snapshotting?.request(booted.lostUpTo, others);
    }
    this.#options.ports.network.open(links.hello(), this, this.#guard(opened));
  }

  #assemble(booted: Booted): Running<S, M> {
    const { protocol, configuration, self, protocolTuning } = this.#options;
    const ports = this.#ports;
    const { identity, execution, journal } = booted;
    const replica = new Replica<S, M>({
      protocol,
      settings: {
        self,
        members: this.#members,
        quorums: quorumsOf(configuration),
        seed: ports.random.next(),
        roles: configuration.members.map((member) => member.roles),
        tuning: protocolTuning ?? {},
      },
      clock: ports.clock,
      journal,
      handler: this,
    });
    const client = nodeClient(self, identity.incarnation);
    const answered = this.#options.listener.answered.bind(this.#options.listener);
    const requests = new Requests(client, self, this.#tuning, {
      answered,
      sessionLost: () => this.#renewSession(),
    });
    const deliveries =
      execution === null ? null : new Deliveries(execution, ports.clock, this.#onDelivery);
    return {
      booted,
      replica,
      links: this.#createLinks(booted),
      requests,
      reads: new Reads(this.#tuning, answered),
      deliveries,
      snapshotting:
        deliveries === null ? null : this.#createSnapshotting(booted, deliveries, replica),
    };
  }

  #createLinks(booted: Booted): Links {
    const { protocol } = this.#options;
    const ports = this.#ports;
    return new Links({
      identity: booted.identity,
      members: this.#members,
      protocol: protocol.name,
      version: FRAMES_VERSION * 1000 + protocol.messages.version,
      network: ports.network,
      save: (identity, done) => writeIdentity(ports.disk, this.#checksum, identity, done),
      handler: {
        linkReady: (peer) => this.#running?.replica.input({ kind: "linkUp", peer }),
        tellKnown: (peer, remembers) => this.#sendHost([peer], { kind: "known", remembers }),
        admitted: () => this.#running?.replica.input({ kind: "admit" }),
        disowned: (reason) => this.#disowned(reason),
        failed: (error) => this.#die(`identity: ${error.message}`),
      },
    });
  }

  /**
   * A replica that has voted cannot be told to stop voting; it starts again as one that never does.
   */
  #disowned(reason: string): void {
    this.#observe("disowned", { reason });
    if (this.#running?.replica.status().voter === true)
      this.#die(`may not vote any more: ${reason}`);
  }

  #createSnapshotting(
    booted: Booted,
    deliveries: Deliveries,
    replica: Replica<S, M>,
  ): Snapshotting {
    return new Snapshotting({
      booted,
      tuning: this.#tuning,
      clock: this.#ports.clock,
      random: this.#ports.random,
      guard: this.#guard,
      deliveries,
      send: (to, message, bulk) => this.#sendHost([to], { kind: "transfer", message }, bulk),
      proposeBarrier: () => this.#proposeBarrier(),
      compact: (position) => replica.input({ kind: "compact", position }),
      installed: (position, image) => {
        replica.input({ kind: "installed", position, image });
        deliveries.resume();
        this.#running?.requests.resubmitAll();
        this.#askTurn();
      },
      observe: (event, detail) => this.#observe(event, detail),
      failed: (reason) => this.#die(reason),
    });
  }

  /**
   * Another life under this node's name has gone further, so its session here is closed. Goes on above that, with
   * a leap, so that no two directories of one name ever use the same session.
   */
  #renewSession(): void {
    const running = this.#running;
    const execution = running?.booted.execution ?? null;
    if (running === null || execution === null || this.#renewing) return;
    this.#renewing = true;
    const { self } = this.#options;
    const leap = 1 + (this.#ports.random.next() % SESSION_LEAP);
    running.links.raiseIncarnation(execution.nodeIncarnation(self) + leap, (incarnation) => {
      this.#renewing = false;
      this.#observe("session renewed", { incarnation });
      running.requests.renew(nodeClient(self, incarnation));
      this.#askTurn();
    });
  }

  #proposeBarrier(): void {
    const now = this.#ports.clock.now();
    this.#running?.requests.addOwn(null, BARRIER, now, now + BARRIER_DEADLINE_MS);
    this.#askTurn();
  }

  #failStart(problem: HostProblem | null, done: (problem: HostProblem | null) => void): void {
    this.#phase = "stopped";
    this.#running?.replica.stop();
    const { network, disk } = this.#options.ports;
    network.close(() => undefined);
    const told = problem ?? { code: "disk", message: "unknown" };
    if (told.code === "locked") return done(told);
    disk.unlock(() => done(told));
  }

  // Turns

  readonly #onDelivery = {
    executed: (
      command: Command,
      executed: Parameters<Requests["executed"]>[1],
      position: Position,
    ) => {
      this.#running?.requests.executed(command, executed);
      const repeated = executed.kind !== "done" || executed.repeated;
      this.#options.listener.executed?.(position, command.client, command.sequence, repeated);
    },
    barrier: (position: Position, image: Uint8Array) =>
      this.#running?.snapshotting?.atBarrier(position, image),
    advanced: () => this.#serveReads(),
  };

  /**
   * Gathers everything that was asked in this turn of the event loop into one proposal and one
   * read.
   */
  #askTurn(): void {
    if (this.#turnAsked || this.#phase === "stopped") return;
    this.#turnAsked = true;
    this.#ports.clock.defer(() => this.#turn());
  }

  #turn(): void {
    this.#turnAsked = false;
    this.#answerFailures();
    const running = this.#running;
    if (running === null || this.#phase !== "running") return;
    for (const commands of running.requests.takeUnproposed(PROPOSAL_BYTES))
      running.replica.input({ kind: "propose", commands });
    if (running.reads.hasGathered)
      running.replica.input({
        kind: "read",
        reads: [running.reads.takeBatch(this.#ports.clock.now())],
      });
    this.#serveReads();
    this.#armTick(running);
  }

  #armTick(running: Running<S, M>): void {
    if (this.#tickTimer !== null) return;
    if (running.requests.outstanding + running.reads.outstanding === 0) return;
    this.#tickTimer = this.#ports.clock.setTimer(TICK_MS, () => {
      this.#tickTimer = null;
      const now = this.#ports.clock.now();
      running.requests.tick(now);
      running.reads.tick(now);
      this.#turn();
    });
  }

  #serveReads(): void {
    const running = this.#running;
    const execution = running?.booted.execution ?? null;
    if (running === null || execution === null || running.deliveries?.isPaused === true) return;
    for (const batch of running.reads.takeDue(execution.executedUpTo)) {
      for (const read of batch.reads) {
        const result = execution.query(read.query);
        // Evaluated first, checked after: a pause in between must not turn into a stale answer.
        if (batch.validUntil !== null && this.#ports.clock.now() > batch.validUntil) {
          running.reads.again(read);
          this.#askTurn();
          continue;
        }
        running.reads.answered();
        this.#options.listener.answered(read.token, {
          kind: "done",
          position: execution.executedUpTo,
          result,
          repeated: false,
        });
      }
    }
  }

  #proposalProblem(payloadBytes: number): FailureCode | null {
    const running = this.#running;
    if (running === null || this.#phase !== "running") return "stopped";
    if (this.#options.machine === null) return "not-serving";
    if (payloadBytes > PAYLOAD_BYTES_MAX) return "too-large";
    if (this.#diskFull || this.#lacksSpace(running)) return "disk-full";
    return running.requests.isFull(payloadBytes) ? "overload" : null;
  }

  /** No segment could be made ahead: writes end now, while there is still room for promises. */
  #lacksSpace(running: Running<S, M>): boolean {
    const { journal } = running.booted;
    if (journal.spaceError === null) return false;
    const now = this.#ports.clock.now();
    if (now >= this.#spaceCheckAt) {
      this.#spaceCheckAt = now + SPACE_CHECK_MS;
      journal.retrySpace();
    }
    return true;
  }

  #footprint(payload: Uint8Array, client: string): Footprint {
    const { protocol, machine } = this.#options;
    if (protocol.capabilities.order === "total" || machine === null) return EMPTY_FOOTPRINT;
    const { reads, writes } = (machine as Machine).footprint(payload);
    return { reads, writes: [...writes, sessionKey(client)] };
  }

  #failSoon(token: number, code: FailureCode): void {
    this.#failures.push({ token, code });
    if (this.#turnAsked && this.#phase !== "stopped") return;
    this.#turnAsked = true;
    this.#options.ports.clock.defer(() => this.#turn());
  }

  #answerFailures(): void {
    const failures = this.#failures;
    this.#failures = [];
    for (const { token, code } of failures)
      this.#options.listener.answered(token, failed(code, "no"));
  }

  #hostMessage(from: NodeId, message: HostMessage | null): boolean {
    if (message === null) return false;
    const running = this.#running as Running<S, M>;
    this.#try(() => {
      if (message.kind === "known") running.links.heard(from, message.remembers);
      else running.snapshotting?.onMessage(from, message.message);
    });
    return true;
  }

  #sendHost(to: readonly NodeId[], message: HostMessage, bulk = false): void {
    const frame = encodeFrame(this.#writer, "host", this.#checksum, (writer) =>
      writeHostMessage(writer, message),
    );
    this.#options.ports.network.send(to, bulk ? "bulk" : "urgent", frame);
  }

  #observe(event: string, detail: Readonly<Record<string, number | string | boolean>>): void {
    this.#options.listener.observe?.(event, detail);
  }

  #try(action: () => void): void {
    this.#guard(action)();
  }

  // Ending

  #endRequests(running: Running<S, M> | null): void {
    if (this.#tickTimer !== null) this.#options.ports.clock.clearTimer(this.#tickTimer);
    this.#answerFailures();
    running?.requests.stop();
    running?.reads.stop();
  }

  /** Something that cannot be: stop at once, acknowledge nothing, let the operator see why. */
  #die(reason: string): void {
    if (this.#phase === "stopped") return;
    this.#phase = "stopped";
    const running = this.#running;
    running?.replica.stop();
    running?.snapshotting?.stop();
    this.#endRequests(running);
    this.#closePorts(reason);
  }

  #closePorts(reason: string | null): void {
    this.#phase = "stopped";
    const { ports, listener } = this.#options;
    ports.network.close(() => ports.disk.unlock(() => listener.stopped(reason)));
  }
}
