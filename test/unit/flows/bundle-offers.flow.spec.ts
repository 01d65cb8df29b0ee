import { describe, expect, it } from '@jest/globals';
import { retried } from '#domain/booking-moves.ts';
import { cancelWhole } from '#domain/bundle-cancel.ts';
import { withOrder } from '#domain/bundle-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { balancesOf } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import { BundleWorld, bundleContradictions, orderCourses } from '#test/unit/flows/bundle-world.ts';
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

describe('a package with a gift voucher', () => {
  const vouchers = ({ store }: BundleWorld) =>
    [...store.claims.vouchers.values()].map(({ balance }) => balance);
  const parts = async (world: BundleWorld) => {
    const bookings = await world.bundles.bookings((await world.bundle()).bundleId);
    return bookings.map(({ bill }) => bill?.voucher?.amount);
  };

  it('is paid by it first, and by card what it leaves', async () => {
    const world = new BundleWorld().withVoucher(2_000);
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.of('pi_1').amount).toBe(7_201 - 2_000);
    expect([vouchers(world), await parts(world)]).toEqual([[0], [1_250, 750]]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('that pays all of it needs no payment and keeps the rest', async () => {
    const world = new BundleWorld().withVoucher(10_000);
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.intents.size).toBe(0);
    expect([vouchers(world), await parts(world)]).toEqual([[2_799], [4_501, 2_700]]);
    const balances = balancesOf(world.store.contents.ledger);
    expect([balances.vouchers, balances.buyer]).toEqual([7_201, 0]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('leaves the card no less than the provider charges at least', async () => {
    const world = new BundleWorld().withVoucher(7_190);
    await world.checkout();
    expect(world.payments.of('pi_1').amount).toBe(50);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('is not begun when another has spent it meanwhile', async () => {
    const world = new BundleWorld().withVoucher(2_000);
    const { vouchers: stored } = world.store.claims;
    for (const [id, voucher] of stored) stored.set(id, { ...voucher, balance: 1_999 });
    await expect(world.checkout()).rejects.toThrow('not ordered');
    expect(world.store.contents.bookings).toEqual([]);
    expect(vouchers(world)).toEqual([1_999]);
  });

  it('returns the card’s part to the card first, then the voucher’s to the voucher', async () => {
    const world = new BundleWorld().withPromo().withVoucher(2_000);
    await world.checkout();
    await cancelAll(world);
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['confirmed', 'refunded', 'refunded']);
    const { amount, refunded } = world.payments.of('pi_1');
    expect([amount, refunded, ...vouchers(world)]).toEqual([4_481, 4_481, 2_000]);
    const [first] = await world.bundles.bookings((await world.bundle()).bundleId);
    expect(first?.returns.map(({ to }) => to)).toEqual(['card', 'voucher']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('agrees with its books wherever a worker dies, from the order to its cancellation', async () => {
    for (const worth of [2_000, 10_000]) {
      const play = async (world: BundleWorld, mortal: Mortal): Promise<void> => {
        await world.checkout('ok', mortal);
        await cancelAll(world);
        await world.pass(4_000, mortal);
      };
      const whole = new Mortal();
      await play(new BundleWorld().withPromo().withVoucher(worth), whole);
      expect(whole.calls).toBeGreaterThan(20);
      for (let at = 1; at <= whole.calls; at++) {
        for (const does of ['die-before', 'die-after'] as const) {
          const world = new BundleWorld().withPromo().withVoucher(worth);
          await play(world, new Mortal({ at, does }));
          await world.pass(60_000);
          const where = `${worth}, ${does} call ${at}`;
          const ends = (await world.statuses()).slice(1);
          expect([where, ...vouchers(world)]).toEqual([where, worth]);
          expect([where, ends[0]]).toEqual([where, ends[1]]);
          expect([where, ...bundleContradictions(world)]).toEqual([where]);
        }
      }
    }
  }, 60_000);
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
  it.each(orderCourses)(
    'a package with offers that %s takes them once or gives all back',
    async (...row) => {
      const [name, token, captureAs, end] = row;
      const refused = name === 'is refused the second event';
      for (const does of ['die-before', 'die-after'] as const) {
        for (let at = 1; ; at++) {
          const world = new BundleWorld().withPromo().withVoucher(3_000);
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
