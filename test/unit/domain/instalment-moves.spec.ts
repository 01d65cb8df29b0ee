import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { disputed } from '#domain/dispute.ts';
import { goodwill } from '#domain/goodwill.ts';
import { payNow } from '#domain/instalment-moves.ts';
import { outstanding, owed } from '#domain/instalments.ts';
import { refundable } from '#domain/refund-parts.ts';
import { bookingId, buy, cancelTickets, days, pay, plan } from '#test/unit/domain/paid-in-parts.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { World } from '#test/unit/flows/world.ts';

async function go(world: World, so: Change): Promise<void> {
  if ((await world.store.commit(so)) !== 'done') throw new Error('stale');
  const worker = world.worker();
  worker.run(so.booking);
  await worker.idle();
}

async function dispute(world: World, state: 'open' | 'won' | 'lost'): Promise<void> {
  const tickets = await world.store.tickets([bookingId]);
  const news = { disputeId: 'dp_1', state };
  const change = disputed(await world.booking(), tickets, news, world.clock.now());
  if (change !== undefined && change !== 'early') await go(world, change);
}

async function cancelWithTheEvent(world: World): Promise<void> {
  const tickets = await world.store.tickets([bookingId]);
  const order = {
    reason: 'event-cancelled',
    actor: 'system',
    note: 'storm',
    waiveRules: true,
  } as const;
  const decision = cancel(await world.booking(), tickets, { order }, world.clock.now());
  if (decision.kind === 'done') await go(world, decision.change);
}

async function give(world: World, part: number): Promise<void> {
  const b = await world.booking();
  const amount = Math.floor((refundable(b) * part) / 10);
  const wish = { amount, bornBy: 'organizer', key: `g${part}`, by: 'usr_1', note: 'x' } as const;
  if (amount <= 0) return;
  const decision = goodwill(b, wish, world.clock.now());
  if (decision.kind === 'done') await go(world, decision.change);
}

describe('a booking in instalments', () => {
  it('that loses a dispute owes nothing more, and what was to come is the loss', async () => {
    const world = new World(10_000);
    await buy(world);
    await days(world, 31);
    await dispute(world, 'open');
    await days(world, 31);
    expect((await world.booking()).attempts).toHaveLength(2);
    await dispute(world, 'lost');
    const b = await world.booking();
    expect(b.status).toBe('cancelled');
    expect(outstanding(b)).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });

  it('is charged on when its dispute is won', async () => {
    const world = new World(10_000);
    await buy(world);
    await dispute(world, 'open');
    await days(world, 32);
    expect(outstanding(await world.booking())).toBe(6_000);
    await dispute(world, 'won');
    await days(world, 2);
    expect(outstanding(await world.booking())).toBe(3_000);
    expect(contradictions(world)).toEqual([]);
  });

  it('gets back all that was paid when the event is cancelled', async () => {
    const world = new World(10_000);
    const rules = { tiers: [], feePerTicket: 0, returnServiceFees: true };
    await buy(world, world.worker(), plan, rules);
    await days(world, 31);
    await cancelWithTheEvent(world);
    const b = await world.booking();
    expect(b.status).toBe('refunded');
    expect(b.returns.reduce((sum, { amount }) => sum + amount, 0)).toBe(7_000);
    expect(contradictions(world)).toEqual([]);
  });

  it('whose rules keep more than was paid returns nothing and owes nothing', async () => {
    const world = new World(10_000);
    const rules = { tiers: [], feePerTicket: 0, returnServiceFees: true };
    await buy(world, world.worker(), plan, rules);
    await cancelTickets(world, 2);
    const b = await world.booking();
    expect(b.status).toBe('cancelled');
    expect(b.returns).toMatchObject([{ amount: 0, kept: 4_000, unpaid: 6_000 }]);
    expect(contradictions(world)).toEqual([]);
  });

  it('keeps its books whatever is done to it in whatever order', async () => {
    const acts: Readonly<Record<string, (world: World) => Promise<void>>> = {
      'a month': (world) => days(world, 31),
      'two days': (world) => days(world, 2),
      'pay the next': async (world) => {
        const [next] = owed(await world.booking());
        if (next !== undefined) await payIf(world, next.no, 'ok');
      },
      'pay with a card that declines': async (world) => {
        const last = owed(await world.booking()).at(-1);
        if (last !== undefined) await payIf(world, last.no, 'declined');
      },
      'pay off': async (world) => {
        const last = owed(await world.booking()).at(-1);
        if (last !== undefined) await payIf(world, last.no, 'ok');
      },
      'one back': (world) => cancelTickets(world, 1),
      'all back': (world) => cancelTickets(world, 2),
      'event off': cancelWithTheEvent,
      goodwill: (world) => give(world, 3),
      'card declines': async (world) => {
        world.payments.offSessionAs = 'declined';
      },
      'card pays': async (world) => {
        world.payments.offSessionAs = 'ok';
      },
      dispute: (world) => dispute(world, 'open'),
      won: (world) => dispute(world, 'won'),
      lost: (world) => dispute(world, 'lost'),
    };
    const rules = fc.record({
      basisPoints: fc.integer({ min: 0, max: 10_000 }),
      feePerTicket: fc.integer({ min: 0, max: 3_000 }),
      returnServiceFees: fc.boolean(),
      cancelFee: fc.integer({ min: 0, max: 6_000 }),
    });
    const total = fc.integer({ min: 100, max: 20_000 });
    const worth = fc.nat({ max: 3_000 });
    const names = fc.array(fc.constantFrom(...Object.keys(acts)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(total, worth, rules, names, async (price, voucher, own, wanted) => {
        const { basisPoints, cancelFee, ...fees } = own;
        const world = new World(price);
        if (voucher > 0) world.withOffers(Math.min(voucher, Math.floor(price / 3)));
        const tiers = [{ untilHoursBefore: 0, basisPoints }];
        await buy(world, world.worker(), { ...plan, cancelFee }, { tiers, ...fees });
        for (const name of wanted) {
          await acts[name]?.(world);
          await world.pass(3_000);
          expect(contradictions(world)).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  }, 120_000);
});

/** Pays where the booking takes a payment now. */
async function payIf(world: World, upTo: number, token: string): Promise<void> {
  const key = `p${world.payments.intents.size}`;
  const b = await world.booking();
  if (b.step !== 'owing') return;
  expect(payNow(b, { key, upTo, token }, world.clock.now())).toBeDefined();
  await pay(world, { key, upTo, token });
}
