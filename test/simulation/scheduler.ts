import { setImmediate as immediate } from 'node:timers/promises';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Chance } from '#test/simulation/chance.ts';

/** One life of a process: what it has scheduled waits while it is paused and dies with it. */
export type Life = {
  readonly name: string;
  readonly bornAt: number;
  pausedUntil: number;
  dead: boolean;
  /** Ms that its wall clock is off. */
  skew: number;
};

type Task = {
  at: number;
  readonly order: number;
  readonly life: Life | undefined;
  readonly run: () => void;
  cancelled: boolean;
};

/** Epoch ms at which every run begins. */
const epochMs = 1_800_000_000_000;

/** A node that cannot reach the database, or is paused, learns late. */
const nodesLearnMs = 12_000;

/** Virtual time: tasks run one by one in the order of their times, each to its end. */
export class Scheduler {
  /** Ms since the begin of the run. */
  now = 0;
  #order = 0;
  #heap: Task[] = [];
  #serverSkew = 0;
  #jumps: { readonly until: number; readonly skew: number }[] = [];
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  born(name: string): Life {
    return { name, bornAt: this.now, pausedUntil: 0, dead: false, skew: 0 };
  }

  /** Runs `run` in `ms`; of a life that has ended by then never, of a paused one when it goes on. */
  after(ms: number, life: Life | undefined, run: () => void): Cancel {
    const at = this.now + Math.max(0, ms);
    const task: Task = { at, order: this.#order++, life, run, cancelled: false };
    this.#push(task);
    return () => {
      task.cancelled = true;
    };
  }

  sleep(ms: number, life: Life | undefined): Promise<void> {
    return new Promise((resolve) => this.after(ms, life, resolve));
  }

  clockOf(life: Life): Clock {
    return {
      now: () => Math.floor(epochMs + this.now + life.skew),
      monotonic: () => this.now - life.bornAt,
      after: (ms, task) => this.after(ms, life, task),
      sleep: (ms) => this.sleep(ms, life),
      tick: () => this.sleep(this.#chance.ms(0, 0.2), life),
    };
  }

  /** The database server's clock. */
  serverNow = (): number => Math.floor(epochMs + this.now + this.#serverSkew);

  /** Sets the database server's clock; an election may bring a server with another one. */
  jumpServer(skewMs: number): void {
    this.#jumps.push({ until: this.now + nodesLearnMs, skew: this.#serverSkew });
    this.#serverSkew = skewMs;
  }

  /** What nodes may take for the server's time: they learn of a jump by their next heartbeat. */
  serverNows = (): readonly number[] => {
    this.#jumps = this.#jumps.filter(({ until }) => until > this.now);
    const skews = new Set([this.#serverSkew, ...this.#jumps.map(({ skew }) => skew)]);
    return [...skews].map((skew) => Math.floor(epochMs + this.now + skew));
  };

  /** Runs everything that is due until `until` (ms since the begin), or until `done` says so. */
  async runUntil(until: number, done: () => boolean = () => false): Promise<void> {
    while (!done()) {
      const task = this.#heap[0];
      if (task === undefined || task.at > until) {
        this.now = Math.max(this.now, until);
        return;
      }
      this.#pop();
      if (task.cancelled || task.life?.dead === true) continue;
      if (task.life !== undefined && task.life.pausedUntil > task.at) {
        task.at = task.life.pausedUntil;
        this.#push(task);
        continue;
      }
      this.now = task.at;
      task.run();
      // Lets every promise that hangs on it settle before the next task.
      await immediate();
    }
  }

  #before(a: Task, b: Task): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Task;
      if (!this.#before(task, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Task;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && this.#before(right, heap[child] as Task)) child++;
      if (!this.#before(heap[child] as Task, last)) break;
      heap[at] = heap[child] as Task;
      at = child;
    }
    heap[at] = last;
  }
}

type Way = { readonly scheduler: Scheduler; readonly chance: Chance; readonly life: Life };

/**
 * A request that takes effect elsewhere after a while, whatever becomes of the caller, and is
 * answered after another, if the caller still lives.
 */
export function remote<T>({ scheduler, chance, life }: Way, effect: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const tell = (act: () => void) => scheduler.after(chance.ms(0.1, 3), life, act);
    scheduler.after(chance.ms(0.1, 3), undefined, () => {
      effect().then(
        (value) => tell(() => resolve(value)),
        (error: unknown) => tell(() => reject(error)),
      );
    });
  });
}
