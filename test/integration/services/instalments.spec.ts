import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceSchema } from 'moleculer';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import type { PublicEvent } from '#contracts/event-schemas.ts';
import { makeId } from '#domain/ids.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Plans = PublicEvent['instalmentPlans'];

/** A catalogue in which every event has the plans that are set for it and starts in a month. */
const catalogue = (offers: ReadonlyMap<string, Plans>): ServiceSchema => ({
  name: 'catalogue',
  actions: {
    event: ({ params }: { params: { eventId: string } }): PublicEvent => ({
      eventId: params.eventId,
      title: 'A play',
      category: 'theatre',
      performers: [],
      startsAt: new Date(Date.now() + 30 * 24 * 3_600_000).toISOString(),
      endsAt: new Date(Date.now() + 31 * 24 * 3_600_000).toISOString(),
      zone: 'UTC',
      organizerId: makeId('organizer', systemIds.ulid()),
      venue: {
        venueId: makeId('venue', systemIds.ulid()),
        organizerId: makeId('organizer', systemIds.ulid()),
        name: 'The house',
        address: 'A street 1',
        city: 'Vienna',
        zip: '1010',
        country: 'AT',
        zone: 'UTC',
      },
      status: 'published',
      saleState: 'on-sale',
      sale: {},
      currency: 'EUR',
      prices: [],
      fees: [],
      taxes: [],
      limits: { ticketsPerBuyer: 8, holdTtlSeconds: 600 },
      refundRules: {
        tiers: [{ untilHoursBefore: 0, basisPoints: 10_000 }],
        feePerTicket: 0,
        returnServiceFees: true,
      },
      instalmentPlans: offers.get(params.eventId) ?? [],
      chartVersion: 1,
      places: 40,
      counts: null,
    }),
  },
});

describeWith(['mongod', 'nats-server'], 'payment in instalments, over HTTP', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;
  const offers = new Map<string, Plans>();

  /** Plans whose parts are due in seconds: 40 % now, 30 % after each. */
  const plansAt = (...seconds: readonly number[]) => [
    {
      planId: 'soon',
      parts: seconds.length + 1,
      firstBasisPoints: 4_000,
      dates: seconds.map((s) => new Date(Date.now() + s * 1_000).toISOString()),
      lastDueDaysBefore: 7,
      minTotal: 5_000,
      fee: 500,
      admitsBeforePaid: false,
      retryAfterDays: [3, 4],
      cancelFee: 1_000,
    },
  ];

  beforeAll(async () => {
    database = await testDatabase('instalments');
    cluster = await startBookings(database);
    for (const node of cluster.cores) node.createService(catalogue(offers));
    for (const node of cluster.cores) await node.waitForServices('catalogue', 10_000);
    ada = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const checkout = async (token: string, ...seconds: readonly number[]) => {
    const eventId = await cluster.openEvent();
    offers.set(eventId, plansAt(...seconds));
    const { holdId: reservationId } = await cluster.hold(eventId, ada, ['A-1', 'A-2']);
    const payment = { method: 'card', token, plan: 'soon' };
    const { body } = await cluster.ask('POST', '/v1/checkout', ada, { reservationId, payment });
    return { eventId, reservationId, bookingId: body.bookingId as string };
  };
  const parts = ({ payment }: BookingView): string[] =>
    (payment.instalments?.parts ?? []).map(({ amount, status }) => `${amount.amount} ${status}`);
  const agrees = async (eventId: string) => {
    const { findings } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
  };

  it('shows what the parts would be before anything is bought', async () => {
    const eventId = await cluster.openEvent();
    offers.set(eventId, [
      ...plansAt(3_600, 7_200),
      ...plansAt(2_600_000).map((plan) => ({ ...plan, planId: 'late' })),
    ]);
    const { holdId } = await cluster.hold(eventId, ada, ['A-1', 'A-2']);
    const path = `/v1/reservations/${holdId}/instalment-plans`;
    const { status, body } = await cluster.ask('GET', path, ada);
    expect(status).toBe(200);
    expect(body.plans).toMatchObject([
      {
        planId: 'soon',
        available: true,
        fee: { amount: 500 },
        total: { amount: 10_500 },
        instalments: [
          { amount: { amount: 4_200 } },
          { amount: { amount: 3_150 } },
          { amount: { amount: 3_150 } },
        ],
      },
      { planId: 'late', available: false, reason: expect.stringContaining('too near') },
    ]);
    const wrong = { method: 'card', token: 'pm_card_visa', plan: 'no-such' };
    const answer = await cluster.ask('POST', '/v1/checkout', ada, {
      reservationId: holdId,
      payment: wrong,
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid-request']);
  });

  it('sells with the first part and charges the saved card for the rest on the dates', async () => {
    const { eventId, bookingId } = await checkout('pm_card_visa', 6, 8);
    const first = await cluster.until(bookingId, ada, ({ status }) => status === 'confirmed');
    expect(parts(first)).toEqual(['4200 paid', '3150 due', '3150 due']);
    expect(first.tickets.map(({ usable }) => usable)).toEqual([false, false]);
    await agrees(eventId);
    const last = await cluster.until(
      bookingId,
      ada,
      ({ payment }) => payment.instalments?.outstanding.amount === 0,
    );
    expect(parts(last)).toEqual(['4200 paid', '3150 paid', '3150 paid']);
    expect(last.tickets.map(({ usable }) => usable)).toEqual([undefined, undefined]);
    await agrees(eventId);
    const payments = database.db.collection('payments');
    expect(await payments.countDocuments({ bookingId, captured: { $gt: 0 } })).toBe(3);
    const mails = database.db.collection<{ _id: string; kind: string }>('messages');
    const announced = { _id: { $regex: `^${bookingId}:` }, kind: 'instalment-coming' };
    expect(await mails.distinct('_id', announced)).toEqual([
      `${bookingId}:coming-2`,
      `${bookingId}:coming-3`,
    ]);
    const [core] = cluster.cores;
    if (core === undefined) throw new Error('no core node');
    const { findings } = await call(core, 'payments.reconcile', { olderThanMs: 0, safeAgeMs: 0 });
    expect(findings).toEqual([]);
  }, 60_000);

  it('tells the buyer of a charge that failed, who pays with another card', async () => {
    const { eventId, bookingId } = await checkout('pm_card_authenticationRequired', 6, 3_600);
    const acting = await cluster.until(
      bookingId,
      ada,
      ({ status }) => status === 'requires_action',
    );
    await fetch(acting.payment.nextActionUrl ?? '', {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ outcome: 'complete' }),
    });
    const failed = await cluster.until(bookingId, ada, (view) => parts(view)[1] === '3150 failed');
    expect(failed.status).toBe('confirmed');
    await agrees(eventId);
    const mails = database.db.collection<{ _id: string; kind: string }>('messages');
    const told = await mails.findOne({ _id: { $regex: `^${bookingId}:failed` } });
    expect(told?.kind).toBe('instalment-failed');
    const pay = { payment: { method: 'card', token: 'pm_card_mastercard' } };
    const path = `/v1/bookings/${bookingId}/instalments`;
    const { status } = await cluster.ask('POST', `${path}/2/pay`, ada, pay, 'pay-2');
    expect(status).toBe(202);
    const paid = await cluster.until(bookingId, ada, (view) => parts(view)[1] === '3150 paid');
    expect(parts(paid)).toEqual(['4200 paid', '3150 paid', '3150 due']);
    // Paying off early: everything up to the last one.
    expect((await cluster.ask('POST', `${path}/3/pay`, ada, pay, 'pay-3')).status).toBe(202);
    await cluster.until(
      bookingId,
      ada,
      ({ payment }) => payment.instalments?.outstanding.amount === 0,
    );
    await agrees(eventId);
  }, 60_000);

  it('cancels with several captured payments, the newest back first', async () => {
    const { eventId, bookingId } = await checkout('pm_card_visa', 3_600, 7_200);
    await cluster.until(bookingId, ada, ({ status }) => status === 'confirmed');
    const pay = { payment: { method: 'card', token: 'pm_card_mastercard' } };
    await cluster.ask('POST', `/v1/bookings/${bookingId}/instalments/2/pay`, ada, pay);
    await cluster.until(bookingId, ada, (view) => parts(view)[1] === '3150 paid');
    const cancelled = await cluster.ask('POST', `/v1/bookings/${bookingId}/cancel`, ada, {});
    expect(cancelled.body.refund.amount.amount).toBe(7_350);
    const over = await cluster.until(bookingId, ada, ({ status }) => status === 'refunded');
    expect(over.refunds.map(({ amount }) => amount.amount)).toEqual([3_150, 4_200]);
    expect(over.payment.instalments?.outstanding.amount).toBe(0);
    await agrees(eventId);
  }, 60_000);
});
