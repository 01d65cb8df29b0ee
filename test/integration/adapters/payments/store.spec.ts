import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { ProviderIntent, ProviderRefund } from '#adapters/payments/port.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const intentId = 'pi_1';
const amount = { amount: 7_000, currency: 'EUR' };

const captured = (amountRefunded: number): ProviderIntent => ({
  intentId,
  status: 'succeeded',
  amount,
  amountCaptured: amount.amount,
  amountRefunded,
  createdAt: 0,
});

const refund = (status: ProviderRefund['status'], part = amount): ProviderRefund => ({
  refundId: 're_1',
  status,
  amount: part,
});

describeWith(['mongod'], 'what is noted of payments', () => {
  let database: TestDatabase;
  let store: PaymentStore;
  let bookingId: string;

  const refunded = async (): Promise<number | undefined> =>
    (await store.ofBooking(bookingId))[0]?.refunded;

  beforeEach(async () => {
    database = await testDatabase('payment-store');
    store = new PaymentStore(database.db, systemClock);
    await store.prepare();
    const eventId = makeId('event', systemIds.ulid());
    bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const buyerId = makeId('user', systemIds.ulid());
    await store.opened({ eventId, bookingId, attempt: 1, buyerId, amount }, captured(0));
  });
  afterEach(() => database.drop());

  it('counts money once that a webhook told of before the refund was answered', async () => {
    await store.seen(captured(7_000));
    await store.refunded(intentId, 'r1', refund('succeeded'));
    expect(await refunded()).toBe(7_000);
  });

  it('keeps a refund against what was read of the intent before it', async () => {
    await store.refunded(intentId, 'r1', refund('succeeded'));
    await store.seen(captured(0));
    expect(await refunded()).toBe(7_000);
  });

  it('counts a refund once that is answered again', async () => {
    await store.refunded(intentId, 'r1', refund('pending'));
    await store.refunded(intentId, 'r1', refund('succeeded'));
    expect(await refunded()).toBe(7_000);
    expect((await store.ofBooking(bookingId))[0]?.refunds).toHaveLength(1);
  });

  it('adds up refunds of parts', async () => {
    await store.refunded(intentId, 'r1', refund('succeeded', { ...amount, amount: 3_000 }));
    await store.refunded(intentId, 'r2', refund('succeeded', { ...amount, amount: 1_000 }));
    expect(await refunded()).toBe(4_000);
  });

  it('takes a refund back that failed', async () => {
    await store.refunded(intentId, 'r1', refund('pending'));
    await store.refunded(intentId, 'r1', refund('failed'));
    await store.seen(captured(0));
    expect(await refunded()).toBe(0);
  });

  it('notes money that was taken whose record a dead node has not written', async () => {
    const eventId = makeId('event', systemIds.ulid());
    const lost = makeScopedId('booking', eventId, systemIds.ulid());
    const named = { bookingId: lost, eventId, attempt: 1 };
    await Promise.all([
      store.captured({ ...captured(0), ...named, intentId: 'pi_lost' }),
      store.captured(captured(0)),
    ]);
    expect(await store.ofBooking(lost)).toMatchObject([
      { intentId: 'pi_lost', eventId, status: 'succeeded', captured: 7_000 },
    ]);
    expect(await store.ofBooking(bookingId)).toHaveLength(1);
  });

  it('keeps a refund that was noted before the money it returns', async () => {
    await store.refunded(intentId, 'r1', refund('succeeded'));
    await store.captured(captured(0));
    expect(await store.ofBooking(bookingId)).toMatchObject([
      { status: 'succeeded', captured: 7_000, refunded: 7_000 },
    ]);
  });

  it('notes money for its own intent, though the attempt has the record of another', async () => {
    const eventId = bookingId.replace('bkg', 'evt').slice(0, 30);
    const order = { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount };
    const second = { ...captured(0), intentId: 'pi_second', bookingId, eventId, attempt: 1 };
    const before = await store.ofBooking(bookingId);
    expect(await store.opened(order, { ...second, amountCaptured: 0 })).toBe(false);
    await store.captured(second);
    const after = await store.ofBooking(bookingId);
    expect(after).toContainEqual(before[0]);
    expect(after).toHaveLength(2);
    expect((await store.ofIntents(['pi_second']))[0]).toMatchObject({ captured: 7_000 });
  });

  it('notes at another node what was opened here, and many at once', async () => {
    const elsewhere = new PaymentStore(database.db, systemClock);
    const eventId = makeId('event', systemIds.ulid());
    const orders = Array.from({ length: 150 }, (_, i) => {
      const id = makeScopedId('booking', eventId, systemIds.ulid());
      const order = { eventId, bookingId: id, attempt: 1, buyerId: 'usr_x', amount };
      return {
        order,
        intent: { ...captured(0), intentId: `pi_many_${i}`, bookingId: id, eventId },
      };
    });
    await Promise.all(orders.map(({ order, intent }) => store.opened(order, intent)));
    const halves = [store, elsewhere];
    await Promise.all(orders.map(({ intent }, i) => halves[i % 2]?.captured(intent)));
    const noted = await store.ofIntents(orders.map(({ intent }) => intent.intentId));
    expect(noted.map(({ captured: sum }) => sum)).toEqual(orders.map(() => 7_000));
    const found = await Promise.all(orders.map(({ order }) => store.ofAttempt(order.bookingId, 1)));
    expect(found.map((doc) => doc?.bookingId)).toEqual(orders.map(({ order }) => order.bookingId));
  });

  it('does not note of what nobody has taken that it was seen', async () => {
    const eventId = makeId('event', systemIds.ulid());
    const stray = makeScopedId('booking', eventId, systemIds.ulid());
    await store.seen({ ...captured(0), intentId: 'pi_stray', bookingId: stray, eventId });
    expect(await store.ofBooking(stray)).toEqual([]);
  });

  it('notes what came of an intent behind the intent itself', async () => {
    const eventId = makeId('event', systemIds.ulid());
    const quick = makeScopedId('booking', eventId, systemIds.ulid());
    const intent = { ...captured(0), intentId: 'pi_quick', bookingId: quick, eventId, attempt: 1 };
    const order = { eventId, bookingId: quick, attempt: 1, buyerId: 'usr_x', amount };
    const authorised = { ...intent, status: 'requires_capture', amountCaptured: 0 } as const;
    await Promise.all([store.opened(order, authorised), store.captured(intent)]);
    expect(await store.ofBooking(quick)).toMatchObject([{ status: 'succeeded', captured: 7_000 }]);
  });
});
