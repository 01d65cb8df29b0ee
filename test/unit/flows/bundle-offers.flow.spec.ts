import { describe, expect, it } from '@jest/globals';
import { retried } from '#domain/booking-moves.ts';
import { cancelWhole } from '#domain/bundle-cancel.ts';
import { withOrder } from '#domain/bundle-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import { BundleWorld, bundleContradictions } from '#test/unit/flows/bundle-world.ts';
import { Mortal } from '#test/unit/flows/world.ts';

// The package costs 4 501 and 2 700; the code takes a tenth of its tickets' prices.
const half = { by: 'percent', basisPoints: 5_000 } as const;
const uses = ({ store }: BundleWorld): number[] =>
  [...store.claims.promos.keys()].map((promoId) => store.claims.uses(promoId));

async function cancelAll(world: BundleWorld): Promise<void> {
  const b = await world.bundle();
  const bookings = await world.bundles.bookings(b.bundleId);
  const tickets = await world.store.tickets(bookings.map(({ bookingId }) => bookingId));
  const decision = cancelWhole(b, bookings, tickets, { key: 'cancel' }, world.clock.now());
  if (decision.kind === 'refused' || decision.change === undefined) return;
  expect(await world.bundles.commit(decision.change)).toBe('done');
}

describe('a package with a promo code', () => {
  it('is charged less, and counts as one use', async () => {
    const world = new BundleWorld().withPromo();
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.of('pi_1')).toMatchObject({ status: 'succeeded', amount: 6_481 });
    expect(uses(world)).toEqual([1]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('is not begun when the last use is another’s', async () => {
    const world = new BundleWorld().withPromo();
    const [promoId = ''] = world.store.claims.promos.keys();
    const other = new BundleWorld().withPromo();
    await other.checkout();
    const order = (await other.bundle()).order;
    if (order === undefined) throw new Error('no order');
    expect(world.store.claims.take(order)).toBeUndefined();
    await expect(world.checkout()).rejects.toThrow('not ordered');
    expect(world.store.contents.bookings).toEqual([]);
    expect(world.store.claims.uses(promoId)).toBe(1);
    expect((await world.bundle()).step).toBe('held');
  });

  it('needs no payment when nothing is left of its price', async () => {
    const world = new BundleWorld([5_000, 3_000]);
    world.withPromo({ off: { by: 'percent', basisPoints: 10_000 } });
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.intents.size).toBe(0);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('keeps its price and its one use in another attempt', async () => {
    const world = new BundleWorld().withPromo();
    await world.checkout('declined');
    const b = await world.bundle();
    if (b.order === undefined) throw new Error('no order');
    const now = world.clock.now();
    const next = withOrder(b, retried(b.order, world.wish('ok', 'key-2'), now), now);
    expect(await world.bundles.commit(next)).toBe('done');
    const worker = new BundleWorker(world.ports());
    worker.run(next.bundle);
    await worker.idle();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.of('pi_2').amount).toBe(6_481);
    expect(uses(world)).toEqual([1]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('returns what was paid, and keeps its use as a sold booking does', async () => {
    const world = new BundleWorld().withPromo({ off: half });
    await world.checkout();
    await cancelAll(world);
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['confirmed', 'refunded', 'refunded']);
    const { amount, refunded } = world.payments.of('pi_1');
    expect(refunded).toBe(amount);
    expect(uses(world)).toEqual([1]);
    expect(bundleContradictions(world)).toEqual([]);
  });
});

it('a booking of it that keeps too few tickets loses what the code took off them', async () => {
  const world = new BundleWorld().withPromo({ off: half, ticketsMin: 2 });
  await world.checkout();
  const [b] = await world.bundles.bookings((await world.bundle()).bundleId);
  if (b === undefined) throw new Error('no booking');
  const tickets = await world.store.tickets([b.bookingId]);
  const ticketIds = tickets.slice(0, 1).map(({ ticketId }) => ticketId);
  const order = { actor: 'usr', reason: 'cancelled-by-support', waiveRules: false } as const;
  const decision = cancel(b, tickets, { key: 'one', ticketIds, order }, world.clock.now());
  if (decision.kind !== 'done') throw new Error(decision.kind);
  // Of the package's 2 250 a ticket the code took 1 125; the package's own part stays.
  const { withheld, amount } = decision.change.booking.returns[0] ?? {};
  expect([withheld, amount]).toEqual([1_125, (tickets[0]?.paid ?? 0) - 1_125]);
});

describe('killed at any call', () => {
  const cases = [
    ['pays', 'ok', 'succeeded', 'confirmed'],
    ['is declined', 'declined', 'succeeded', 'expired'],
    ['cannot be captured', 'ok', 'refused', 'cancelled'],
    ['is captured without an answer', 'ok', 'unknown-but-done', 'confirmed'],
    ['is refused the second event', 'ok', 'succeeded', 'expired'],
  ] as const;

  it.each(cases)(
    'a package with offers that %s takes them once or gives all back',
    async (...row) => {
      const [name, token, captureAs, end] = row;
      const refused = name === 'is refused the second event';
      for (const does of ['die-before', 'die-after'] as const) {
        for (let at = 1; ; at++) {
          const world = new BundleWorld().withPromo();
          world.payments.captureAs = captureAs;
          if (refused) world.events.of(1).soldTo.set(0, 'another');
          const mortal = new Mortal({ at, does });
          await world.checkout(token, mortal);
          await world.pass(limits.holdLifeMs + 60_000);
          if (refused) world.events.of(1).soldTo.delete(0);
          const about = `${name}, ${does} at call ${at}`;
          expect([about, ...(await world.statuses())]).toEqual([about, end, end, end]);
          expect([about, ...bundleContradictions(world)]).toEqual([about]);
          expect([about, ...uses(world)]).toEqual([about, end === 'confirmed' ? 1 : 0]);
          if (!mortal.dead) break;
        }
      }
    },
    60_000,
  );
});
