/** Lets go of the names that a task held. */
export type Finish = () => void;

interface Task {
  readonly names: readonly string[];
  readonly run: (finish: Finish) => void;
  /** Queues in which it is not yet at the head. */
  blocked: number;
}

/**
 * Runs tasks on the same name one after the other, in the order in which they came; tasks on other
 * names do not wait. A task on several names (a rename) waits for all of them; since every queue is
 * in order of arrival, the oldest task is never blocked and there is no deadlock.
 */
export class FileOrder {
  readonly #queues = new Map<string, Task[]>();
  #running = 0;
  #idle: (() => void)[] = [];

  /** Runs at once when nobody holds the names; `run` must call `finish` exactly once. */
  schedule(names: readonly string[], run: (finish: Finish) => void): void {
    const task: Task = { names, run, blocked: 0 };
    this.#running += 1;
    for (const name of names) {
      const queue = this.#queues.get(name);
      if (queue === undefined) this.#queues.set(name, [task]);
      else {
        queue.push(task);
        task.blocked += 1;
      }
    }
    if (task.blocked === 0) this.#start(task);
  }

  /** Calls back once nothing runs or waits; at once when that is now. */
  whenIdle(callback: () => void): void {
    if (this.#running === 0) callback();
    else this.#idle.push(callback);
  }

  #start(task: Task): void {
    task.run(() => this.#finish(task));
  }

  #finish(task: Task): void {
    const due: Task[] = [];
    for (const name of task.names) {
      const queue = this.#queues.get(name) ?? [];
      queue.shift();
      const next = queue[0];
      if (next === undefined) this.#queues.delete(name);
      else {
        next.blocked -= 1;
        if (next.blocked === 0) due.push(next);
      }
    }
    this.#running -= 1;
    for (const next of due) this.#start(next);
    if (this.#running > 0) return;
    for (const callback of this.#idle.splice(0)) callback();
  }
}
