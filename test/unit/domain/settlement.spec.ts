import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Booking, Return } from '#domain/booking.ts';
import { balancesOf } from '#domain/ledger.ts';
import { differenceOf } from '#domain/reconciliation.ts';
import { type ListedIntent, outsidePostings, recordOf, settlementOf } from '#domain/settlement.ts';
import { bookingIdOf, World } from '#test/unit/flows/world.ts';

const intentOf = (patch: Partial<ListedIntent> = {}): ListedIntent => ({
  intentId: 'pi_1',
  status: 'succeeded',
  captured: 5_000,
  refunded: 0,
  refunds: [],
  ...patch,
});

const refundOf = (amount: number, patch = {}) => ({
  refundId: `re_${amount}`,
  status: 'succeeded',
  amount,
  ...patch,
});

/** A world whose booking has come to rest, and what settles it against this intent. */
async function rested(token = 'ok', prepare: (world: World) => void = () => {}) {
  const world = new World();
  prepare(world);
  await world.checkout(token);
  const b = await world.booking();
  const settle = async (intent: ListedIntent) => {
    const tickets = await world.store.tickets([bookingIdOf(10)]);
    return settlementOf(await world.booking(), tickets, intent, world.clock.now());
  };
  const run = async (intent: ListedIntent) => {
    const change = await settle(intent);
    if (change === undefined) return undefined;
    expect(await world.store.commit(change)).toBe('done');
    const worker = world.worker();
    worker.run(change.booking);
    await worker.idle();
    return world.booking();
  };
  return { world, b, settle, run };
}

const balances = (world: World) => balancesOf(world.store.contents.ledger);
const lastReturn = (b: Booking | undefined): Return | undefined => b?.returns.at(-1);

describe('money that came in without a sale', () => {
  it('is booked and goes back through the flow, once', async () => {
    const { world, run, settle } = await rested('ok', (w) => w.event.soldTo.set(0, 'another'));
    expect((await world.booking()).status).toBe('expired');
    world.payments.becomes('pi_1', 'succeeded');
    const after = await run(intentOf());
    expect(after).toMatchObject({ status: 'expired', step: 'done' });
    expect(lastReturn(after)).toMatchObject({ amount: 5_000, refund: 'succeeded' });
    expect(world.payments.of('pi_1').refunded).toBe(5_000);
    expect(balances(world)).toMatchObject({ provider: 0, owed: 0, buyer: 0 });
    expect(await settle(intentOf({ refunded: 5_000 }))).toBeUndefined();
  });

  it('that went back in part by other ways is returned for the rest', async () => {
    const { world, run } = await rested('ok', (w) => w.event.soldTo.set(0, 'another'));
    world.payments.becomes('pi_1', 'succeeded');
    const refunds = [refundOf(2_000)];
    const after = await run(intentOf({ refunded: 2_000, refunds }));
    expect(lastReturn(after)).toMatchObject({ amount: 3_000, refund: 'succeeded' });
    expect(balances(world)).toMatchObject({ provider: 0, owed: 0 });
  });

  it('beside a sale leaves the sale alone', async () => {
    const { world, run } = await rested();
    await world.payments.create({
      bookingId: 'x',
      eventId: 'e',
      attempt: 9,
      buyerId: 'u',
      amount: { amount: 5_000, currency: 'EUR' },
    });
    world.payments.becomes('pi_2', 'succeeded');
    const after = await run(intentOf({ intentId: 'pi_2' }));
    expect(after).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(world.payments.of('pi_2').refunded).toBe(5_000);
    expect(world.payments.of('pi_1').refunded).toBe(0);
    expect(balances(world)).toMatchObject({ provider: 5_000, owed: 0 });
    expect((await world.store.tickets([bookingIdOf(10)])).every((t) => t.active)).toBe(true);
  });
});

describe('a refund that the books do not have', () => {
  it('is booked against those whom the price belongs to', async () => {
    const { world, run, settle } = await rested();
    const intent = intentOf({ refunded: 2_000, refunds: [refundOf(2_000)] });
    expect(await run(intent)).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(balances(world)).toMatchObject({ provider: 3_000, owed: 0, organizer: -3_000 });
    expect(await settle(intent)).toBeUndefined();
  });

  it('that is still on its way is left', async () => {
    const { settle } = await rested();
    const refunds = [refundOf(2_000, { status: 'pending' })];
    expect(await settle(intentOf({ refunded: 2_000, refunds }))).toBeUndefined();
  });
});

describe('a refund that the provider takes back', () => {
  it('is owed again and returned under another key', async () => {
    const { world, b, run, settle } = await rested('ok', (w) => w.event.soldTo.set(0, 'another'));
    world.payments.becomes('pi_1', 'succeeded');
    const once = await run(intentOf());
    const refundId = lastReturn(once)?.refundId ?? '';
    world.payments.of('pi_1').refunded = 0;
    const failed = refundOf(5_000, { refundId, status: 'failed' });
    const after = await run(intentOf({ refunds: [failed] }));
    expect(after?.returns.map((r) => r.refund)).toEqual(['none', 'none', 'succeeded']);
    expect(world.payments.refunds.size).toBe(2);
    expect(balances(world)).toMatchObject({ provider: 0, owed: 0 });
    expect(b.status).toBe('expired');
    expect(await settle(intentOf({ refunded: 5_000, refunds: [failed] }))).toBeUndefined();
  });
});

it('a refund that is taken back again and again stays owed, for a person', async () => {
  const { world, run, settle } = await rested('ok', (w) => w.event.soldTo.set(0, 'another'));
  world.payments.becomes('pi_1', 'succeeded');
  let after = await run(intentOf());
  const failed: ReturnType<typeof refundOf>[] = [];
  for (let i = 0; i < 3; i++) {
    const refundId = lastReturn(after)?.refundId ?? '';
    failed.push(refundOf(5_000, { refundId, status: 'failed' }));
    world.payments.of('pi_1').refunded = 0;
    after = await run(intentOf({ refunds: failed }));
  }
  expect(after).toMatchObject({ alarm: 'refund-failed', step: 'done' });
  expect(lastReturn(after)?.refund).toBe('failed');
  expect(balances(world)).toMatchObject({ provider: 5_000, owed: -5_000 });
  expect(await settle(intentOf({ refunds: failed }))).toBeUndefined();
  const record = recordOf(await world.booking(), [], 'pi_1');
  expect(differenceOf(intentOf(), 5_000, record)?.problem).toBe('refund-given-up');
});

describe('what a person must decide', () => {
  it('is never done by itself', async () => {
    const { settle } = await rested();
    const closed = { status: 'canceled', captured: 0 } as const;
    expect(await settle(intentOf(closed))).toBeUndefined();
    expect(await settle(intentOf({ captured: 4_000 }))).toBeUndefined();
  });

  it('a booking whose flow runs is left to it', async () => {
    const { settle } = await rested('3ds');
    expect(await settle(intentOf())).toBeUndefined();
  });
});

it('books and provider agree after any stray capture with refunds past us', async () => {
  const parts = fc.array(fc.integer({ min: 1, max: 1_500 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(parts, async (amounts) => {
      const { world, run } = await rested('ok', (w) => w.event.soldTo.set(0, 'another'));
      world.payments.becomes('pi_1', 'succeeded');
      const refunds = amounts.map((amount, i) => refundOf(amount, { refundId: `re_${i}` }));
      const refunded = amounts.reduce((a, n) => a + n, 0);
      world.payments.of('pi_1').refunded = refunded;
      await run(intentOf({ refunded, refunds }));
      expect(world.payments.of('pi_1').refunded).toBe(5_000);
      expect(balances(world)).toMatchObject({ provider: 0, owed: 0, buyer: 0 });
      const tickets = await world.store.tickets([bookingIdOf(10)]);
      const record = recordOf(await world.booking(), tickets, 'pi_1');
      const intent = { status: 'succeeded', captured: 5_000, refunded: 5_000 } as const;
      expect(differenceOf(intent, 5_000, record)).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});

it('a refund past us is borne by shares that add up to it', () => {
  const part = fc.integer({ min: 0, max: 10_000 });
  fc.assert(
    fc.property(
      part,
      part,
      part,
      fc.integer({ min: 1, max: 30_000 }),
      (organizer, fees, taxes, n) => {
        const { provider, owed, ...rest } = balancesOf([
          { postings: outsidePostings({ organizer, fees, taxes }, n) },
        ]);
        expect({ provider, owed }).toEqual({ provider: -n, owed: 0 });
        expect(rest.organizer + rest.fees + rest.taxes).toBe(n);
      },
    ),
  );
});
