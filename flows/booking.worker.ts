import type { DueBooking } from '#adapters/store/bookings.port.ts';
import type { Booking } from '#domain/booking.ts';
import { again, type Change } from '#domain/booking-moves.ts';
import { placeTaken } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import type { Ticket } from '#domain/ticket.ts';
import { stepOf } from '#flows/booking.flow.ts';
import { DueWorker } from '#flows/due.worker.ts';
import type { FlowPorts } from '#flows/ports.ts';

/** Runs bookings' flows on one node. */
export class BookingWorker extends DueWorker<Booking, DueBooking> {
  readonly #ports: FlowPorts;
  readonly #goesOn = new Map<string, Booking>();

  constructor(ports: FlowPorts) {
    const { flowsAtOnceMax: atOnceMax, flowsWaitingMax: waitingMax } = limits;
    super({ ...ports, atOnceMax, waitingMax });
    this.#ports = ports;
  }

  /** A booking that is gone on with here, as its flow has last read or written it. */
  goesOn(bookingId: string): Booking | undefined {
    return this.#goesOn.get(bookingId);
  }

  protected override async advance(booking: Booking): Promise<void> {
    this.#goesOn.set(booking.bookingId, booking);
    try {
      await this.#advance(booking);
    } finally {
      this.#goesOn.delete(booking.bookingId);
    }
  }

  async #advance(booking: Booking): Promise<void> {
    let stored = booking;
    let b = booking;
    let tickets: readonly Ticket[] | undefined;
    for (let i = 0; i < limits.flowStepsMax; i++) {
      if (this.draining) return this.#release(stored);
      const change = await this.#step(b);
      if (change.light) {
        b = change.booking;
        continue;
      }
      const written = await this.#write(stored, b, change);
      if (written === undefined) return;
      tickets = ticketsAfter(written, tickets);
      this.#tell(stored, written, tickets);
      if (written.wait) return;
      b = stored = written.booking;
    }
    this.#ports.watcher.trouble(b, new Error('more steps in one go than a booking has'));
  }

  async #step(b: Booking): Promise<Change> {
    try {
      return await stepOf(b)(b, this.#ports);
    } catch (error) {
      this.#ports.watcher.trouble(b, error);
      return again(b, this.#ports.clock.now());
    }
  }

  /**
   * Answers the change that was written; undefined when another worker was first. `b` may be some
   * light steps on from the booking that is stored.
   */
  async #write(stored: Booking, b: Booking, change: Change): Promise<Change | undefined> {
    const { store, clock } = this.#ports;
    const result = await store.commit({ ...change, expected: stored.version }, stored);
    if (result === 'stale') return undefined;
    if (result === 'place-taken') return this.#write(stored, b, placeTaken(b, clock.now()));
    return change;
  }

  #tell(before: Booking, change: Change, tickets: readonly Ticket[] | undefined): void {
    const { watcher } = this.#ports;
    const { booking, messages } = change;
    this.#goesOn.set(booking.bookingId, booking);
    if (booking.alarm !== before.alarm) watcher.alarm(booking);
    watcher.changed(before, booking, messages, tickets);
  }

  /** Lets another node go on at once. */
  async #release(b: Booking): Promise<void> {
    const { store, clock } = this.#ports;
    await store.take(b, clock.now());
  }
}

/** All tickets after a change; undefined: they were not issued here, or are different now. */
function ticketsAfter(
  { issued, voided, marked }: Change,
  before: readonly Ticket[] | undefined,
): readonly Ticket[] | undefined {
  if (issued.length > 0) return issued;
  return voided.length === 0 && marked.length === 0 ? before : undefined;
}
