import type { NodeId } from "@synod/core";
import type { Cluster } from "./cluster.ts";
import { loseFileAtRest, misdirectAtRest, rotAtRest } from "./damage.ts";
import { portError } from "./disk-image.ts";
import type { DiskTrouble, IoError, Lie, LostFile, Misdirect, Rot, Stale } from "./fault-disk.ts";
import type { Target } from "./fault-network.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";

interface DiskFaultOptions<S, M> {
  readonly scheduler: Scheduler;
  readonly cluster: Cluster<S, M>;
  readonly resolve: (target: Target) => NodeId;
  /** Takes `node` down now, without power; it starts again after `downMs`. */
  readonly fell: (node: NodeId, downMs: number) => void;
  /** From now on the disk of `node` does not hold all that it had made durable. */
  readonly damaged: (node: NodeId) => void;
  /** ... and no vote of it may leave any more. */
  readonly forgot: (node: NodeId) => void;
  readonly isOver: () => boolean;
  readonly hit: (probe: string) => void;
}

/** Makes what goes wrong with disks. */
export class DiskFaultDriver<S, M> {
  readonly #options: DiskFaultOptions<S, M>;
  /** Nodes on which an old copy of their disk was put back. */
  readonly #restored = new Set<NodeId>();

  constructor(options: DiskFaultOptions<S, M>) {
    this.#options = options;
  }

  strike(fault: DiskTrouble): void {
    const { hit } = this.#options;
    switch (fault.kind) {
      case "wipe":
        hit("fault: disk wiped");
        return this.wipe(fault.target, fault.downMs);
      case "stale":
        return this.#stale(fault);
      case "rot":
        return this.#rot(fault);
      case "misdirect":
        return this.#misdirect(fault);
      case "lost-file":
        return this.#loseFile(fault);
      case "lie":
        return this.#lie(fault);
      case "slow-disk": {
        const { faults } = this.#disk(fault.target);
        hit("fault: slow disk");
        faults.extraMs = fault.extraMs;
        return this.#later(fault.forMs, () => {
          faults.extraMs = 0;
        });
      }
      case "full-disk": {
        const { faults, image } = this.#disk(fault.target);
        hit("fault: full disk");
        faults.capacityBytes = image.usedBytes() + fault.roomBytes;
        return this.#later(fault.forMs, () => {
          faults.capacityBytes = Number.POSITIVE_INFINITY;
        });
      }
      case "io-error":
        return this.#ioError(fault);
    }
  }

  /** The directory is moved away: the node comes back as one that never votes. */
  wipe(node: NodeId, downMs: number): void {
    const { cluster, fell, forgot } = this.#options;
    fell(node, downMs);
    cluster.member(node).disk.wipe();
    forgot(node);
  }

  #ioError(fault: IoError): void {
    const { call, after } = fault;
    const error = portError("io", `${call} failed`);
    this.#disk(fault.target).faults.arm({ call, prefix: "", after, times: 1, error });
    if (call === "sync") this.#options.hit("fault: failed sync");
    if (call === "write") this.#options.hit("fault: failed write");
    if (call === "read") this.#options.hit("fault: failed read");
  }

  #rot(fault: Rot): void {
    const { fell, damaged, hit } = this.#options;
    const { disk } = this.#options.cluster.member(fault.target);
    fell(fault.target, fault.downMs);
    if (!rotAtRest(disk.image, fault.place, fault.draw)) return;
    damaged(fault.target);
    if (fault.place === "identity") hit("fault: rot in one copy of the identity");
    else if (fault.place === "snapshot") hit("fault: rot in a snapshot");
    else hit("fault: rot in the journal");
  }

  #misdirect(fault: Misdirect): void {
    const { fell, damaged, hit } = this.#options;
    const { disk } = this.#options.cluster.member(fault.target);
    fell(fault.target, fault.downMs);
    if (!misdirectAtRest(disk.image, fault.draw)) return;
    damaged(fault.target);
    hit("fault: misdirected write");
  }

  #loseFile(fault: LostFile): void {
    const { fell, damaged, hit } = this.#options;
    const { disk } = this.#options.cluster.member(fault.target);
    fell(fault.target, fault.downMs);
    if (!loseFileAtRest(disk.image, fault.use, fault.draw)) return;
    damaged(fault.target);
    hit(fault.use === "journal" ? "fault: lost segment" : `fault: lost file of ${fault.use}`);
  }

  #lie(fault: Lie): void {
    const { fell, damaged, hit, isOver, cluster } = this.#options;
    const { target, use, after, times, forMs, downMs } = fault;
    cluster.member(target).disk.faults.armLie({
      prefix: use === "identity" ? "identity-a" : `${use}-`,
      after,
      times,
      fate: use === "journal" ? "late" : "lost",
      told: () => {
        damaged(target);
        hit(`fault: sync of ${use} lies`);
        this.#later(forMs, () => {
          if (!isOver()) fell(target, downMs);
        });
      },
    });
  }

  #stale(fault: Stale): void {
    const { cluster, fell, forgot, hit, isOver, scheduler } = this.#options;
    const { target, ageMs, downMs } = fault;
    const member = cluster.member(target);
    const image = member.disk.platter();
    const { incarnation = 0, dataId = "" } = member.host?.status() ?? {};
    scheduler.after(ageMs, NOBODY, "fault", () => {
      // Starts of an old copy prove nothing about copies that were made after it.
      if (isOver() || incarnation === 0 || this.#restored.has(target)) return;
      if (!this.#isWidelyKnown(target, dataId, incarnation + 1)) return;
      fell(target, downMs);
      member.disk.restore(image);
      this.#restored.add(target);
      forgot(target);
      hit("fault: stale disk");
    });
  }

  /**
   * All others are up, and have met this directory of `node` in this incarnation or a later one.
   * One that took its place after a wipe says nothing about it.
   */
  #isWidelyKnown(node: NodeId, dataId: string, incarnation: number): boolean {
    return this.#options.cluster.members.every((member) => {
      if (member.node === node) return true;
      const peers = member.state === "up" ? (member.host?.status().peers ?? []) : [];
      const met = peers.find((peer) => peer.node === node && peer.dataId === dataId);
      return met !== undefined && met.incarnation >= incarnation;
    });
  }

  #disk(target: Target) {
    const { cluster, resolve } = this.#options;
    return cluster.member(resolve(target)).disk;
  }

  #later(ms: number, run: () => void): void {
    this.#options.scheduler.after(ms, NOBODY, "fault", run);
  }
}
