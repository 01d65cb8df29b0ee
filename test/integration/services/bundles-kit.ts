import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { type House, type Person, startHouse } from '#test/integration/services/house-kit.ts';
import type { Answer } from '#test/support/buying.ts';
import type { TestDatabase } from '#test/support/servers.ts';

export const card = (token = 'pm_card_visa') => ({ payment: { method: 'card', token } });

/** A house with three events and a package of them at 10 % off. */
export async function startShop(database: TestDatabase): Promise<Shop> {
  return openShop(await startHouse(database), database);
}

/** Another three events in a house that is there. */
export async function openShop(house: House, database: TestDatabase): Promise<Shop> {
  const events = await Promise.all([house.event(), house.event(), house.event()]);
  const shop = new Shop(house, database, events.sort(), await house.person());
  shop.packageId = await shop.offer({ discountBasisPoints: 1_000 });
  return shop;
}

/** What people do with packages, over HTTP. */
export class Shop {
  readonly house: House;
  readonly events: readonly string[];
  packageId = '';
  /** Whom bundles are for. */
  buyer: Person;
  readonly #database: TestDatabase;

  constructor(house: House, database: TestDatabase, events: readonly string[], buyer: Person) {
    this.house = house;
    this.#database = database;
    this.events = events;
    this.buyer = buyer;
  }

  /** Offers category A of the three events; answers the package's id. */
  async offer(fields: object): Promise<string> {
    const events = this.events.map((eventId) => ({ eventId, category: 'A' }));
    const body = { name: 'A season', events, ...fields };
    const path = '/v1/organizer/bundles';
    const { body: made, status } = await this.house.ask('POST', path, this.house.organizer, body);
    expect([status, made.code]).toEqual([201, undefined]);
    return made.packageId;
  }

  reserve(id = this.packageId, more: object = {}, key = randomUUID()): Promise<Answer> {
    const body = { quantity: 2, ...more };
    return this.house.ask('POST', `/v1/bundles/${id}/reserve`, this.buyer, body, key);
  }

  /** Reserves and orders two; answers the bundle as it then is. */
  async order(token = 'pm_card_visa', id = this.packageId, codes: object = {}) {
    const { body: held } = await this.reserve(id);
    const { status, body: begun } = await this.checkout(held.bundleId, {
      ...card(token),
      ...codes,
    });
    expect([status, begun.code]).toEqual([202, undefined]);
    return this.read(held.bundleId);
  }

  checkout(bundleId: string, more: object): Promise<Answer> {
    const body = { bundleId, ...more };
    return this.house.ask('POST', '/v1/bundles/checkout', this.buyer, body);
  }

  quote(bundleId: string, codes: object): Promise<Answer> {
    return this.house.ask('POST', `/v1/bundle-orders/${bundleId}/quote`, this.buyer, codes);
  }

  /** A promo code of the events' organizer. */
  async promo(fields: object): Promise<{ promoId: string; code: string }> {
    const body = { code: `c-${randomUUID().slice(0, 8)}`, ...fields };
    const path = '/v1/organizer/promo-codes';
    const { body: made, status } = await this.house.ask('POST', path, this.house.organizer, body);
    expect([status, made.code]).toEqual([201, body.code]);
    return made;
  }

  /** A gift voucher of theirs. */
  async voucher(amount: number): Promise<{ voucherId: string; code: string }> {
    const path = '/v1/organizer/vouchers';
    const wish = { amount, currency: 'EUR' };
    const { body } = await this.house.ask('POST', path, this.house.organizer, wish);
    return body.vouchers[0];
  }

  async balance(code: string): Promise<number> {
    const { body } = await this.house.ask('POST', '/v1/vouchers/balance', this.buyer, { code });
    return body.balance.amount;
  }

  async used(promoId: string): Promise<number> {
    const path = `/v1/organizer/promo-codes/${promoId}`;
    return (await this.house.ask('GET', path, this.house.organizer)).body.used;
  }

  async read(bundleId: string) {
    const path = `/v1/bundle-orders/${bundleId}?wait=15`;
    return (await this.house.ask('GET', path, this.buyer)).body;
  }

  async free(eventId = this.events[0]): Promise<number> {
    const { body } = await this.house.ask('GET', `/v1/events/${eventId}/availability`);
    return body.counts.available;
  }

  /** What is free once the view has followed what went before. */
  async atRest(): Promise<number> {
    for (let last = await this.free(); ; ) {
      await systemClock.sleep(500);
      const now = await this.free();
      if (now === last) return now;
      last = now;
    }
  }

  /** Views of seats follow within a moment. */
  async becomesFree(count: number): Promise<void> {
    for (let look = 0; look < 50 && (await this.free()) !== count; look++)
      await systemClock.sleep(50);
    expect(await this.free()).toBe(count);
  }

  /** The bundle once it has this status. */
  async settled(bundleId: string, status: string) {
    for (let look = 0; look < 200; look++) {
      const now = await this.read(bundleId);
      if (now.status === status) return now;
      await systemClock.sleep(50);
    }
    throw new Error(`${bundleId} is ${(await this.read(bundleId)).status}, not ${status}`);
  }

  /** Waits until no booking has anything left to do. */
  async quiet(): Promise<void> {
    const bookings = this.#database.db.collection('bookings');
    for (let look = 0; look < 200; look++) {
      if ((await bookings.countDocuments({ dueAt: { $exists: true } })) === 0) return;
      await systemClock.sleep(50);
    }
  }
}
