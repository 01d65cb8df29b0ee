import type { Clock } from '#adapters/clock/port.ts';
import type { Limits } from '#domain/limits.ts';

/** Kinds of requests, the most important first: what is being paid, other changes, reads. */
export const lanes = ['pay', 'hold', 'read'] as const;
export type Lane = (typeof lanes)[number];

/** A request that was let in. `leave` must be called once, when it is answered. */
export type Admitted = {
  /** Names the event it is about, as soon as that is known. */
  about(event: string): void;
  /** Called again, it does nothing. */
  leave(): void;
};

/** Answers are counted, and bounds set, once in a window of this length. */
const windowMs = 100;
/** The best of so many windows says what can be done. */
const windowsMax = 50;
/** While requests are refused the event loop is kept about this busy: more makes refusals late. */
const busyTarget = { from: 0.92, to: 0.97 } as const;
/** What a bound is multiplied by in a window: too busy, not busy enough, nothing refused. */
const steps = { down: 0.75, up: 1.06, free: 1.5 } as const;
/** Rests grow while even the least that is let in is too much, and shrink in time to nothing. */
const rests = { fromMs: 10, up: 1.4, down: 0.8, mostMs: 1_000 } as const;
/** Fewer are let in only as long as this part of the most is still answered. */
const leastOfPeak = 0.6;
/** Part of the peak that is left after a window: half of it after half a minute. */
const peakKept = 0.998;
/** An event with less than this part of a lane's bound is let in where the others fill the lane. */
const quietShare = 1 / 8;

type LaneState = {
  readonly floor: number;
  inFlight: number;
  answered: number;
  /** The most that was lately answered in one window. */
  peak: number;
  refused: number;
  /** What may be under way now; at most what `#mostOf` says. */
  bound: number;
  readonly windows: number[];
  readonly ofEvent: Map<string, number>;
};

/**
 * How many requests of each lane may be under way. Others are refused at once.
 *  - At most as many as are answered within `limits.httpQueueWaitMs`, at the rate of the best of the
 *    last fifty windows, and never fewer than `httpInFlightMin`: more would only wait longer. What
 *    is being paid is bound by `httpInFlightMax` alone.
 *  - While requests are refused and the event loop has no time left, fewer, down to
 *    `httpInFlightFloor`, as long as most of what can be answered still is: refusing takes time too,
 *    and must be quick. Payments give way last, and not below `httpInFlightMin`.
 *  - Where that is not enough, connections that were refused are to be left unread for `restMs`.
 *  - A hot event that fills a lane does not shut out the others: an event with few requests under
 *    way is let in beyond the bound, to twice of it.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #busy: () => number;
  readonly #lanes: Readonly<Record<Lane, LaneState>>;
  #windowEndsAt = 0;
  #restMs = 0;

  /** `busy`: which part of the time since the last call the event loop was busy, 0 to 1. */
  constructor(clock: Clock, limits: Limits, busy: () => number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#busy = busy;
    const { httpInFlightMin, httpInFlightFloor, httpInFlightMax } = limits;
    const lane = (floor: number, bound: number): LaneState => ({
      floor: Math.min(floor, httpInFlightMax),
      inFlight: 0,
      answered: 0,
      peak: 0,
      refused: 0,
      bound: Math.min(bound, httpInFlightMax),
      windows: [],
      ofEvent: new Map(),
    });
    this.#lanes = {
      pay: lane(httpInFlightMin, httpInFlightMax),
      hold: lane(httpInFlightFloor, httpInFlightMin),
      read: lane(httpInFlightFloor, httpInFlightMin),
    };
  }

  /** How long a connection is not to be read after a refusal; 0 while there is time for all. */
  get restMs(): number {
    return this.#restMs;
  }

  /** Whether a request would be refused now, and if so counts it as refused. */
  refuses(name: Lane, event?: string): boolean {
    const lane = this.#lanes[name];
    if (!isFull(lane, event)) return false;
    lane.refused++;
    this.#turn();
    return true;
  }

  /** Undefined: to be refused at once. */
  enter(name: Lane, event?: string): Admitted | undefined {
    if (this.refuses(name, event)) return undefined;
    const lane = this.#lanes[name];
    lane.inFlight++;
    let named: string | undefined;
    let left = false;
    return {
      about: (of) => {
        if (named !== undefined) return;
        named = of;
        lane.ofEvent.set(of, (lane.ofEvent.get(of) ?? 0) + 1);
      },
      leave: () => {
        if (left) return;
        left = true;
        lane.inFlight--;
        lane.answered++;
        if (named !== undefined) forgetOne(lane.ofEvent, named);
        this.#turn();
      },
    };
  }

  #turn(): void {
    const now = this.#clock.monotonic();
    if (now < this.#windowEndsAt) return;
    // A window that began long ago says little of what can be done.
    const fresh = now < this.#windowEndsAt + windowMs;
    const missed = fresh ? 0 : Math.min((now - this.#windowEndsAt) / windowMs, windowsMax);
    this.#windowEndsAt = now + windowMs;
    const busy = this.#busy();
    this.#rest(fresh ? busy : 0);
    for (const name of lanes) {
      const lane = this.#lanes[name];
      lane.windows.push(fresh ? lane.answered : 0);
      if (lane.windows.length > windowsMax) lane.windows.shift();
      const next = lane.bound * stepOf(lane, fresh ? busy : 0) * steps.free ** missed;
      lane.bound = Math.min(Math.max(next, lane.floor), this.#mostOf(name, lane));
      lane.peak = Math.max(lane.peak * peakKept, fresh ? lane.answered : 0);
      lane.answered = 0;
      lane.refused = 0;
    }
  }

  #rest(busy: number): void {
    const refusing = lanes.map((name) => this.#lanes[name]).filter(({ refused }) => refused > 0);
    const least = refusing.every((lane) => lane.bound <= lane.floor || isFalling(lane));
    const strained = refusing.length > 0 && least && busy > busyTarget.to;
    const next = strained ? this.#restMs * rests.up + rests.fromMs : this.#restMs * rests.down;
    this.#restMs = next < rests.fromMs ? 0 : Math.min(next, rests.mostMs);
  }

  #mostOf(name: Lane, { windows }: LaneState): number {
    const { httpQueueWaitMs, httpInFlightMin, httpInFlightMax } = this.#limits;
    if (name === 'pay') return httpInFlightMax;
    const answers = (Math.max(0, ...windows) * httpQueueWaitMs) / windowMs;
    return Math.min(Math.max(answers, httpInFlightMin), httpInFlightMax);
  }
}

/** Whether clearly fewer are answered than there could be. */
const isFalling = ({ answered, peak }: LaneState): boolean => answered < peak * leastOfPeak;

function stepOf(lane: LaneState, busy: number): number {
  if (lane.refused === 0) return steps.free;
  if (isFalling(lane)) return steps.up;
  if (busy > busyTarget.to) return steps.down;
  return busy < busyTarget.from ? steps.up : 1;
}

function isFull({ inFlight, bound, ofEvent }: LaneState, event: string | undefined): boolean {
  const most = Math.floor(bound);
  if (inFlight < most) return false;
  if (event === undefined || inFlight >= 2 * most) return true;
  return (ofEvent.get(event) ?? 0) >= most * quietShare;
}

function forgetOne(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left === 0) counts.delete(key);
  else counts.set(key, left);
}
