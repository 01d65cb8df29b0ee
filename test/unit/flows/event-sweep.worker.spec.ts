import { describe, expect, it } from '@jest/globals';
import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import { MemoryEventSweeps } from '#adapters/store/memory-event-sweeps.ts';
import { moved } from '#domain/booking.ts';
import { change, openBooking } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { disputed } from '#domain/dispute.ts';
import { type EventNews, openSweep } from '#domain/event-sweep.ts';
import { limits } from '#domain/limits.ts';
import { EventSweepWorker } from '#flows/event-sweep.worker.ts';
import type { BookingStore } from '#flows/ports.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, eventId, Mortal, World } from '#test/unit/flows/world.ts';

const bookingId = bookingIdOf(10);
const cancelled: EventNews = { kind: 'cancelled' };
const kinds = (world: World) => world.store.contents.outbox.map((row) => row.message.kind);

/** A world whose event has news. */
class SweptWorld extends World {
  readonly sweeps = new MemoryEventSweeps();

  begin(news: EventNews, no = 1): Promise<void> {
    return this.sweeps.begin(openSweep(eventId, no, news, this.clock.now()));
  }

  /** A node with flows and sweeps, which may die. */
  node(mortal = new Mortal()) {
    const worker = this.worker(mortal);
    const sweeper = new EventSweepWorker({
      sweeps: mortal.wrap<EventSweeps>(this.sweeps),
      store: mortal.wrap<BookingStore>(this.store),
      clock: this.clock,
      ids: this.ids,
      running: () => 0,
      changed: (_before, { booking }) => {
        if (booking.dueAt !== undefined) worker.run(booking);
      },
      trouble: () => {},
    });
    return { worker, sweeper };
  }

  /** Lets a living node do all that comes due within this time. */
  async settle(ms: number): Promise<void> {
    const { worker, sweeper } = this.node();
    for (let t = 0; t < ms; t += 1_000) {
      this.clock.advance(1_000);
      while (await sweeper.sweep()) await worker.idle();
      await worker.sweep();
      await worker.idle();
    }
  }
}

const tell = async (world: SweptWorld, state: 'open' | 'won' | 'lost'): Promise<void> => {
  const tickets = await world.store.tickets([bookingId]);
  const news = { disputeId: 'dp_1', state };
  const so = disputed(await world.booking(), tickets, news, world.clock.now());
  if (so !== undefined && so !== 'early') expect(await world.store.commit(so)).toBe('done');
};

describe('the cancellation of an event', () => {
  it('returns all of a booking, whatever its rules say, and tells the buyer', async () => {
    const world = new SweptWorld();
    await world.checkout();
    const b = await world.booking();
    const nothing = { tiers: [], feePerTicket: 0, returnServiceFees: false };
    const event = { name: 'X', startsAt: 0, timeZone: 'UTC', venue: 'V', refundRules: nothing };
    await world.store.commit(change(b, moved(b, { event }, world.clock.now())));
    await world.begin(cancelled);
    await world.settle(10_000);
    expect(await world.booking()).toMatchObject({
      status: 'refunded',
      reason: 'event-cancelled',
      returns: [{ amount: 5_000, kept: 0, by: 'system' }],
    });
    expect(kinds(world)).toEqual(['booking-confirmed', 'event-cancelled', 'booking-refunded']);
    expect(contradictions(world)).toEqual([]);
    const sweep = await world.sweeps.cancellation(eventId);
    expect(sweep).toMatchObject({ state: 'done', open: 0 });
  });

  it('ends what is still being paid, uncharged', async () => {
    const world = new SweptWorld();
    await world.checkout('3ds');
    await world.begin(cancelled);
    await world.settle(20_000);
    expect(await world.booking()).toMatchObject({
      status: 'cancelled',
      reason: 'event-cancelled',
      step: 'done',
    });
    expect(kinds(world)).toEqual(['event-cancelled']);
    expect(contradictions(world)).toEqual([]);
  });

  it('waits for a capture that is open, and does not end before', async () => {
    const world = new SweptWorld();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    await world.begin(cancelled);
    await world.settle(90_000);
    expect((await world.sweeps.cancellation(eventId))?.state).toBe('running');
    world.payments.captureAs = 'succeeded';
    await world.settle(3 * limits.sweepRoundMaxMs);
    expect(await world.booking()).toMatchObject({ status: 'refunded', reason: 'event-cancelled' });
    expect((await world.sweeps.cancellation(eventId))?.state).toBe('done');
    expect(contradictions(world)).toEqual([]);
  });

  it('leaves a disputed booking to the end of its dispute', async () => {
    for (const [end, status] of [
      ['won', 'refunded'],
      ['lost', 'cancelled'],
    ] as const) {
      const world = new SweptWorld();
      await world.checkout();
      await tell(world, 'open');
      await world.begin(cancelled);
      await world.settle(10_000);
      expect((await world.sweeps.cancellation(eventId))?.state).toBe('done');
      expect(await world.booking()).toMatchObject({ status: 'confirmed', cancelRequested: true });
      await tell(world, end);
      await world.settle(30_000);
      expect((await world.booking()).status).toBe(status);
      expect(contradictions(world)).toEqual([]);
    }
  });

  it('gives back the rest of what its buyer has cancelled in part', async () => {
    const world = new SweptWorld();
    await world.checkout();
    const tickets = await world.store.tickets([bookingId]);
    const ticketIds = [tickets[0]?.ticketId ?? ''];
    const decision = cancel(await world.booking(), tickets, { ticketIds }, world.clock.now());
    if (decision.kind !== 'done') throw new Error(decision.kind);
    await world.store.commit(decision.change);
    await world.begin(cancelled);
    await world.settle(30_000);
    expect((await world.booking()).returns.map((r) => r.amount)).toEqual([2_500, 2_500]);
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a new date', () => {
  const startsAt = 1_900_000_000_000;
  const event = { name: 'Tosca', startsAt, timeZone: 'UTC', venue: 'Opera' };
  const later = (no: number, more = 0): EventNews => ({
    kind: 'postponed',
    no,
    event: { ...event, startsAt: startsAt + more },
    refundUntil: startsAt - 1_000,
  });

  it('is told once, and what the buyer was promised stays', async () => {
    const world = new SweptWorld();
    await world.checkout();
    const b = await world.booking();
    const rules = { tiers: [], feePerTicket: 5, returnServiceFees: false };
    const before = { ...event, startsAt: 0, refundRules: rules };
    await world.store.commit(change(b, moved(b, { event: before, reminded: true }, 0)));
    await world.begin(later(1));
    await world.settle(60_000);
    expect(await world.booking()).toMatchObject({
      status: 'confirmed',
      reminded: false,
      event: { startsAt, refundRules: rules },
      postponed: { no: 1, refundUntil: startsAt - 1_000 },
    });
    expect(kinds(world)).toEqual(['booking-confirmed', 'event-postponed']);
    await world.begin(later(2, 5_000), 2);
    await world.begin(later(1), 3);
    await world.settle(60_000);
    expect((await world.booking()).event?.startsAt).toBe(startsAt + 5_000);
    expect(kinds(world).filter((kind) => kind === 'event-postponed')).toHaveLength(2);
    const longer = { ...later(3, 5_000), refundUntil: startsAt } as EventNews;
    await world.begin(longer, 4);
    await world.settle(60_000);
    expect((await world.booking()).postponed).toEqual({ no: 3, refundUntil: startsAt });
    expect(contradictions(world)).toEqual([]);
  });

  it('reaches a booking that a checkout began with the old date', async () => {
    const world = new SweptWorld();
    await world.begin(later(1));
    await world.settle(5_000);
    await world.checkout();
    await world.settle(60_000);
    expect((await world.booking()).postponed).toMatchObject({ no: 1 });
  });
});

describe('a sweep', () => {
  it('goes through an event in batches, and waits while many flows run', async () => {
    const world = new SweptWorld();
    const now = world.clock.now();
    for (let n = 1_000; n < 1_000 + 2 * limits.sweepBatchMax + 30; n++) {
      const hold = { ...world.event.hold, holdId: `rsv_${n}` };
      await world.store.insert(openBooking(bookingIdOf(n), hold, world.wish(), undefined, now));
    }
    const sizes: number[] = [];
    const { openOfEvent } = world.store;
    world.store.openOfEvent = async (...args) => {
      const found = await openOfEvent.apply(world.store, args);
      sizes.push(found.length);
      return found;
    };
    let running: number = limits.sweepFlowsMax;
    const { sweeps, store, clock, ids } = world;
    const told: string[] = [];
    const sweeper = new EventSweepWorker({
      sweeps,
      store,
      clock,
      ids,
      running: () => running,
      changed: (_before, { booking }) => told.push(booking.bookingId),
      trouble: () => {},
    });
    await world.begin(cancelled);
    const turn = sweeper.sweep();
    for (let t = 0; t <= limits.sweepTurnMs; t += 100) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      clock.advance(100);
    }
    expect(await turn).toBe(true);
    expect(sizes).toEqual([]);
    running = 0;
    await sweeper.sweep();
    expect(sizes).toEqual([limits.sweepBatchMax, limits.sweepBatchMax, 30]);
    expect(new Set(told).size).toBe(2 * limits.sweepBatchMax + 30);
    expect((await sweeps.cancellation(eventId))?.round).toBe(2);
  });
});

describe('a node may die at any call', () => {
  const plays = {
    'of a cancellation': [cancelled, 'ok', ['refunded']],
    'of a cancellation while the bank decides': [cancelled, '3ds', ['cancelled']],
    'of a postponement': [
      { kind: 'postponed', no: 1, event: { name: 'X', startsAt: 9, timeZone: 'UTC', venue: 'V' } },
      'ok',
      ['confirmed'],
    ],
  } as const satisfies Record<string, readonly [EventNews, string, readonly string[]]>;

  for (const [name, [news, token, ends]] of Object.entries(plays)) {
    const play = async (mortal: Mortal): Promise<SweptWorld> => {
      const world = new SweptWorld();
      await world.checkout(token);
      await world.begin(news);
      const { worker, sweeper } = world.node(mortal);
      for (let i = 0; i < 4; i++) {
        await sweeper.sweep().catch(() => undefined);
        await worker.idle();
        world.clock.advance(2_000);
      }
      return world;
    };

    it(name, async () => {
      const whole = new Mortal();
      await play(whole);
      expect(whole.calls).toBeGreaterThan(4);
      for (let at = 1; at <= whole.calls; at++) {
        for (const does of ['die-before', 'die-after'] as const) {
          const world = await play(new Mortal({ at, does }));
          await world.settle(3 * limits.sweepRoundMaxMs);
          const where = `${does} call ${at}`;
          expect({ where, found: contradictions(world) }).toEqual({ where, found: [] });
          expect(ends).toContain((await world.booking()).status);
          const told = kinds(world).filter((kind) => kind.startsWith('event-'));
          expect({ where, told: told.length }).toEqual({ where, told: 1 });
          expect(await world.sweeps.take(Number.MAX_SAFE_INTEGER, 0)).toBeUndefined();
        }
      }
    });
  }
});
