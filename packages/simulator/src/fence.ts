import type { Clock, Disk, Network, Ports, Random } from "@synod/core";

/**
 * Stands between one incarnation of a host and its ports and counts the calls. When it falls, at a
 * given call or at once, that incarnation is dead: later calls do nothing, callbacks never come,
 * and the host code that still runs to its end changes nothing outside.
 */
export class Fence {
  readonly #onFall: () => void;
  #calls = 0;
  #fallsAt = 0;
  #down = false;

  /** `onFall` runs once, in the middle of the call that did not take place any more. */
  constructor(onFall: () => void) {
    this.#onFall = onFall;
  }

  /** Port calls let through so far. */
  get calls(): number {
    return this.#calls;
  }

  get down(): boolean {
    return this.#down;
  }

  /** Falls instead of letting the `calls`-th call from now through; 1 is the very next. */
  fallAt(calls: number): void {
    this.#fallsAt = this.#calls + Math.max(1, calls);
  }

  /** Calls an armed fall off. */
  spare(): void {
    this.#fallsAt = 0;
  }

  /** Falls now. */
  fall(): void {
    if (this.#down) return;
    this.#down = true;
    this.#onFall();
  }

  /** One port call: true lets it through. */
  enter(): boolean {
    if (this.#down) return false;
    if (this.#fallsAt > 0 && this.#calls + 1 >= this.#fallsAt) {
      this.fall();
      return false;
    }
    this.#calls += 1;
    return true;
  }

  /** Drops what comes back after the fall. */
  guard<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.#down) callback(...args);
    };
  }
}

/**
 * The ports behind a fence. Reading the clock and drawing a number change nothing and are not
 * counted.
 */
export function fenced(ports: Ports, fence: Fence): Ports {
  return {
    clock: fencedClock(ports.clock, fence),
    network: fencedNetwork(ports.network, fence),
    disk: fencedDisk(ports.disk, fence),
    random: fencedRandom(ports.random),
  };
}

function fencedRandom(random: Random): Random {
  return { next: () => random.next() };
}

function fencedClock(clock: Clock, fence: Fence): Clock {
  return {
    now: () => clock.now(),
    setTimer: (ms, callback) => (fence.enter() ? clock.setTimer(ms, fence.guard(callback)) : 0),
    clearTimer: (handle) => {
      if (fence.enter()) clock.clearTimer(handle);
    },
    defer: (callback) => {
      if (fence.enter()) clock.defer(fence.guard(callback));
    },
  };
}

function fencedNetwork(network: Network, fence: Fence): Network {
  return {
    open: (hello, listener, done) => {
      if (!fence.enter()) return;
      const guarded = {
        linkUp: (peer: typeof hello) => (fence.down ? "gone" : listener.linkUp(peer)),
        linkDown: fence.guard((peer: number) => listener.linkDown(peer)),
        refused: fence.guard((peer: number, reason: string) => listener.refused(peer, reason)),
        frame: (from: number, bytes: Uint8Array) => fence.down || listener.frame(from, bytes),
      };
      network.open(hello, guarded, fence.guard(done));
    },
    announce: (hello) => {
      if (fence.enter()) network.announce(hello);
    },
    reach: (peers) => {
      if (fence.enter()) network.reach(peers);
    },
    send: (to, lane, frame) => {
      if (fence.enter()) network.send(to, lane, frame);
    },
    close: (done) => {
      if (fence.enter()) network.close(fence.guard(done));
    },
  };
}

function fencedDisk(disk: Disk, fence: Fence): Disk {
  return {
    lock: (done) => {
      if (fence.enter()) disk.lock(fence.guard(done));
    },
    unlock: (done) => {
      if (fence.enter()) disk.unlock(fence.guard(done));
    },
    list: (done) => {
      if (fence.enter()) disk.list(fence.guard(done));
    },
    create: (name, done) => {
      if (fence.enter()) disk.create(name, fence.guard(done));
    },
    size: (name, done) => {
      if (fence.enter()) disk.size(name, fence.guard(done));
    },
    read: (name, offset, length, done) => {
      if (fence.enter()) disk.read(name, offset, length, fence.guard(done));
    },
    write: (name, offset, bytes, done) => {
      if (fence.enter()) disk.write(name, offset, bytes, fence.guard(done));
    },
    sync: (name, done) => {
      if (fence.enter()) disk.sync(name, fence.guard(done));
    },
    rename: (from, to, done) => {
      if (fence.enter()) disk.rename(from, to, fence.guard(done));
    },
    remove: (name, done) => {
      if (fence.enter()) disk.remove(name, fence.guard(done));
    },
    syncDirectory: (done) => {
      if (fence.enter()) disk.syncDirectory(fence.guard(done));
    },
  };
}
