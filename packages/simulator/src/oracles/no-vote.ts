import type { NodeId } from "@synod/core";
import type { Accuse } from "./verdict.ts";

/**
 * A node that lost its disk has forgotten what it promised: from then on no vote of it may leave.
 */
export class NoVote {
  readonly #accuse: Accuse;
  readonly #blank = new Set<NodeId>();
  readonly #damaged = new Set<NodeId>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** What `node` had made durable is gone, and it cannot know what. */
  forgot(node: NodeId): void {
    this.#blank.add(node);
    this.#damaged.add(node);
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

  voted(node: NodeId): void {
    if (this.#blank.has(node)) this.#accuse("amnesia", `node ${node} lost its disk, and votes`);
  }
}
