import { describe, expect, it } from '@jest/globals';
import { moved } from '#domain/booking.ts';
import { type Change, change } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { disputed } from '#domain/dispute.ts';
import { type GoodwillWish, goodwill, goodwillOf } from '#domain/goodwill.ts';
import { refundable } from '#domain/refund-parts.ts';
import type { RefundRules } from '#domain/refund-rules.ts';
import type { CancelWish } from '#domain/withdrawal.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, Mortal, World } from '#test/unit/flows/world.ts';

const bookingId = bookingIdOf(10);
const half: RefundRules = {
  tiers: [{ untilHoursBefore: 0, basisPoints: 5_000 }],
  feePerTicket: 100,
  returnServiceFees: true,
};

/** A confirmed booking of two tickets that was promised these rules, an hour before the start. */
async function booked(refundRules?: RefundRules): Promise<World> {
  const world = new World();
  await world.checkout();
  const b = await world.booking();
  const startsAt = world.clock.now() + 3_600_000;
  const event = { name: 'Tosca', startsAt, timeZone: 'UTC', venue: 'Opera', refundRules };
  await world.store.commit(change(b, moved(b, { event }, world.clock.now())));
  return world;
}

/** Writes a change and lets a node, which may die, go on with it. */
async function go(world: World, so: Change, mortal = new Mortal()): Promise<void> {
  expect(await world.store.commit(so)).toBe('done');
  const worker = world.worker(mortal);
  if (so.booking.step !== 'done') worker.run(so.booking);
  await worker.idle();
}

async function cancelled(world: World, wish: CancelWish = {}): Promise<Change> {
  const tickets = await world.store.tickets([bookingId]);
  const decision = cancel(await world.booking(), tickets, wish, world.clock.now());
  if (decision.kind !== 'done') throw new Error(decision.kind);
  return decision.change;
}

async function given(world: World, more: Partial<GoodwillWish> = {}): Promise<Change> {
  const wish = { amount: 700, bornBy: 'organizer', key: 'g', by: 'usr_1', note: 'x' } as const;
  const decision = goodwill(await world.booking(), { ...wish, ...more }, world.clock.now());
  if (decision.kind === 'refused') throw new Error(decision.why);
  return decision.change;
}

describe('a cancellation', () => {
  it('returns by the rules that were promised, and the rest stays with the organizer', async () => {
    const world = await booked(half);
    await go(world, await cancelled(world));
    const b = await world.booking();
    expect(b).toMatchObject({ status: 'refunded', returns: [{ amount: 2_300, kept: 2_700 }] });
    expect(world.payments.of('pi_1').refunded).toBe(2_300);
    expect(contradictions(world)).toEqual([]);
  });

  it('counts the moment at which it was asked for, not that at which it could be done', async () => {
    const world = new World();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    const b = await world.booking();
    const startsAt = world.clock.now() + 30_000;
    const event = { name: 'Tosca', startsAt, timeZone: 'UTC', venue: 'Opera' };
    await world.store.commit(change(b, moved(b, { event, dueAt: b.dueAt }, world.clock.now())));
    const decision = cancel(await world.booking(), [], {}, world.clock.now());
    if (decision.kind !== 'requested' || decision.change === undefined)
      throw new Error('not taken');
    await world.store.commit(decision.change);
    await world.pass(60_000);
    world.payments.captureAs = 'succeeded';
    await world.pass(40_000);
    expect(await world.booking()).toMatchObject({
      status: 'refunded',
      returns: [{ amount: 5_000 }],
    });
    expect(contradictions(world)).toEqual([]);
  });

  it('that waits while the payment is disputed is done when the dispute is won', async () => {
    const world = new World();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    const decision = cancel(await world.booking(), [], {}, world.clock.now());
    if (decision.kind !== 'requested' || decision.change === undefined)
      throw new Error('not taken');
    await world.store.commit(decision.change);
    world.payments.captureAs = 'succeeded';
    const tell = async (state: 'open' | 'won'): Promise<void> => {
      const tickets = await world.store.tickets([bookingId]);
      const news = { disputeId: 'dp_1', state };
      const so = disputed(await world.booking(), tickets, news, world.clock.now());
      if (so === undefined || so === 'early') throw new Error('not taken');
      expect(await world.store.commit(so)).toBe('done');
    };
    // The capture settles, and the bank is faster than the cancellation.
    const { commit } = world.store;
    world.store.commit = async (so) => {
      const result = await commit.call(world.store, so);
      if (so.booking.step !== 'cancel' || (so.booking.disputes ?? []).length > 0) return result;
      world.store.commit = commit;
      await tell('open');
      return result;
    };
    await world.pass(40_000);
    const waiting = await world.booking();
    expect(waiting).toMatchObject({ status: 'confirmed', step: 'done', cancelRequested: true });
    await tell('won');
    await world.pass(40_000);
    expect((await world.booking()).status).toBe('refunded');
    expect(contradictions(world)).toEqual([]);
  });

  it('that returns nothing ends the tickets and the booking without a refund', async () => {
    const world = await booked({ ...half, tiers: [] });
    await go(world, await cancelled(world));
    expect(await world.booking()).toMatchObject({ status: 'cancelled', step: 'done' });
    expect(world.event.soldTo.size).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });
});

describe('goodwill', () => {
  it('is taken off what tickets return later, from whoever bore it', async () => {
    const world = await booked();
    await go(world, await given(world, { amount: 3_000, bornBy: 'platform' }));
    const [first, second] = await world.store.tickets([bookingId]);
    expect(first?.status).toBe('valid');
    await go(world, await cancelled(world, { ticketIds: [first?.ticketId ?? ''] }));
    expect((await world.booking()).returns[1]).toMatchObject({ amount: 2_000, kept: 500 });
    expect(contradictions(world)).toEqual([]);
    await go(world, await cancelled(world, { ticketIds: [second?.ticketId ?? ''] }));
    const b = await world.booking();
    expect(b.returns[2]).toMatchObject({ amount: 0, refund: 'none' });
    expect(goodwillOf(b)).toEqual({ organizer: 0, platform: 0 });
    expect(refundable(b)).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });

  it('may give what the rules have kept, and nothing beyond what was paid', async () => {
    const world = await booked({ ...half, tiers: [] });
    await go(world, await cancelled(world));
    await go(world, await given(world, { amount: 5_000 }));
    expect((await world.booking()).status).toBe('refunded');
    const decision = goodwill(
      await world.booking(),
      { amount: 1, bornBy: 'platform', key: 'h', by: 'usr_1', note: 'x' },
      world.clock.now(),
    );
    expect(decision.kind).toBe('refused');
    expect(contradictions(world)).toEqual([]);
  });

  it('is not given while a dispute is open, or before there is money', async () => {
    const world = await booked();
    const tickets = await world.store.tickets([bookingId]);
    const news = { disputeId: 'dp_1', state: 'open' } as const;
    const so = disputed(await world.booking(), tickets, news, world.clock.now());
    if (so === undefined || so === 'early') throw new Error('not taken');
    await go(world, so);
    await expect(given(world)).rejects.toThrow('disputed');
    const paying = new World();
    await paying.checkout('3ds');
    await expect(given(paying)).rejects.toThrow('requires_action');
  });
});

describe('a node may die at any call', () => {
  const lost = async (world: World): Promise<Change> => {
    const tickets = await world.store.tickets([bookingId]);
    const news = { disputeId: 'dp_1', state: 'lost' } as const;
    const so = disputed(await world.booking(), tickets, news, world.clock.now());
    if (so === undefined || so === 'early') throw new Error('not taken');
    return so;
  };
  const plays: Readonly<Record<string, readonly [(world: World) => Promise<Change>, string]>> = {
    'of a cancellation by rules': [cancelled, 'refunded'],
    'of a goodwill refund': [given, 'partially_refunded'],
    'of a lost dispute': [lost, 'cancelled'],
  };
  for (const [name, [play, end]] of Object.entries(plays)) {
    it(name, async () => {
      const whole = new Mortal();
      const undisturbed = await booked(half);
      await go(undisturbed, await play(undisturbed), whole);
      expect(whole.calls).toBeGreaterThan(2);
      for (let at = 1; at <= whole.calls; at++) {
        for (const does of ['die-before', 'die-after'] as const) {
          const world = await booked(half);
          await go(world, await play(world), new Mortal({ at, does }));
          await world.pass(60_000);
          const where = `${does} call ${at}`;
          expect({ where, found: contradictions(world) }).toEqual({ where, found: [] });
          expect((await world.booking()).status).toBe(end);
        }
      }
    });
  }
});
