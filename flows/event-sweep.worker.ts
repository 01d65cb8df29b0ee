import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import type { Booking } from '#domain/booking.ts';
import type { Change } from '#domain/booking-moves.ts';
import { type Batch, type EventSweep, swept, toldOf } from '#domain/event-sweep.ts';
import { limits } from '#domain/limits.ts';
import { repeated } from '#flows/repeated.ts';

export type SweepPorts = {
  readonly sweeps: EventSweeps;
  readonly store: BookingStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The flows that run here now: while there are many, the sweep waits. */
  readonly running: () => number;
  /** A booking was changed, and its flow must go on. Must not throw. */
  readonly changed: (before: Booking, change: Change) => void;
  /** Told of what failed and is done again. Must not throw. */
  readonly trouble: (sweep: EventSweep, error: unknown) => void;
};

/** Between two looks whether flows have ended. */
const lookAgainMs = 50;

/**
 * Goes on with the sweeps over events' bookings, any number of nodes side by side. Bounded: a batch
 * of `sweepBatchMax` bookings at a time, the next only while fewer than `sweepFlowsMax` flows run,
 * and after `sweepTurnMs` it is another sweep's turn. A booking that was told already is passed
 * over, so whoever takes over a dead node's sweep may begin its batch again.
 */
export class EventSweepWorker {
  readonly #ports: SweepPorts;
  #stopTimer: () => void = () => {};
  #turn: Promise<unknown> = Promise.resolve();
  #draining = false;

  constructor(ports: SweepPorts) {
    this.#ports = ports;
  }

  /** Looks for sweeps each second until `drain`. */
  start(): void {
    this.#stopTimer = repeated(this.#ports, limits.dueSweepEveryMs, () => {
      this.#turn = this.sweep().catch(() => undefined);
      return this.#turn;
    });
  }

  /** Finishes the batch in flight; other nodes go on with the rest. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopTimer();
    await this.#turn;
  }

  /** One turn of the sweep that is longest due; false when none is. */
  async sweep(): Promise<boolean> {
    const { sweeps, clock } = this.#ports;
    const now = clock.now();
    const taken = await sweeps.take(now, now + limits.stepRetryMs);
    if (taken === undefined) return false;
    const until = now + limits.sweepTurnMs;
    let s = taken;
    while (!this.#draining && clock.now() < until) {
      if (this.#ports.running() >= limits.sweepFlowsMax) {
        await clock.sleep(lookAgainMs);
        continue;
      }
      s = swept(s, await this.#batch(s), limits.sweepBatchMax, clock.now());
      if (!(await sweeps.save(s))) return true;
      if (s.after === undefined) return true;
    }
    await sweeps.save({ ...s, version: s.version + 1, dueAt: clock.now() });
    return true;
  }

  /** Tells the next bookings of the round. */
  async #batch(s: EventSweep): Promise<Batch> {
    const { store, clock } = this.#ports;
    const bookings = await store.openOfEvent(s.eventId, s.after, limits.sweepBatchMax);
    const tickets = await store.tickets(bookings.map((b) => b.bookingId));
    const ofBooking = Map.groupBy(tickets, (t) => t.bookingId);
    const open = await Promise.all(
      bookings.map(async (b) => {
        const told = toldOf(b, ofBooking.get(b.bookingId) ?? [], s.news, clock.now());
        if (told.change === undefined) return told.open;
        return (await this.#commit(s, b, told.change)) ? told.open : true;
      }),
    );
    const last = bookings.at(-1)?.bookingId;
    return { count: bookings.length, open: open.filter((still) => still).length, last };
  }

  /** False: another was faster or nothing is known; a later round looks again. */
  async #commit(s: EventSweep, b: Booking, change: Change): Promise<boolean> {
    const { store, changed, trouble } = this.#ports;
    try {
      if ((await store.commit(change, b)) !== 'done') return false;
      changed(b, change);
      return true;
    } catch (error) {
      trouble(s, error);
      return false;
    }
  }
}
