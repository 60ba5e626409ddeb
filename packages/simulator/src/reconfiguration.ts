import type { NodeId } from "@synod/core";
import type { Configuration, HostStatus, Outcome } from "@synod/runtime";
import { Draws, draw } from "./addressed.ts";
import type { Cluster } from "./cluster.ts";
import type { Fault } from "./fault.ts";
import { victimsMax } from "./fault-atlas.ts";
import type { Life } from "./life.ts";

/** One seed in so many changes its members. */
const SHARE = 3;
/** Fewer nodes leave nobody to choose from. */
const NODES_MIN = 3;
/** What a change may take, virtual ms. */
const DEADLINE_MS = 10_000;
/** Above the tokens of all clients. */
const TOKENS = 1_000_000_000;
/** Changes come to an end so much before the faults do, as a share of their time. */
const LAST_CHANGE = 0.85;

/** What a change does to the members: from so many to so many, of whom some may be the same. */
const CHANGES = ["add", "remove", "replace one", "replace a majority", "any"] as const;
type Change = (typeof CHANGES)[number];

/**
 * The same life with fewer members to begin with, and changes of who they are; in a third of the
 * seeds. All are in the core at the end: who the members are then is not known beforehand.
 */
export function withReconfiguration(life: Life): Life {
  const draws = new Draws(life.seed, "reconfiguration");
  if (draws.between(1, SHARE) > 1 || life.nodes.length < NODES_MIN) return life;
  const sizes = life.nodes.map((_, at) => at + 1);
  const members = someSound(life, draws.between(0, 0xffff), draws.pick(sizes));
  const count = draws.between(3, 10);
  const changes = Array.from({ length: count }, (): Fault => {
    const atMs = Math.ceil(life.faultsMs * LAST_CHANGE * draws.fraction());
    return { kind: "reconfigure", atMs, draw: draws.between(0, 0xffff_fff) };
  });
  const faults = [...life.faults, ...changes].sort((a, b) => a.atMs - b.atMs);
  return { ...life, members, faults, core: { ...life.core, small: false } };
}

/**
 * `size` nodes in a drawn order, or as many as there can be: so few of them may ever lose their
 * disks that the rest is a quorum.
 */
function someSound(life: Pick<Life, "nodes" | "victims">, rank: number, size: number): NodeId[] {
  const order = [...life.nodes].sort(
    (a, b) => draw(rank, "reconfiguration", a) - draw(rank, "reconfiguration", b),
  );
  return soundOf(life, order, size);
}

/** The first `size` of `order` that can be members together. */
function soundOf(
  { victims }: Pick<Life, "victims">,
  order: readonly NodeId[],
  size: number,
): NodeId[] {
  const sound = order.filter((node) => !victims.includes(node));
  const most = victimsMax(size);
  const weak = order.filter((node) => victims.includes(node)).slice(0, most);
  const wanted = order.filter((node) => sound.includes(node) || weak.includes(node));
  const chosen = wanted.slice(0, size);
  // Too few sound ones for that many victims: fewer of both.
  const isWeak = (node: NodeId): boolean => victims.includes(node);
  while (chosen.some(isWeak) && chosen.filter(isWeak).length > victimsMax(chosen.length))
    chosen.splice(chosen.findLastIndex(isWeak), 1);
  return chosen.sort((a, b) => a - b);
}

/** The members of a configuration, and what makes a quorum of them. */
export type Electorate = Pick<Configuration, "members" | "quorums">;

interface ReconfigurerOptions<S, M> {
  readonly life: Life;
  readonly cluster: Cluster<S, M>;
  /** Its disk is an older one of its own, or it is not known yet which it is. */
  readonly isLost: (node: NodeId) => boolean;
  readonly hit: (probe: string) => void;
  readonly tell: (text: string) => void;
}

/** Asks the cluster of a life for other members, like an operator who sees every status. */
export class Reconfigurer<S, M> {
  readonly #options: ReconfigurerOptions<S, M>;
  #tokens = TOKENS;
  /**
   * By request, the last configuration that it may still end, whatever was answered: the one that
   * it was to replace, or the one after it, if newcomers join that without a vote at first.
   */
  readonly #asked = new Map<number, number>();
  /** All that were ever asked to be replaced, and what may lie in between, by number. */
  readonly #replaced = new Map<number, Electorate>();

  constructor(options: ReconfigurerOptions<S, M>) {
    this.#options = options;
  }

  /** Whether this is the answer to one of its requests. */
  owns(token: number): boolean {
    return token > TOKENS;
  }

  answered(node: NodeId, token: number, outcome: Outcome): void {
    const { hit, cluster } = this.#options;
    const isDone = outcome.kind === "done";
    hit(`reconfiguration: ${isDone ? "chosen" : outcome.code}`);
    const status = cluster.member(node).host?.status();
    const inForce = status?.configuration ?? 1;
    // The answer may come a moment before the next configuration begins.
    const endsIt = isDone
      ? outcome.position.index > (status?.membership.began.index ?? 0)
      : outcome.applied === "unknown";
    this.#asked.set(token, endsIt ? inForce : inForce - 1);
  }

  /** The status with the newest configuration of all that run. */
  newest(): HostStatus | null {
    let newest: HostStatus | null = null;
    for (const { state, host } of this.#options.cluster.members) {
      const status = state === "up" ? (host?.status() ?? null) : null;
      if (status !== null && status.configuration > (newest?.configuration ?? 0)) newest = status;
    }
    return newest;
  }

  /**
   * Of whom quorums hold all that was ever acknowledged: the newest configuration, and until that
   * is settled also the one before. Null while one may be about to end, as far as anybody can tell.
   */
  electorates(): readonly [Electorate, ...Electorate[]] | null {
    const newest = this.newest();
    if (newest === null) return null;
    const { configuration: number, membership } = newest;
    if ([...this.#asked.values()].some((replaced) => replaced >= number)) return null;
    const before = this.#replaced.get(number - 1);
    if (membership.settled || before === undefined) return [membership];
    return [membership, before];
  }

  /** Asks a member for a change. */
  change(rank: number): void {
    const { life, cluster, tell, hit } = this.#options;
    const newest = this.newest();
    if (newest === null) return;
    const before = newest.membership.members.map(({ id }) => id);
    this.#replaced.set(newest.configuration, newest.membership);
    // Members without a vote change no quorum. Whoever replaces anything else asks for that here.
    this.#replaced.set(newest.configuration + 1, newest.membership);
    const ids = this.#pick(rank, before);
    const asked = before[draw(rank, "reconfiguration", 1) % before.length] as NodeId;
    const { host, state } = cluster.member(asked);
    if (ids.length === 0 || host === null || state !== "up") return;
    const members = ids.map((id) => ({ id, address: `node-${id}`, zone: "", roles: [] }));
    this.#tokens += 1;
    tell(`node ${asked} is asked to replace configuration ${newest.configuration} by ${ids}`);
    hit("fault: other members asked for");
    hit(`reconfiguration: from ${before.length} to ${ids.length} of ${life.nodes.length}`);
    this.#asked.set(this.#tokens, newest.configuration + 1);
    host.reconfigure({
      token: this.#tokens,
      replaces: newest.configuration,
      members: members.map((member) => ({ ...member, ...this.#dataIdOf(member.id) })),
      quorums: null,
      deadlineMs: DEADLINE_MS,
    });
  }

  /** The operator has looked at the disk; of a node that is down he trusts what others know. */
  #dataIdOf(node: NodeId): { dataId?: string } {
    const dataId = this.#options.cluster.member(node).host?.status().dataId ?? "";
    return dataId === "" ? {} : { dataId };
  }

  #pick(rank: number, before: readonly NodeId[]): NodeId[] {
    const { life, isLost } = this.#options;
    const change = CHANGES[draw(rank, "reconfiguration", 2) % CHANGES.length] as Change;
    const place = (node: NodeId): number => draw(rank, "reconfiguration", 3, node);
    const usable = life.nodes.filter((node) => !isLost(node));
    const order = usable.sort((a, b) => place(a) - place(b));
    const inside = order.filter((node) => before.includes(node));
    const outside = order.filter((node) => !before.includes(node));
    const majority = Math.floor(before.length / 2) + 1;
    const pick = (out: number, into: number): NodeId[] => {
      const kept = inside.slice(Math.min(out, inside.length));
      const added = outside.slice(0, into);
      return soundOf(life, [...added, ...kept], added.length + kept.length);
    };
    switch (change) {
      case "add":
        return pick(0, 1 + (rank % 2));
      case "remove":
        return pick(1 + (rank % 2), 0);
      case "replace one":
        return pick(1, 1);
      case "replace a majority":
        return pick(majority, majority);
      case "any":
        return soundOf(life, order, 1 + (rank % life.nodes.length));
    }
  }
}
