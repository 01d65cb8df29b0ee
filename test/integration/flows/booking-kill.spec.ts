import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import {
  type BookingDocument,
  collections,
  type OutboxDocument,
} from '#adapters/store/booking-documents.ts';
import { call } from '#broker/call.ts';
import type { Message } from '#domain/booking-messages.ts';
import { makeScopedId } from '#domain/ids.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { type Errand, runErrand } from '#test/integration/flows/mortal.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const atOnce = 4;

/**
 * Core nodes in processes of their own are killed at every call of their ports; two nodes that
 * live take over what they leave.
 */
describeWith(['mongod', 'nats-server'], 'a core node that is killed at any of its calls', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let buyer: Buyer;

  beforeAll(async () => {
    database = await testDatabase('booking-kill');
    cluster = await startBookings(database);
    buyer = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const bookings = () => database.db.collection<BookingDocument>('bookings');
  const core = () => {
    const [first] = cluster.cores;
    if (first === undefined) throw new Error('no core node');
    return first;
  };
  const until = async (holds: () => Promise<unknown>, ms = 60_000): Promise<void> => {
    for (const end = Date.now() + ms; !(await holds()); await systemClock.sleep(100)) {
      if (Date.now() > end) throw new Error('it did not happen in time');
    }
  };
  const rested = (bookingId: string, statuses: readonly string[]) => async () => {
    const found = await bookings().findOne({ _id: bookingId });
    return found !== null && found.dueAt === undefined && statuses.includes(found.status);
  };
  const errand = (task: Errand['task'], dieAt: number, does: Errand['does']) =>
    runErrand({
      mongodbUri: database.uri,
      natsUrl: natsUrl(),
      namespace: core().namespace,
      apiBase: cluster.simulator.url,
      dieAt,
      does,
      task,
    });
  /**
   * Kills before the first call and behind every one, until one is past the last: between two calls
   * nothing is changed, so that behind one is before the next. Answers how many kills that were.
   */
  const killEverywhere = async (
    play: (dieAt: number, does: Errand['does']) => Promise<'killed' | 'done'>,
  ): Promise<number> => {
    let kills = (await play(1, 'die-before')) === 'killed' ? 1 : 0;
    for (let first = 1, over = false; !over; first += atOnce) {
      const some = Array.from({ length: atOnce }, (_, i) => play(first + i, 'die-after'));
      const ends = await Promise.all(some);
      kills += ends.filter((end) => end === 'killed').length;
      over = ends.includes('done');
    }
    return kills;
  };
  const held = async () => {
    const eventId = await cluster.openEvent();
    const hold = await cluster.hold(eventId, buyer, ['A-1', 'A-2']);
    return { hold, bookingId: makeScopedId('booking', eventId, systemIds.ulid()) };
  };
  const bought = async (token: string, statuses: readonly string[]): Promise<string> => {
    const { hold } = await held();
    const body = { reservationId: hold.holdId, payment: { method: 'card', token } };
    const { body: started } = await cluster.ask('POST', '/v1/checkout', buyer, body);
    await until(async () => {
      const found = await bookings().findOne({ _id: started.bookingId });
      return found !== null && statuses.includes(found.status) && found.step !== 'settle';
    });
    return started.bookingId;
  };
  /** Nothing is charged without tickets or twice, and nothing is left open. */
  const inOrder = async (): Promise<void> => {
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
    const report = await call(core(), 'payments.reconcile', { olderThanMs: 0, mode: 'deep' });
    expect(report.findings).toEqual([]);
  };

  it.each([
    ['sells', 'pm_card_visa', ['confirmed'], 7],
    ['closes a declined payment', 'pm_card_visa_chargeDeclined', ['declined'], 6],
    ['undoes a sale whose capture is refused', 'pm_card_usher_captureDeclined', ['cancelled'], 12],
  ])(
    '%s',
    async (_does, token, statuses, least) => {
      const begun: string[] = [];
      const kills = await killEverywhere(async (dieAt, does) => {
        const { hold, bookingId } = await held();
        const end = await errand({ do: 'checkout', bookingId, hold, token }, dieAt, does);
        // Killed before it was written, there is none.
        if ((await bookings().findOne({ _id: bookingId })) !== null) begun.push(bookingId);
        return end;
      });
      expect(kills).toBeGreaterThan(least);
      for (const bookingId of begun) {
        const over = statuses.includes('declined')
          ? declined(bookingId)
          : rested(bookingId, statuses);
        await until(over);
      }
      await inOrder();
    },
    240_000,
  );

  const declined = (bookingId: string) => async () => {
    const found = await bookings().findOne({ _id: bookingId });
    return found?.step === 'rest' && found.attempts.every(({ state }) => state === 'canceled');
  };

  it('cancels and refunds', async () => {
    const cancelled: string[] = [];
    const kills = await killEverywhere(async (dieAt, does) => {
      const bookingId = await bought('pm_card_visa', ['confirmed']);
      const end = await errand({ do: 'cancel', bookingId }, dieAt, does);
      const found = await bookings().findOne({ _id: bookingId });
      if (found?.status !== 'confirmed') cancelled.push(bookingId);
      return end;
    });
    expect(kills).toBeGreaterThan(6);
    for (const bookingId of cancelled) await until(rested(bookingId, ['refunded']));
    const tickets = await database.db
      .collection('tickets')
      .countDocuments({ bookingId: { $in: cancelled }, active: true });
    expect(tickets).toBe(0);
    await inOrder();
  }, 240_000);

  it('tries another card', async () => {
    const tried: string[] = [];
    const kills = await killEverywhere(async (dieAt, does) => {
      const bookingId = await bought('pm_card_visa_chargeDeclined', ['declined']);
      const end = await errand({ do: 'retry', bookingId }, dieAt, does);
      const found = await bookings().findOne({ _id: bookingId });
      if (found?.status !== 'declined') tried.push(bookingId);
      return end;
    });
    expect(kills).toBeGreaterThan(7);
    for (const bookingId of tried) await until(rested(bookingId, ['confirmed']));
    await inOrder();
  }, 240_000);

  it('relays a message', async () => {
    const keys: string[] = [];
    const eventId = await cluster.openEvent();
    const kills = await killEverywhere(async (dieAt, does) => {
      const key = `kill:${dieAt}:${does}`;
      keys.push(key);
      const message: Message = {
        key,
        eventId,
        kind: 'booking-reminder',
        to: { userId: buyer.userId },
        data: { bookingId: key },
      };
      return errand({ do: 'relay', message }, dieAt, does);
    });
    expect(kills).toBeGreaterThanOrEqual(3);
    const outbox = database.db.collection<OutboxDocument>(collections.outbox);
    const done = () => outbox.countDocuments({ _id: { $in: keys }, state: 'done' });
    await until(async () => (await done()) === keys.length);
    const messages = database.db.collection<{ _id: string }>('messages');
    expect(await messages.countDocuments({ _id: { $in: keys } })).toBe(keys.length);
  }, 240_000);

  it('takes a webhook', async () => {
    const ids: string[] = [];
    const kills = await killEverywhere(async (dieAt, does) => {
      const bookingId = await bought('pm_card_threeDSecure2Required', ['requires_action']);
      const found = await bookings().findOne({ _id: bookingId });
      const intentId = found?.attempts[0]?.intentId ?? '';
      const id = `evt_kill_${dieAt}_${does}`;
      ids.push(id);
      const event = {
        id,
        type: 'charge.updated',
        createdAt: Date.now(),
        intentId,
        bookingId,
      };
      return errand({ do: 'webhook', event }, dieAt, does);
    });
    expect(kills).toBeGreaterThan(3);
    const inbox = database.db.collection<{ _id: string; state: string }>('webhook_inbox');
    await until(async () => (await inbox.countDocuments({ state: 'pending' })) === 0);
  }, 240_000);
});
