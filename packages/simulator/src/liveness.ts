import type { NodeId } from "@synod/core";
import { quorumsOf } from "@synod/runtime";
import { draw } from "./addressed.ts";
import type { Client } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { FaultDriver } from "./fault-driver.ts";
import type { Life } from "./life.ts";
import type { Panel } from "./oracles/panel.ts";
import { checkRest } from "./oracles/rest.ts";
import type { Scheduler } from "./scheduler.ts";
import type { MemberStatus, OperationCodec } from "./system.ts";
import type { Switchboard } from "./virtual-network.ts";

/** Operations that each client still does after the faults: progress, not just silence. */
const LAST_OPERATIONS = 10;
/** After the faults everything comes to rest within this, virtual ms. */
const REST_MS_MAX = 60_000;
/** Election time-outs within which somebody is served again after the faults. */
const PROGRESS_ELECTIONS_MAX = 10;
/**
 * Election time-outs for which a core at rest is left alone with what is outside of it: within the
 * first of them each node there may notice that it has nobody; from then on no ballot rises.
 */
const NOTICE_ELECTIONS = 3;
const CALM_ELECTIONS = 3;
/** What restarting and connecting may take besides, ms. */
const PROGRESS_SLACK_MS = 4_000;
/** And a hand-over that was under way, with a state to be fetched. */
const HAND_OVER_MS = 10_000;
/** Longer than any life. */
const FOR_EVER_MS = 10_000_000;

/** What becomes of a node outside the core while the core has to do without it. */
const FATES = ["down", "paused", "cut off", "deaf", "mute"] as const;

interface LivenessOptions<S, M> {
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly cluster: Cluster<S, M>;
  readonly switchboard: Switchboard;
  readonly driver: FaultDriver<S, M>;
  readonly clients: readonly Client[];
  readonly panel: Panel;
  readonly codec: OperationCodec;
  readonly electionTimeoutMs: number;
  /** Whether a core at rest can be expected to keep its leader beside what is outside of it. */
  readonly keepsLeader: boolean;
  /** Whom these members still have to hand the lead to; null: to nobody. */
  readonly leadIsDue: (members: readonly MemberStatus[]) => string | null;
  /** Of the newest configuration that anybody lives in. */
  readonly members: () => readonly NodeId[];
  readonly calm: () => void;
  readonly hit: (probe: string) => void;
  readonly tell: (text: string) => void;
}

/**
 * The end of a life, in two stages. First the faults stop within a connected core that holds a
 * quorum, and never end outside of it: somebody must be served within ten election time-outs, and
 * the core must come to rest within a minute, and then be left in peace by what is outside of it.
 * Then they stop everywhere, and all must come to rest.
 */
export class Liveness<S, M> {
  readonly #options: LivenessOptions<S, M>;
  #stage: "faults" | "core" | "calm" | "all" | "rest" = "faults";
  #core: ReadonlySet<NodeId> = new Set();
  #beganMs = 0;
  #served = false;

  constructor(options: LivenessOptions<S, M>) {
    this.#options = options;
  }

  /** The life is over, and nothing is left to wait for. */
  get atRest(): boolean {
    return this.#stage === "rest";
  }

  /** Ends the faults in the core. */
  begin(): void {
    const { life, clients, tell, electionTimeoutMs, scheduler, panel, calm, driver } =
      this.#options;
    this.#stage = "core";
    this.#beganMs = scheduler.now;
    this.#core = this.#chooseCore();
    const outside = life.nodes.filter((node) => !this.#core.has(node));
    tell(`the faults are over within ${[...this.#core].join(",")}`);
    calm();
    const held = outside.filter((node) => {
      const fate = this.#exclude(node);
      return fate === "down" || fate === "paused";
    });
    driver.end(new Set(held));
    this.#cutLinks();
    for (const client of clients) client.finish(LAST_OPERATIONS, [...this.#core]);
    const changes = life.members === undefined ? 0 : HAND_OVER_MS;
    const limit = PROGRESS_ELECTIONS_MAX * electionTimeoutMs + PROGRESS_SLACK_MS + changes;
    scheduler.after(limit, -1, "world", () => {
      if (!this.#served)
        panel.accuse("progress", `nobody was served in ${limit} ms after the faults`);
    });
    this.#demand("core", this.#core);
  }

  /** A client got what it had asked for at `invokedMs`. */
  served(invokedMs: number): void {
    if (this.#stage !== "faults" && invokedMs >= this.#beganMs) this.#served = true;
  }

  /** Goes on to the next stage as soon as this one has come to rest. */
  look(): void {
    const { life, keepsLeader } = this.#options;
    if (this.#stage === "core" && this.#problem(this.#core) === null) {
      if (this.#core.size === life.nodes.length || life.core.links !== null) {
        this.#stage = "rest";
        return;
      }
      if (keepsLeader) this.#leaveAlone();
      else this.#endFaults();
    } else if (this.#stage === "all" && this.#problem(new Set(life.nodes)) === null)
      this.#stage = "rest";
  }

  /** The core has all that it needs; the others must not disturb it. */
  #leaveAlone(): void {
    const { scheduler, panel, electionTimeoutMs, tell } = this.#options;
    this.#stage = "calm";
    tell("the core is at rest, and must stay so beside the others");
    const noticeMs = NOTICE_ELECTIONS * electionTimeoutMs;
    const calmMs = CALM_ELECTIONS * electionTimeoutMs;
    scheduler.after(noticeMs, -1, "world", () => panel.ballots.settle(this.#core));
    scheduler.after(noticeMs + calmMs, -1, "world", () => {
      panel.ballots.settle(new Set());
      this.#endFaults();
    });
  }

  #endFaults(): void {
    const { life, tell, calm, driver } = this.#options;
    tell("the faults are over everywhere");
    this.#stage = "all";
    calm();
    driver.end(new Set());
    this.#demand("all", new Set(life.nodes));
  }

  #problem(nodes: ReadonlySet<NodeId>): string | null {
    const { cluster, panel, codec, clients } = this.#options;
    // Where links are missing, not all can know the leader: it is enough that somebody is served.
    const partial = this.#stage === "core" && this.#options.life.core.links !== null;
    if (partial) return this.#served ? null : "nobody was served";
    const busy = clients.filter((client) => !client.finished);
    if (busy.length > 0) return `clients ${busy.map((client) => client.plan.index)} are busy`;
    // Who is no member any more needs to come to nothing.
    const { life, members } = this.#options;
    const demanded = life.members === undefined ? nodes : new Set(members());
    return checkRest(cluster, demanded, panel, codec) ?? this.#leadDueIn(demanded);
  }

  #leadDueIn(nodes: ReadonlySet<NodeId>): string | null {
    const members = this.#options.cluster.members.flatMap(({ node, host }) =>
      nodes.has(node) && host !== null ? [{ node, status: host.status().replica }] : [],
    );
    return this.#options.leadIsDue(members);
  }

  #demand(stage: "core" | "all", nodes: ReadonlySet<NodeId>): void {
    const { scheduler, panel } = this.#options;
    scheduler.after(REST_MS_MAX, -1, "world", () => {
      if (this.#stage !== stage) return;
      const problem = this.#problem(nodes) ?? "";
      panel.accuse("rest", `${[...nodes]} not at rest after ${REST_MS_MAX} ms: ${problem}`);
    });
  }

  /** A quorum of undamaged disks, and whoever else is drawn. */
  #chooseCore(): ReadonlySet<NodeId> {
    const { life, cluster, panel } = this.#options;
    const { small, links, draw: seed } = life.core;
    const quorums = quorumsOf(cluster.configuration);
    const suffices = (nodes: ReadonlySet<NodeId>): boolean => {
      const sound = new Set([...nodes].filter((node) => !panel.noVote.isDamaged(node)));
      return quorums.isPhase1(sound) && quorums.isPhase2(sound);
    };
    if (links !== null) {
      const around = life.nodes.map((hub) => new Set([hub, ...neighbours(hub, links)]));
      return around.find(suffices) ?? new Set(life.nodes);
    }
    if (!small) return new Set(life.nodes);
    const core = new Set<NodeId>();
    const order = [...life.nodes].sort((a, b) => draw(seed, "core", a) - draw(seed, "core", b));
    for (const node of order) {
      const wanted = !panel.noVote.isDamaged(node) && !suffices(core);
      if (wanted || draw(seed, "core", node, 1) % 4 === 0) core.add(node);
    }
    return new Set([...core].sort((a, b) => a - b));
  }

  /** Makes what keeps `node` from helping. */
  #exclude(node: NodeId): (typeof FATES)[number] | "linked" {
    const { life, cluster, scheduler, switchboard, hit } = this.#options;
    if (life.core.links !== null) return "linked";
    const fate = FATES[draw(life.core.draw, "core", node, 2) % FATES.length] as "down";
    hit("liveness: core without all members");
    this.#options.tell(`node ${node} is ${fate} from now on`);
    const fates: Readonly<Record<(typeof FATES)[number], () => void>> = {
      down: () => {
        hit("liveness: outsider down");
        cluster.kill(node, true);
      },
      paused: () => {
        hit("liveness: outsider paused");
        scheduler.pause(node, FOR_EVER_MS);
      },
      "cut off": () => {
        for (const other of this.#core) {
          switchboard.cut(node, other);
          switchboard.cut(other, node);
        }
      },
      deaf: () => {
        hit("liveness: outsider deaf");
        for (const other of this.#core) switchboard.mute(other, node);
      },
      mute: () => {
        hit("liveness: outsider mute");
        for (const other of this.#core) switchboard.mute(node, other);
      },
    };
    fates[fate]();
    return fate;
  }

  #cutLinks(): void {
    const { life, switchboard } = this.#options;
    const { links } = life.core;
    if (links === null) return;
    for (const a of life.nodes)
      for (const b of life.nodes)
        if (a !== b && !neighbours(a, links).includes(b)) switchboard.cut(a, b);
  }
}

function neighbours(node: NodeId, links: readonly (readonly [NodeId, NodeId])[]): NodeId[] {
  return links.flatMap(([a, b]) => (a === node ? [b] : b === node ? [a] : []));
}
