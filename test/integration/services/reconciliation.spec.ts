import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { PaymentProvider, ProviderIntent } from '#adapters/payments/port.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import type { BookingDocument } from '#adapters/store/booking-documents.ts';
import { call } from '#broker/call.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const money = { amount: 5_000, currency: 'EUR' };

describeWith(['mongod', 'nats-server'], 'reconciliation', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let provider: PaymentProvider;
  let buyer: Buyer;
  let eventId: string;

  beforeAll(async () => {
    database = await testDatabase('reconciliation');
    cluster = await startBookings(database);
    const { url: apiBase } = cluster.simulator;
    const keys = { secretKey: 'sk_test_x', webhookSecret: 'whsec_test' };
    provider = createStripe({ ...keys, apiBase, clock: systemClock });
    buyer = await cluster.buyer();
    eventId = await cluster.openEvent();
  }, 60_000);

  afterAll(async () => {
    provider?.close();
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const broker = () => {
    const [first] = cluster.cores;
    if (first === undefined) throw new Error('no core node');
    return first;
  };
  const run = (options: object = {}) =>
    call(broker(), 'payments.reconcile', { olderThanMs: 0, safeAgeMs: 0, ...options });
  const of = async (intentId: string, options: object = {}) => {
    const { findings } = await run(options);
    return findings.find((finding) => finding.intentId === intentId);
  };
  const booking = async (bookingId: string) => {
    const found = await database.db
      .collection<BookingDocument>('bookings')
      .findOne({ _id: bookingId });
    if (found === null) throw new Error('no such booking');
    return found;
  };
  /** An intent at the provider that our system did not make. */
  const intent = async (
    named: { readonly bookingId: string; readonly eventId: string; readonly attempt?: number },
    captured = true,
  ): Promise<ProviderIntent> => {
    const order = { attempt: 1, ...named, buyerId: buyer.userId, amount: money };
    const { intentId } = await provider.createIntent(order);
    const confirmation = { ...order, intentId, token: 'pm_card_visa', returnUrl: 'http://a.test' };
    const confirmed = await provider.confirm(confirmation);
    return captured ? provider.capture(intentId) : confirmed;
  };
  const unknownBooking = (event = eventId) => ({
    eventId: event,
    bookingId: makeScopedId('booking', event, systemIds.ulid()),
  });
  const until = async (bookingId: string, status: string): Promise<BookingDocument> => {
    for (let look = 0; look < 200; look++) {
      const found = await booking(bookingId);
      if (found.step === 'done' && found.status === status) return found;
      await systemClock.sleep(50);
    }
    throw new Error(`not ${status}: ${JSON.stringify(await booking(bookingId))}`);
  };
  const buy = async (seat: string, token = 'pm_card_visa'): Promise<BookingDocument> => {
    const { holdId: reservationId } = await cluster.hold(eventId, buyer, [seat]);
    const body = { reservationId, payment: { method: 'card', token } };
    const { body: started } = await cluster.ask('POST', '/v1/checkout', buyer, body);
    return until(started.bookingId, 'confirmed');
  };
  const intentIdOf = (b: BookingDocument): string => b.attempts.at(-1)?.intentId ?? '';
  const mistakes = async () => (await checkBooks(database.db)).mistakes;

  it('lets go of an authorisation without a booking', async () => {
    const { intentId } = await intent(unknownBooking(), false);
    expect(await of(intentId)).toMatchObject({
      problem: 'authorised-without-booking',
      outcome: 'settled',
    });
    expect((await provider.retrieve(intentId)).status).toBe('canceled');
    expect(await of(intentId)).toBeUndefined();
  });

  it('returns money without a booking, once, and books both ways', async () => {
    const named = unknownBooking();
    const { intentId } = await intent(named);
    const dry = await of(intentId, { dryRun: true });
    expect(dry).toMatchObject({ problem: 'captured-without-booking', outcome: 'would' });
    expect((await provider.retrieve(intentId)).amountRefunded).toBe(0);
    const runs = await Promise.all([of(intentId), of(intentId), of(intentId)]);
    expect(runs.some((finding) => finding?.outcome === 'settled')).toBe(true);
    expect(await of(intentId)).toBeUndefined();
    expect((await provider.refundsOf(intentId)).map(({ amount }) => amount)).toEqual([money]);
    const ledger = await database.db.collection('ledger').find(named).toArray();
    expect(ledger.map(({ kind }) => kind).sort()).toEqual(['refund', 'stray-cash']);
    expect(await mistakes()).toEqual([]);
  });

  it('leaves what is young, and what is not ours', async () => {
    const { intentId } = await intent(unknownBooking());
    expect(await of(intentId, { safeAgeMs: 60_000 })).toMatchObject({ outcome: 'young' });
    expect((await provider.retrieve(intentId)).amountRefunded).toBe(0);
    const foreign = await intent(unknownBooking(makeId('event', systemIds.ulid())));
    expect(await of(foreign.intentId)).toMatchObject({
      problem: 'unknown-event',
      outcome: 'person',
    });
    expect((await provider.retrieve(foreign.intentId)).amountRefunded).toBe(0);
    await database.db.collection<{ _id: string }>('reconciliation_watch').deleteMany({});
    await provider.refund({
      bookingId: 'x',
      intentId: foreign.intentId,
      amount: money,
      refundKey: 'x',
    });
  }, 20_000);

  it('returns a second capture of a booking and leaves its sale', async () => {
    const b = await buy('A-1');
    const { intentId } = await intent({ bookingId: b._id, eventId, attempt: 9 });
    expect(await of(intentId)).toMatchObject({
      problem: 'captured-without-tickets',
      outcome: 'begun',
    });
    await until(b._id, 'confirmed');
    expect((await provider.retrieve(intentId)).amountRefunded).toBe(5_000);
    expect((await provider.retrieve(intentIdOf(b))).amountRefunded).toBe(0);
    expect(await of(intentId)).toBeUndefined();
    expect(await mistakes()).toEqual([]);
  });

  it('lets go of an open intent of a booking that has ended', async () => {
    const b = await buy('A-2');
    const { intentId } = await intent({ bookingId: b._id, eventId, attempt: 9 }, false);
    expect(await of(intentId)).toMatchObject({ problem: 'open-after-end', outcome: 'settled' });
    expect((await provider.retrieve(intentId)).status).toBe('canceled');
  });

  it('books a refund that was made past us', async () => {
    const b = await buy('A-3');
    const intentId = intentIdOf(b);
    const amount = { ...money, amount: 1_500 };
    await provider.refund({ bookingId: 'x', intentId, amount, refundKey: 'by-hand' });
    expect(await of(intentId)).toMatchObject({
      problem: 'refund-not-booked',
      amount,
      outcome: 'begun',
    });
    await until(b._id, 'confirmed');
    expect(await of(intentId)).toBeUndefined();
    expect(await mistakes()).toEqual([]);
  });

  it('gives tickets without a payment to a person and voids nothing', async () => {
    const b = await buy('A-4');
    const paid = intentIdOf(b);
    const { intentId } = await intent({ bookingId: b._id, eventId, attempt: 9 }, false);
    await provider.cancel(intentId);
    const bookings = database.db.collection<BookingDocument>('bookings');
    const name = (id: string) =>
      bookings.updateOne({ _id: b._id }, { $set: { 'attempts.0.intentId': id } });
    await name(intentId);
    // Old enough for a person, too young for anything that is done by itself.
    const report = await run({ safeAgeMs: 60_000 });
    expect(report.findings.find((finding) => finding.intentId === intentId)).toMatchObject({
      problem: 'tickets-without-payment',
      outcome: 'person',
    });
    expect(report.needsPerson).toBe(1);
    const tickets = await database.db.collection('tickets').find({ bookingId: b._id }).toArray();
    expect(tickets.map(({ status }) => status)).toEqual(['valid']);
    await name(paid);
    expect((await run()).needsPerson).toBe(0);
  });

  it('shows its last report to support only', async () => {
    const deep = await run({ mode: 'deep' });
    expect(deep.complete).toBe(true);
    expect((await cluster.ask('GET', '/v1/support/reconciliation', buyer)).status).toBe(403);
    const meta = {
      caller: { userId: buyer.userId, roles: ['support'], organizerIds: [] },
    } as const;
    const last = await call(broker(), 'payments.reconciliation', { mode: 'deep' }, { meta });
    expect(last).toEqual(deep);
  });
});
