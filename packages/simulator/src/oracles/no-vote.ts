import type { NodeId } from "@synod/core";
import type { Accuse } from "./verdict.ts";

/**
 * A node that lost its disk has forgotten what it promised: from then on no vote of it may leave,
 * unless an empty disk is in its place and a later configuration names that.
 */
export class NoVote {
  readonly #accuse: Accuse;
  readonly #blank = new Set<NodeId>();
  readonly #damaged = new Set<NodeId>();
  /** Data ids of disks that were there when their content was lost. */
  readonly #lost = new Set<string>();
  /** Data ids that a configuration in force has named. */
  readonly #named = new Set<string>();
  readonly #dataIds = new Map<NodeId, Set<string>>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** `node` has, or had, a disk with this data id. */
  shows(node: NodeId, dataId: string): void {
    const dataIds = this.#dataIds.get(node) ?? new Set();
    this.#dataIds.set(node, dataIds.add(dataId));
  }

  /** What `node` had made durable is gone, and it cannot know what. */
  forgot(node: NodeId): void {
    this.#blank.add(node);
    this.#damaged.add(node);
    for (const dataId of this.#dataIds.get(node) ?? []) this.#lost.add(dataId);
  }

  /**
   * Something that `node` had made durable is damaged: it may notice and repair, or stop voting.
   */
  damaged(node: NodeId): void {
    this.#damaged.add(node);
  }

  isDamaged(node: NodeId): boolean {
    return this.#damaged.has(node);
  }

  isBlank(node: NodeId): boolean {
    return this.#blank.has(node);
  }

  /** A disk of this data id lost what was on it. */
  isLost(dataId: string): boolean {
    return this.#lost.has(dataId);
  }

  /** A configuration in which a replica starts on this disk names it. */
  names(dataId: string): void {
    this.#named.add(dataId);
  }

  /** A vote leaves `node`, whose disk now has this data id. */
  voted(node: NodeId, dataId: string): void {
    // Named once, it has forgotten nothing, also after another configuration has let go of it.
    if (this.#named.has(dataId) && !this.#lost.has(dataId)) return;
    if (this.#blank.has(node)) this.#accuse("amnesia", `node ${node} lost its disk, and votes`);
  }
}
