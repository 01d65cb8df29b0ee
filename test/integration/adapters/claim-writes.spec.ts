import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Collection } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import {
  type PromoRow,
  type PromoUsesRow,
  promotionCollections,
  usesId,
  type VoucherRow,
} from '#adapters/store/promotion-rows.ts';
import type { Booking } from '#domain/booking.ts';
import { captured, ended, openBooking } from '#domain/booking-moves.ts';
import { cancel, voucherRefunded } from '#domain/cancellation.ts';
import { checkoutPrice } from '#domain/checkout-price.ts';
import { makeId } from '#domain/ids.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { balancesOf, type LedgerEntry } from '#domain/ledger.ts';
import type { Promo } from '#domain/promo.ts';
import { type Voucher, voucherHash } from '#domain/voucher.ts';
import { aBooking, aHold, toSell } from '#test/integration/adapters/booking-store.suite.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { promoOf, voucherOf } from '#test/unit/flows/offers.ts';

type Under = {
  readonly store: BookingStore;
  ledger(): Promise<readonly LedgerEntry[]>;
  offer(promo: Promo, voucher: Voucher): Promise<void>;
  /** Counted in all, and of this buyer. */
  used(promoId: string, buyerId: string): Promise<readonly [number, number]>;
  balance(voucherId: string): Promise<number>;
};

const now = 1_800_000_000_000;
let n = 5_000;
const ulid = (): string => String(n++).padStart(26, '0');

/** A code and a voucher of their own. */
const offers = (change: Partial<Promo> = {}, worth = 1_000) => ({
  promo: promoOf({ promoId: makeId('promo', ulid()), code: ulid(), ...change }),
  voucher: { ...voucherOf(worth), voucherId: makeId('voucher', ulid()) },
});

type Offered = ReturnType<typeof offers>;

/** A booking that takes a redemption and all that it can of the voucher. */
function aClaim({ promo, voucher }: Offered, hold: HoldView = aHold()): Booking {
  const uses = { inAll: 0, byBuyer: 0 };
  const terms = checkoutPrice(hold, { promo: { rule: promo, uses }, voucher }, now);
  const { bookingId } = aBooking(hold);
  const wish = { key: ulid(), token: 'ok', equalSeats: false, attendees: [] };
  return openBooking(bookingId, hold, wish, undefined, now, terms);
}

type Offering = (change?: Partial<Promo>, worth?: number) => Promise<Offered>;

function suite(open: () => Under): void {
  const offered: Offering = async (change, worth) => {
    const own = offers(change, worth);
    await open().offer(own.promo, own.voucher);
    return own;
  };
  taking(open, offered);
  racing(open, offered);
  goingBack(open, offered);
}

function taking(open: () => Under, offered: Offering): void {
  it('are taken with the booking', async () => {
    const { store, used, balance } = open();
    const own = await offered({ perBuyerMax: 2 });
    const b = aClaim(own);
    expect(await store.insert(b)).toBe('inserted');
    expect(await store.insert(b)).not.toBe('inserted');
    expect(await used(own.promo.promoId, b.buyerId)).toEqual([1, 1]);
    expect(await balance(own.voucher.voucherId)).toBe(0);
  });

  it('that are not to be had leave no booking and nothing taken', async () => {
    const { store, used, balance } = open();
    const own = await offered({ redemptionsMax: 5 }, 900);
    const rich = { ...own, voucher: { ...own.voucher, balance: 1_000 } };
    const b = aClaim(rich);
    expect(await store.insert(b)).toBe('voucher-refused');
    expect(await store.find(b.bookingId)).toBeUndefined();
    expect(await used(own.promo.promoId, b.buyerId)).toEqual([0, 0]);
    const none = aClaim(asSeen(await offered({ redemptionsMax: 0 })));
    expect(await store.insert(none)).toBe('promo-refused');
    expect(await balance(none.bill?.voucher?.voucherId ?? '')).toBe(1_000);
    const off = aClaim(asSeen(await offered({ disabled: true, redemptionsMax: null })));
    expect(await store.insert(off)).toBe('promo-refused');
  });
}

function racing(open: () => Under, offered: Offering): void {
  it('are had by as many as there are, of all who race', async () => {
    const { store, used } = open();
    const own = await offered({ redemptionsMax: 7 }, 1_000_000);
    const buyers = Array.from({ length: 25 }, () => aClaim({ ...own, voucher: tiny(own) }));
    const results = await Promise.all(buyers.map((b) => store.insert(b)));
    expect(results.filter((result) => result === 'inserted')).toHaveLength(7);
    expect(results.filter((result) => result === 'promo-refused')).toHaveLength(18);
    expect((await used(own.promo.promoId, ''))[0]).toBe(7);
    for (const [i, b] of buyers.entries()) {
      expect((await store.find(b.bookingId)) !== undefined).toBe(results[i] === 'inserted');
    }
  });

  it('are had by one buyer as often as the code says', async () => {
    const { store, used } = open();
    const own = await offered({ redemptionsMax: null, perBuyerMax: 2 }, 1_000_000);
    const { buyerId } = aHold();
    const buyers = Array.from({ length: 6 }, () =>
      aClaim({ ...own, voucher: tiny(own) }, { ...aHold(), buyerId }),
    );
    const results = await Promise.all(buyers.map((b) => store.insert(b)));
    expect(results.filter((result) => result === 'inserted')).toHaveLength(2);
    expect(await used(own.promo.promoId, buyerId)).toEqual([2, 2]);
  });

  it('of a voucher never exceed what is on it', async () => {
    const { store, balance } = open();
    const own = await offered({ redemptionsMax: null }, 3_500);
    const each = { ...own, voucher: { ...own.voucher, balance: 1_000 } };
    const results = await Promise.all(
      Array.from({ length: 8 }, () => aClaim(each)).map((b) => store.insert(b)),
    );
    expect(results.filter((result) => result === 'inserted')).toHaveLength(3);
    expect(await balance(own.voucher.voucherId)).toBe(500);
  });
}

function goingBack(open: () => Under, offered: Offering): void {
  it('go back with the change that ends the booking unsold, once', async () => {
    const { store, used, balance } = open();
    const own = await offered({});
    const b = aClaim(own);
    await store.insert(b);
    const end = ended(b, 'expired', 'reservation-expired', now);
    expect(await Promise.all([store.commit(end), store.commit(end)])).toContain('done');
    expect(await store.commit(end)).toBe('stale');
    expect(await used(own.promo.promoId, b.buyerId)).toEqual([0, 0]);
    expect(await balance(own.voucher.voucherId)).toBe(1_000);
  });

  it('are spent with the sale, and a refund puts the voucher’s part back on it', async () => {
    const { store, used, balance, ledger } = open();
    const own = await offered({});
    const b = aClaim(own);
    await store.insert(b);
    const sale = await toSell(store, b);
    await store.commit(sale);
    const paid = captured(sale.booking, now);
    await store.commit(paid);
    const entries = async () => (await ledger()).filter((e) => e.bookingId === b.bookingId);
    expect(balancesOf(await entries())).toMatchObject({ vouchers: 1_000, buyer: 0 });
    const tickets = await store.tickets([b.bookingId]);
    const decision = cancel(paid.booking, tickets, {}, now);
    if (decision.kind !== 'done') throw new Error('not cancelled');
    await store.commit(decision.change);
    const part = decision.change.booking.returns.find((r) => r.to === 'voucher');
    if (part === undefined) throw new Error('nothing for the voucher');
    const back = voucherRefunded(decision.change.booking, part, now);
    expect(await store.commit(back)).toBe('done');
    expect(await store.commit(back)).toBe('stale');
    expect(await balance(own.voucher.voucherId)).toBe(1_000);
    expect(balancesOf(await entries()).vouchers).toBe(0);
    expect(await used(own.promo.promoId, b.buyerId)).toEqual([1, 1]);
  });
}

/** As a checkout saw the code before it was used up or switched off. */
const asSeen = (own: Offered): Offered => ({
  ...own,
  promo: { ...own.promo, disabled: false, redemptionsMax: null },
});

/** The same voucher, of which little is taken. */
const tiny = ({ voucher }: Offered): Voucher => ({ ...voucher, balance: 1 });

describe('claims of bookings in memory', () => {
  const store = new MemoryBookings();
  suite(() => ({
    store,
    ledger: async () => store.contents.ledger,
    offer: async (promo, voucher) => {
      store.claims.promos.set(promo.promoId, promo);
      store.claims.vouchers.set(voucher.voucherId, voucher);
    },
    used: async (promoId, buyerId) => [
      store.claims.uses(promoId),
      buyerId === '' ? 0 : store.claims.uses(promoId, buyerId),
    ],
    balance: async (voucherId) => store.claims.vouchers.get(voucherId)?.balance ?? 0,
  }));
});

describeWith(['mongod'], 'claims of bookings in MongoDB, on two nodes', () => {
  let database: TestDatabase;
  let stores: readonly BookingStore[];
  let turn = 0;

  beforeAll(async () => {
    database = await testDatabase('claims');
    await prepareBookings(database.db);
    stores = [1, 2].map(() => new MongoBookings(database.db, systemClock));
  });

  afterAll(() => database.drop());

  const promos = (): Collection<PromoRow> => database.db.collection(promotionCollections.promos);
  const uses = (): Collection<PromoUsesRow> => database.db.collection(promotionCollections.uses);
  const vouchers = (): Collection<VoucherRow> =>
    database.db.collection(promotionCollections.vouchers);
  const meta = { version: 1, createdAt: now, updatedAt: now };

  suite(() => ({
    /** Each call goes to the other node. */
    store: new Proxy({} as BookingStore, {
      get: (_, name) => {
        const store = stores[turn++ % 2] as BookingStore;
        const member: unknown = Reflect.get(store, name, store);
        return typeof member === 'function' ? member.bind(store) : member;
      },
    }),
    ledger: async () => {
      const found = await database.db.collection<{ _id: string }>('ledger').find().toArray();
      return found.map(({ _id, ...rest }) => ({ id: _id, ...rest })) as unknown as LedgerEntry[];
    },
    offer: async ({ promoId, ...promo }, { voucherId, ...voucher }) => {
      await promos().insertOne({ _id: promoId, ...promo, key: promoId, used: 0, ...meta });
      const codeHash = voucherHash(voucherId);
      await vouchers().insertOne({ _id: voucherId, ...voucher, codeHash, ...meta });
    },
    used: async (promoId, buyerId) => [
      (await promos().findOne({ _id: promoId }))?.used ?? 0,
      (await uses().findOne({ _id: usesId(promoId, buyerId) }))?.used ?? 0,
    ],
    balance: async (voucherId) => (await vouchers().findOne({ _id: voucherId }))?.balance ?? 0,
  }));
});
