import { describe, expect, it } from '@jest/globals';
import { messageData } from '#contracts/messages.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import {
  actedBy,
  type CounterSale,
  counterBooking,
  counterPrice,
  counterUserOf,
  paidOut,
} from '#domain/box-office.ts';
import { cancel } from '#domain/cancellation.ts';
import { releaseClaims } from '#domain/claims.ts';
import { makeId } from '#domain/ids.ts';
import { balancesOf } from '#domain/ledger.ts';
import { composeMessage } from '#domain/message-text.ts';
import { money } from '#domain/money.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { promoOf } from '#test/unit/flows/offers.ts';
import { bookingIdOf, Mortal, ulid, World } from '#test/unit/flows/world.ts';

const staffId = makeId('user', ulid(77));
const bookingId = bookingIdOf(10);
const cash: CounterSale = { key: 'k', by: 'cash', staffId, contact: { name: 'Walk-in' } };
const gift: CounterSale = { ...cash, by: 'complimentary', reason: 'press' };

async function sell(
  world: World,
  sale: CounterSale,
  worker = world.worker(),
  terms?: BookingTerms,
): Promise<void> {
  const { hold } = world.event;
  const booking = counterBooking(bookingId, hold, sale, undefined, world.clock.now(), terms);
  await world.store.insert(booking);
  worker.run(booking);
  await worker.idle();
}

/** With the codes that checkouts of this world bring, for the holder of an address. */
const sellWithCodes = (world: World, worker = world.worker()): Promise<void> => {
  const usedBy = counterUserOf('ada@example.org', null);
  const terms = counterPrice(world.event.hold, world.offers, usedBy, world.clock.now());
  return sell(world, cash, worker, terms);
};

async function cancelAll(world: World, worker: BookingWorker = world.worker()): Promise<void> {
  const tickets = await world.store.tickets([bookingId]);
  const decision = cancel(await world.booking(), tickets, { key: 'c' }, world.clock.now());
  if (decision.kind !== 'done') return;
  const change = actedBy(decision.change, staffId);
  if ((await world.store.commit(change)) === 'done') worker.run(change.booking);
  await worker.idle();
}

async function payOut(world: World): Promise<void> {
  const change = paidOut(await world.booking(), 1, staffId, world.clock.now());
  if (change !== undefined) await world.store.commit(change);
}

const entries = (world: World) =>
  world.store.contents.ledger.map(({ id, by }) => [id.slice(bookingId.length + 1), by]);

describe('a sale over the counter', () => {
  it('for cash has its tickets and its money in the till at once, without an intent', async () => {
    const world = new World(5_001);
    await sell(world, cash);
    expect(await world.booking()).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(world.payments.intents.size).toBe(0);
    expect(entries(world)).toEqual([
      ['sale', staffId],
      ['till', staffId],
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('for nothing has a price of nothing, and says why and what it would have been', async () => {
    const world = new World(5_001);
    await sell(world, gift);
    const { quote, bill } = await world.booking();
    expect(quote).toMatchObject({ total: 0, fees: 0, taxes: 0 });
    expect(bill?.counter).toEqual({ staffId, reason: 'press', faceValue: 5_001 });
    expect(world.store.contents.tickets.map(({ paid }) => paid)).toEqual([0, 0]);
    expect(world.store.contents.ledger).toEqual([]);
    expect(contradictions(world)).toEqual([]);
  });

  it('writes to a buyer with an address, and keeps what happened without one', async () => {
    const [silent, told] = [new World(), new World()];
    await sell(silent, gift);
    await sell(told, { ...gift, contact: { name: 'Ada', email: 'ada@example.org' } });
    const message = (world: World) => world.store.contents.outbox[0]?.message;
    expect(message(silent)).toMatchObject({ silent: true, data: { by: staffId } });
    expect(message(told)).toMatchObject({ to: { email: 'ada@example.org' } });
    expect(message(told)?.silent).toBeUndefined();
  });

  it('takes no cash when the seats are gone', async () => {
    const world = new World();
    world.event.answers.set(bookingId, { outcome: 'refused', reason: 'seats-taken' });
    await sell(world, cash);
    expect((await world.booking()).status).toBe('expired');
    expect(world.store.contents.ledger).toEqual([]);
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a sale over the counter with codes', () => {
  const later = (perBuyerMax: number | null) => ({
    promo: { rule: promoOf({ perBuyerMax }), uses: { inAll: 0, byBuyer: 0 } },
  });

  it('takes off what the promo code says, then the voucher, the rest in cash', async () => {
    const world = new World(10_000).withOffers(2_000);
    await sellWithCodes(world);
    const { quote, bill, status } = await world.booking();
    expect([status, quote.total, bill?.voucher?.amount]).toEqual(['confirmed', 9_000, 2_000]);
    expect(entries(world)).toEqual([
      ['sale', staffId],
      ['till', staffId],
      ['voucher', staffId],
    ]);
    const { till, buyer, vouchers } = balancesOf(world.store.contents.ledger);
    expect([till, buyer, vouchers]).toEqual([7_000, 0, 2_000]);
    expect(contradictions(world)).toEqual([]);
  });

  it('leaves no least amount for cash, and needs none where the voucher pays all', async () => {
    const almost = new World(5_000).withOffers(4_490);
    await sellWithCodes(almost);
    expect(balancesOf(almost.store.contents.ledger).till).toBe(10);
    const all = new World(5_000).withOffers(9_000);
    await sellWithCodes(all);
    expect(entries(all).map(([part]) => part)).toEqual(['sale', 'voucher']);
    expect((await all.booking()).status).toBe('confirmed');
    expect(contradictions(all)).toEqual([]);
  });

  it('gives back in cash and on the voucher, and tells which is which', async () => {
    const world = new World(10_000).withOffers(2_000);
    await sellWithCodes(world);
    await cancelAll(world);
    const { returns } = await world.booking();
    expect(returns.map(({ to, refund, amount }) => [to, refund, amount])).toEqual([
      ['cash', 'pending', 7_000],
      ['voucher', 'succeeded', 2_000],
    ]);
    const told = () =>
      world.store.contents.outbox.slice(1).map(({ message: { kind, data } }) => {
        return composeMessage(kind, { tickets: [], ...messageData.parse(data) }).text;
      });
    expect(told()[0]).toMatch(
      /fetch 70.00 EUR at the box office. 20.00 EUR goes back on your gift/,
    );
    expect(told()[1]).toContain('20.00 EUR is on your gift voucher again.');
    await payOut(world);
    expect(await world.booking()).toMatchObject({ status: 'refunded', step: 'done' });
    expect([...world.store.claims.vouchers.values()].map(({ balance }) => balance)).toEqual([
      2_000,
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('gives its use and the voucher back where the seats are gone', async () => {
    const world = new World(10_000).withOffers(2_000);
    world.event.answers.set(bookingId, { outcome: 'refused', reason: 'seats-taken' });
    await sellWithCodes(world);
    expect((await world.booking()).status).toBe('expired');
    expect(world.store.contents.ledger).toEqual([]);
    expect(contradictions(world)).toEqual([]);
  });

  it('counts the use as the account of the address, else as the address however spelled', () => {
    expect(counterUserOf('ada@example.org', 'usr_1')).toBe('usr_1');
    const one = counterUserOf('ada@example.org', null);
    expect(counterUserOf(' Ada@Example.org ', null)).toBe(one);
    expect(counterUserOf('bob@example.org', null)).not.toBe(one);
    expect(one).not.toContain('ada');
    expect(counterUserOf(undefined, null)).toBeUndefined();
  });

  it('holds the holder of an address to the limit per buyer, and gives the use back', async () => {
    const world = new World(10_000).withOffers(
      0,
      promoOf({ redemptionsMax: null, perBuyerMax: 1 }),
    );
    const { promo } = world.offers;
    world.offers = { promo };
    await sellWithCodes(world);
    const usedBy = counterUserOf('ada@example.org', null) ?? '';
    const { promoId } = promoOf();
    expect(world.store.claims.uses(promoId, usedBy)).toBe(1);
    const { bill } = await world.booking();
    const again = {
      ...(await world.booking()),
      bookingId: bookingIdOf(11),
      reservationId: 'rsv_2',
    };
    expect(bill?.promo?.usedBy).toBe(usedBy);
    expect(await world.store.insert(again)).toBe('promo-refused');
    const other = { ...again, bill: { by: 'cash', promo: { ...bill?.promo, usedBy: 'usr_1' } } };
    expect(await world.store.insert(other as Booking)).toBe('inserted');
    expect(releaseClaims(again)).toMatchObject([{ kind: 'promo-released', buyerId: usedBy }]);
  });

  it('needs an address for a code with a limit per buyer, and for no other', () => {
    const { event, clock } = new World(10_000);
    const priced = (perBuyerMax: number | null) =>
      counterPrice(event.hold, later(perBuyerMax), undefined, clock.now());
    expect(() => priced(1)).toThrow('ask for an e-mail address');
    const { quote, bill } = priced(null);
    expect([quote.total, bill?.promo?.usedBy]).toEqual([9_000, undefined]);
  });
});

describe('cash that goes back', () => {
  it('is told of as what waits at the box office, and then as paid out', () => {
    const facts = { bookingId, seats: [], tickets: [], amount: money(5_000, 'EUR'), cash: true };
    expect(composeMessage('booking-cancelled', facts).text).toContain('fetch 50.00 EUR at the box');
    const paid = composeMessage('booking-refunded', facts).text;
    expect(paid).toContain('paid 50.00 EUR out');
    expect(paid).not.toContain('card');
  });

  it('waits at the box office without keeping the booking busy', async () => {
    const world = new World();
    await sell(world, cash);
    await cancelAll(world);
    const booking = await world.booking();
    expect(booking).toMatchObject({ status: 'cancelled', step: 'done' });
    expect(booking.returns).toMatchObject([{ to: 'cash', refund: 'pending', amount: 5_000 }]);
    expect(world.event.soldTo.size).toBe(0);
    await payOut(world);
    expect(await world.booking()).toMatchObject({ status: 'refunded', step: 'done' });
    expect(entries(world).slice(2)).toEqual([
      ['cancelled-1', staffId],
      ['refunded-1', staffId],
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('is paid out once, and only what goes back in cash', async () => {
    const world = new World();
    await sell(world, cash);
    await cancelAll(world);
    await payOut(world);
    const booking = await world.booking();
    expect(paidOut(booking, 1, staffId, 0)).toBeUndefined();
    expect(() => paidOut(booking, 2, staffId, 0)).toThrow('no refund 2');
    const card = new World();
    await card.checkout();
    await cancelAll(card);
    const paidByCard = await card.booking();
    expect(() => paidOut(paidByCard, 1, staffId, 0)).toThrow('not go back in cash');
  });
});

describe('a worker killed at any of its calls', () => {
  const plays = {
    'of a sale for cash': async (world: World, worker: BookingWorker) => sell(world, cash, worker),
    'of a sale with a promo code and a voucher': (world: World, worker: BookingWorker) =>
      sellWithCodes(world.withOffers(2_000), worker),
    'of a sale that a voucher pays': (world: World, worker: BookingWorker) =>
      sellWithCodes(world.withOffers(9_000), worker),
    'of a cancelled sale with a promo code and a voucher': async (
      world: World,
      worker: BookingWorker,
    ) => {
      await sellWithCodes(world.withOffers(2_000), worker);
      await cancelAll(world, worker);
    },
    'of complimentary tickets': (world: World, worker: BookingWorker) => sell(world, gift, worker),
    'of a cancelled sale': async (world: World, worker: BookingWorker) => {
      await sell(world, cash, worker);
      await cancelAll(world, worker);
    },
  };
  it.each(Object.entries(plays))('%s leaves it whole', async (_, play) => {
    for (const does of ['die-before', 'die-after'] as const) {
      for (let at = 1; at <= 40; at++) {
        const world = new World();
        const mortal = new Mortal({ at, does });
        await play(world, world.worker(mortal));
        await world.pass(60_000);
        if ((await world.booking()).returns.length > 0) await payOut(world);
        expect({ does, at, found: contradictions(world) }).toEqual({ does, at, found: [] });
        if (mortal.calls < at) break;
      }
    }
  });
});
