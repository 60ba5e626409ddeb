import type { NodeId } from "@synod/core";

/**
 * A node by id, or whoever leads when the fault happens (the lowest node that says so; else node
 * 0).
 */
export type Target = NodeId | "leader";

/** A link that works, both ways. */
export type Edge = readonly [NodeId, NodeId];

/** What goes wrong between nodes. Times are virtual ms since the beginning. */
export type NetworkFault = Cut | Flap | Wave | Clog | Graph;

/** Nothing passes between `side` and the others; one way only, if so drawn. */
export interface Cut {
  readonly kind: "cut";
  readonly atMs: number;
  readonly side: readonly Target[];
  readonly direction: "both" | "out" | "in";
  readonly forMs: number;
  /** Connections stay up all the while, and nobody is told: a wedged stream, a half-open link. */
  readonly silent: boolean;
}

/** All connections of the node break and are made anew. */
export interface Flap {
  readonly kind: "flap";
  readonly atMs: number;
  readonly target: Target;
}

/** The links of the node are cut and healed in turn, `everyMs` each. */
export interface Wave {
  readonly kind: "wave";
  readonly atMs: number;
  readonly target: Target;
  readonly everyMs: number;
  readonly forMs: number;
}

/** Frames between `side` and the others are held up, all until the end; too many are dropped. */
export interface Clog {
  readonly kind: "clog";
  readonly atMs: number;
  readonly side: readonly Target[];
  readonly forMs: number;
}

/** Only these links work: partial connectivity, as of a bridge, a ring, a star. */
export interface Graph {
  readonly kind: "graph";
  readonly atMs: number;
  readonly links: readonly Edge[];
  readonly forMs: number;
}

export function describeNetworkFault(fault: NetworkFault): string {
  switch (fault.kind) {
    case "cut":
      return (
        `cut ${fault.side.join(",")} (${fault.direction}) for ${fault.forMs} ms` +
        (fault.silent ? ", connections stay up" : "")
      );
    case "flap":
      return `flap ${fault.target}`;
    case "wave":
      return `cut and heal ${fault.target} every ${fault.everyMs} ms for ${fault.forMs} ms`;
    case "clog":
      return `clog ${fault.side.join(",")} for ${fault.forMs} ms`;
    case "graph": {
      const links = fault.links.map(([a, b]) => `${a}-${b}`).join(" ");
      return `only the links ${links === "" ? "(none)" : links} for ${fault.forMs} ms`;
    }
  }
}
