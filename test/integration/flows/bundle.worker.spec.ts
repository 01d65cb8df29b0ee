import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { collections, type LedgerDocument } from '#adapters/store/booking-documents.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { bundlesCollection, MongoBundles, prepareBundles } from '#adapters/store/bundles.ts';
import { type PackageRow, packagesCollection } from '#adapters/store/package-rows.ts';
import {
  type PromoRow,
  promotionCollections,
  type VoucherRow,
} from '#adapters/store/promotion-rows.ts';
import { retried } from '#domain/booking-moves.ts';
import { bundleOrdered, withOrder } from '#domain/bundle-moves.ts';
import { limits } from '#domain/limits.ts';
import type { BundlePorts } from '#flows/bundle.flow.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { BundleWorld } from '#test/unit/flows/bundle-world.ts';
import { Mortal } from '#test/unit/flows/world.ts';

describeWith(['mongod'], 'bundles in a database', () => {
  let database: TestDatabase;
  let store: MongoBookings;
  let bundles: MongoBundles;

  beforeAll(async () => {
    database = await testDatabase('bundle-workers');
    await prepareBookings(database.db);
    await prepareBundles(database.db);
    store = new MongoBookings(database.db, systemClock);
    bundles = new MongoBundles(database.db, systemClock);
  });

  afterAll(() => database.drop());

  class StoredWorld extends BundleWorld {
    override ports(mortal = new Mortal()): BundlePorts {
      const stores = { store: mortal.wrap(store), bundles: mortal.wrap(bundles) };
      return { ...super.ports(mortal), ...stores } as BundlePorts;
    }
  }

  /** What the world's checkouts bring is in the database, unused. */
  const setOffers = async ({ offers: { promo, voucher } }: BundleWorld): Promise<void> => {
    const { promos, uses, vouchers } = promotionCollections;
    for (const name of [promos, uses, vouchers]) await database.db.collection(name).deleteMany({});
    if (promo != null) {
      const { promoId: _id, ...rule } = promo.rule;
      const row = { _id, ...rule, key: rule.code, used: 0, version: 1 } as PromoRow;
      await database.db.collection<PromoRow>(promos).insertOne(row);
    }
    if (voucher != null) {
      const { voucherId: _id, ...rest } = voucher;
      const row = { _id, ...rest, codeHash: 'h', version: 1 } as VoucherRow;
      await database.db.collection<VoucherRow>(vouchers).insertOne(row);
    }
  };
  /** Uses of the code in all, and of its buyer; what is left on the voucher. */
  const offersLeft = async (): Promise<readonly number[]> => {
    const { promos, uses, vouchers } = promotionCollections;
    const of = async (name: string, field: string) =>
      (await database.db.collection(name).findOne({}))?.[field] ?? 0;
    return [await of(promos, 'used'), await of(uses, 'used'), await of(vouchers, 'balance')];
  };
  /** A world whose collections are empty but for a package that may be had `limit` times. */
  const emptied = async (limit = 2): Promise<StoredWorld> => {
    const { bookings, tickets, ledger, outbox } = collections;
    for (const name of [bookings, tickets, ledger, outbox, bundlesCollection]) {
      await database.db.collection(name).deleteMany({});
    }
    const world = new StoredWorld();
    await setOffers(world);
    const { packageId: _id } = world.fresh();
    const packages = database.db.collection<PackageRow>(packagesCollection);
    const row = { _id, limit, taken: 0 } as PackageRow;
    await packages.replaceOne({ _id }, row, { upsert: true });
    return world;
  };
  const taken = async (): Promise<number | undefined> =>
    (await database.db.collection<PackageRow>(packagesCollection).findOne({}))?.taken;
  const count = (name: string, filter: object = {}) =>
    database.db.collection(name).countDocuments(filter);

  it('keeps to the limit of a package, and counts what is given back', async () => {
    const world = await emptied(3);
    const held = await world.reserve();
    expect(await taken()).toBe(2);
    const other = { ...held, bundleId: `${held.bundleId.slice(0, -1)}Z` };
    expect(await bundles.insert(held)).toBe('exists');
    expect(await bundles.insert(other)).toBe('sold-out');
    await world.pass(limits.holdTtlMs + 2_000);
    expect(await taken()).toBe(0);
    // It is forgotten a day later; one that is held, or was ordered, is not.
    expect(await count(bundlesCollection, { expiresAt: { $type: 'date' } })).toBe(1);
    expect(await bundles.insert(other)).toBe('inserted');
    expect(await taken()).toBe(2);
  });

  it('writes an order with all its bookings, or none', async () => {
    const world = await emptied();
    const held = await world.reserve();
    const now = world.clock.now();
    const change = bundleOrdered(held, world.wish(), [], now);
    const [one, two] = change.opened;
    if (one === undefined || two === undefined) throw new Error('two bookings');
    // Somebody has checked out one of the reservations by itself.
    expect(await store.insert({ ...two, bookingId: `${two.bookingId.slice(0, -1)}Z` })).toBe(
      'inserted',
    );
    expect(await bundles.commit(change)).toBe('exists');
    expect(await count(collections.bookings)).toBe(1);
    expect((await bundles.find(held.bundleId))?.step).toBe('held');
    await database.db.collection(collections.bookings).deleteMany({});
    expect(await bundles.commit(change)).toBe('done');
    expect(await bundles.commit(change)).toBe('stale');
    expect((await bundles.bookings(held.bundleId)).map((b) => b.bookingId)).toEqual([
      one.bookingId,
      two.bookingId,
    ]);
    const { order } = change.bundle;
    if (order === undefined) throw new Error('no order');
    const declined = { ...order, status: 'declined', step: 'rest' } as const;
    const stale = withOrder(held, retried(declined, world.wish(), now), now, { members: [] });
    expect(await bundles.commit(stale)).toBe('stale');
  });

  it('a worker takes over from one that died at any call', async () => {
    for (const does of ['die-before', 'die-after'] as const) {
      for (let at = 1; at <= 16; at += does === 'die-after' ? 1 : 3) {
        const world = await emptied();
        await world.checkout('ok', new Mortal({ at, does }));
        await world.pass(3 * limits.stepRetryMs);
        const about = `${does} at ${at}`;
        expect([about, ...(await world.statuses())]).toEqual([
          ...[about, 'confirmed', 'confirmed', 'confirmed'],
        ]);
        expect([...world.payments.intents.values()].map((i) => i.status)).toEqual(['succeeded']);
        expect(await count(collections.tickets, { active: true })).toBe(4);
        const ledger = database.db.collection<LedgerDocument>(collections.ledger);
        const cash = await ledger.find({ kind: 'cash' }).toArray();
        expect(cash.map(({ postings }) => postings[0]?.amount).sort()).toEqual([2_700, 4_501]);
        expect(await ledger.countDocuments({})).toBe(4);
        expect(await taken()).toBe(2);
        expect(await count(bundlesCollection, { expiresAt: { $exists: true } })).toBe(0);
      }
    }
  }, 120_000);

  it('takes a code and a voucher once with an order, or not at all, wherever its worker dies', async () => {
    const ends = [
      ['succeeded', 'confirmed', [1, 1, 0]],
      ['refused', 'cancelled', [0, 0, 4_000]],
    ] as const;
    for (const [captureAs, end, left] of ends) {
      for (let at = 1; at <= 16; at++) {
        const world = (await emptied()).withPromo({ perBuyerMax: 1 });
        world.withVoucher(4_000);
        await setOffers(world);
        world.payments.captureAs = captureAs;
        await world.checkout(
          'ok',
          new Mortal({ at, does: at % 2 === 0 ? 'die-before' : 'die-after' }),
        );
        await world.pass(3 * limits.stepRetryMs);
        const about = `${captureAs}, at ${at}`;
        expect([about, ...(await world.statuses())]).toEqual([about, end, end, end]);
        expect([about, ...(await offersLeft())]).toEqual([about, ...left]);
      }
    }
  }, 120_000);

  it('begins no order whose code, or voucher, is not to be had any more', async () => {
    const { promos, vouchers } = promotionCollections;
    const gone = [
      [promos, { redemptionsMax: 0 }, [0, 0, 4_000]],
      [vouchers, { balance: 3_999 }, [0, 0, 3_999]],
    ] as const;
    for (const [name, change, left] of gone) {
      const world = (await emptied()).withPromo().withVoucher(4_000);
      await setOffers(world);
      // What the buyer was shown is not true any more.
      await database.db.collection(name).updateOne({}, { $set: change });
      await expect(world.checkout()).rejects.toThrow('not ordered');
      expect(await count(collections.bookings)).toBe(0);
      expect((await world.bundle()).step).toBe('held');
      expect(await offersLeft()).toEqual(left);
    }
  });

  it('a refused capture undoes all of it', async () => {
    const world = await emptied();
    world.payments.captureAs = 'refused';
    await world.checkout();
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(await count(collections.tickets, { active: true })).toBe(0);
    expect(await taken()).toBe(0);
  });
});
