import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { collections } from '#adapters/store/booking-documents.ts';
import { call } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const card = (token = 'pm_card_visa') => ({ method: 'card', token });

describeWith(['mongod', 'nats-server'], 'bookings over HTTP, on two core nodes', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;
  let bob: Buyer;

  beforeAll(async () => {
    database = await testDatabase('bookings-service');
    cluster = await startBookings(database);
    [ada, bob] = await Promise.all([cluster.buyer(), cluster.buyer()]);
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const held = async (seats = ['A-1', 'A-2'], free = false) => {
    const eventId = await cluster.openEvent(free);
    const { holdId: reservationId } = await cluster.hold(eventId, ada, seats);
    return { eventId, reservationId };
  };
  const checkout = (reservationId: string, token?: string, key?: string, buyer = ada) =>
    cluster.ask('POST', '/v1/checkout', buyer, { reservationId, payment: card(token) }, key);
  const read = async (bookingId: string, query = '?wait=10'): Promise<BookingView> =>
    (await cluster.ask('GET', `/v1/bookings/${bookingId}${query}`, ada)).body;
  const booked = async (seats?: string[]) => {
    const hold = await held(seats);
    const { body } = await checkout(hold.reservationId);
    const booking = await read(body.bookingId);
    expect(booking.status).toBe('confirmed');
    return { ...hold, booking };
  };
  const agrees = async (eventId: string): Promise<Record<string, number>> => {
    const { findings, figures } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
    return { ...figures };
  };

  it('turns a hold into tickets', async () => {
    const { reservationId, eventId } = await held();
    const started = await checkout(reservationId);
    expect([started.status, started.body.status]).toEqual([202, 'pending']);
    const { bookingId } = started.body;
    expect(started.headers.get('location')).toBe(`/v1/bookings/${bookingId}`);
    const booking = await read(bookingId);
    expect(booking).toMatchObject({
      status: 'confirmed',
      reservationId,
      eventId,
      total: { amount: 10_000, currency: 'EUR' },
      payment: { status: 'succeeded' },
    });
    expect(booking.tickets.map((t) => [t.seat.id, t.status])).toEqual([
      ['A-1', 'valid'],
      ['A-2', 'valid'],
    ]);
    const figures = await agrees(eventId);
    expect(figures).toMatchObject({
      sold: 2,
      'active tickets': 2,
      'captured (minor units)': 10_000,
    });
  });

  it('hands the confirmation over to the messages, once', async () => {
    const { booking } = await booked();
    const key = `${booking.bookingId}:confirmed`;
    const outbox = database.db.collection<{ _id: string; state: string }>(collections.outbox);
    const state = async () => (await outbox.findOne({ _id: key }))?.state;
    for (let i = 0; i < 50 && (await state()) !== 'done'; i++)
      await new Promise((r) => setTimeout(r, 100));
    expect(await state()).toBe('done');
    const messages = database.db.collection<{ _id: string }>('messages');
    expect(await messages.countDocuments({ _id: key })).toBe(1);
  });

  it('asks no payment for what costs nothing', async () => {
    const { reservationId, eventId } = await held(['A-1'], true);
    const { status, body } = await cluster.ask('POST', '/v1/checkout', ada, { reservationId });
    expect(status).toBe(202);
    expect(await read(body.bookingId)).toMatchObject({
      status: 'confirmed',
      payment: { status: 'not_required' },
    });
    await agrees(eventId);
  });

  it('answers the same request with the same booking, and runs it once', async () => {
    const { reservationId, eventId } = await held();
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => checkout(reservationId, undefined, key)));
    expect(answers.map((a) => a.status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map((a) => a.body.bookingId)).size).toBe(1);
    await read(answers[0]?.body.bookingId);
    const again = await checkout(reservationId, undefined, key);
    expect([again.status, again.body]).toEqual([202, answers[0]?.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(`/v1/bookings/${again.body.bookingId}`);
    const first = answers.filter(({ headers }) => headers.get('idempotent-replayed') === null);
    expect(first).toHaveLength(1);
    expect(await agrees(eventId)).toMatchObject({ payments: 1, bookings: 1 });
  });

  it('refuses a key that came before with another body, of the same event or another', async () => {
    const { reservationId, eventId } = await held();
    const key = randomUUID();
    expect((await checkout(reservationId, undefined, key)).status).toBe(202);
    const { holdId: beside } = await cluster.hold(eventId, ada, ['B-1']);
    const { reservationId: elsewhere } = await held();
    for (const [other, token] of [[reservationId, 'pm_card_mastercard'], [beside], [elsewhere]]) {
      const { status, body } = await checkout(other ?? '', token, key);
      expect([status, body.code]).toEqual([422, 'idempotency-key-reused']);
    }
    const bookings = database.db.collection(collections.bookings);
    const of = { reservationId: { $in: [beside, elsewhere] } };
    expect(await bookings.countDocuments(of)).toBe(0);
  });

  it('lets one of several checkouts of a reservation begin', async () => {
    const { reservationId, eventId } = await held();
    const answers = await Promise.all([1, 2, 3, 4].map(() => checkout(reservationId)));
    expect(answers.filter((a) => a.status === 202)).toHaveLength(1);
    for (const { body } of answers.filter((a) => a.status !== 202)) {
      expect(['checkout-in-progress', 'already-booked']).toContain(body.code);
    }
    await read(answers.find((a) => a.status === 202)?.body.bookingId);
    expect((await checkout(reservationId)).body.code).toBe('already-booked');
    expect(await agrees(eventId)).toMatchObject({ bookings: 1, 'active tickets': 2 });
  });

  it('gives a declined buyer another attempt of the same booking', async () => {
    const { reservationId, eventId } = await held();
    const first = await checkout(reservationId, 'pm_card_visa_chargeDeclined');
    const { bookingId } = first.body;
    expect(await read(bookingId)).toMatchObject({
      status: 'declined',
      tickets: [],
      payment: { declineCode: 'generic_decline' },
    });
    const second = await checkout(reservationId);
    expect([second.status, second.body]).toEqual([202, { bookingId, status: 'pending' }]);
    expect((await read(bookingId)).status).toBe('confirmed');
    expect(await agrees(eventId)).toMatchObject({ payments: 2, 'captured (minor units)': 10_000 });
  });

  it('waits for 3-D Secure and goes on when the bank reports', async () => {
    const { reservationId, eventId } = await held();
    const { body } = await checkout(reservationId, 'pm_card_threeDSecure2Required');
    const waiting = await read(body.bookingId);
    expect(waiting.status).toBe('requires_action');
    expect(waiting.payment.clientSecret).toMatch(/_secret_/);
    const after = read(body.bookingId, '?wait=10&from=requires_action');
    await fetch(waiting.payment.nextActionUrl ?? '', {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ outcome: 'complete' }),
      redirect: 'manual',
    });
    expect((await after).status).not.toBe('requires_action');
    expect((await read(body.bookingId)).status).toBe('confirmed');
    await agrees(eventId);
  });

  it('holds an answer back as long as asked, and no longer', async () => {
    const { reservationId } = await held();
    const { body } = await checkout(reservationId, 'pm_card_threeDSecure2Required');
    expect((await read(body.bookingId)).status).toBe('requires_action');
    const before = performance.now();
    const view = await read(body.bookingId, '?wait=4&from=requires_action');
    expect(view.status).toBe('requires_action');
    expect(performance.now() - before).toBeGreaterThan(3_900);
    expect(performance.now() - before).toBeLessThan(6_000);
  });

  it('undoes the sale when the bank refuses the capture', async () => {
    const { reservationId, eventId } = await held();
    const { body } = await checkout(reservationId, 'pm_card_usher_captureDeclined');
    const booking = await read(body.bookingId);
    expect(booking).toMatchObject({ status: 'cancelled', reason: 'capture-failed', tickets: [] });
    expect(await agrees(eventId)).toMatchObject({ sold: 0, available: 40, 'active tickets': 0 });
  });

  it('cancels a booking: all of it back, the seats on sale again', async () => {
    const { booking, eventId } = await booked();
    const path = `/v1/bookings/${booking.bookingId}/cancel`;
    const key = randomUUID();
    const answer = await cluster.ask('POST', path, ada, {}, key);
    expect([answer.status, answer.body]).toEqual([
      202,
      {
        bookingId: booking.bookingId,
        status: 'cancelled',
        refund: { amount: { amount: 10_000, currency: 'EUR' }, status: 'pending' },
        kept: { amount: 0, currency: 'EUR' },
      },
    ]);
    expect((await cluster.ask('POST', path, ada, {}, key)).body).toEqual(answer.body);
    const after = await read(booking.bookingId, '?wait=10&from=cancelled');
    expect(after.status).toBe('refunded');
    expect(after.tickets.map((t) => t.status)).toEqual(['cancelled', 'cancelled']);
    expect((await cluster.ask('POST', path, ada, {})).body.code).toBe('not-cancellable');
    expect(await agrees(eventId)).toMatchObject({
      available: 40,
      sold: 0,
      'refunded (minor units)': 10_000,
    });
  });

  it('cancels one ticket of two at its price', async () => {
    const { booking, eventId } = await booked();
    const path = `/v1/bookings/${booking.bookingId}/cancel`;
    const tickets = [booking.tickets[0]?.ticketId];
    const answer = await cluster.ask('POST', path, ada, { tickets });
    expect(answer.body).toMatchObject({
      status: 'partially_refunded',
      refund: { amount: { amount: 5_000 } },
    });
    expect(await agrees(eventId)).toMatchObject({ sold: 1, 'refunded (minor units)': 5_000 });
    expect((await read(booking.bookingId)).refunds).toMatchObject([{ status: 'succeeded' }]);
  });

  it('keeps a booking from everybody else', async () => {
    const { booking, reservationId } = await booked();
    const { bookingId } = booking;
    const asBob = [
      await cluster.ask('GET', `/v1/bookings/${bookingId}`, bob),
      await cluster.ask('POST', `/v1/bookings/${bookingId}/cancel`, bob, {}),
      await checkout(reservationId, undefined, undefined, bob),
    ];
    expect(asBob.map((a) => [a.status, a.body.code])).toEqual(Array(3).fill([404, 'not-found']));
    expect((await cluster.ask('GET', '/v1/bookings', bob)).body.items).toEqual([]);
    expect((await cluster.ask('GET', `/v1/bookings/${bookingId}`)).status).toBe(401);
  });

  it('decides 404, 410 and 422 before a booking is written', async () => {
    const { eventId, reservationId } = await held();
    const unknown = reservationId.replace(/.{5}$/, '00000');
    expect((await checkout(unknown)).body.code).toBe('not-found');
    const without = await cluster.ask('POST', '/v1/checkout', ada, { reservationId });
    expect([without.status, without.body.code]).toEqual([422, 'invalid-request']);
    const promo = { reservationId, payment: card(), promoCode: 'SUMMER' };
    expect((await cluster.ask('POST', '/v1/checkout', ada, promo)).status).toBe(422);
    const bookings = database.db.collection(collections.bookings);
    expect(await bookings.countDocuments({ eventId })).toBe(0);
  });

  it('lists my bookings, newest first, page by page', async () => {
    const carol = await cluster.buyer();
    const eventId = await cluster.openEvent();
    const ids: string[] = [];
    for (const seat of ['A-1', 'A-3', 'A-5']) {
      const { holdId } = await cluster.hold(eventId, carol, [seat]);
      const { body } = await checkout(holdId, undefined, undefined, carol);
      await cluster.ask('GET', `/v1/bookings/${body.bookingId}?wait=10`, carol);
      ids.unshift(body.bookingId);
    }
    const first = (await cluster.ask('GET', '/v1/bookings?limit=2', carol)).body;
    const rest = await cluster.ask('GET', `/v1/bookings?cursor=${first.nextCursor}`, carol);
    const seen = [...first.items, ...rest.body.items].map((b: BookingView) => b.bookingId);
    expect(seen).toEqual(ids);
    expect(rest.body.nextCursor).toBeNull();
    const wrong = await cluster.ask('GET', '/v1/bookings?cursor=nonsense', carol);
    expect([wrong.status, wrong.body.code]).toEqual([422, 'invalid-request']);
  });

  it('is found by its payment, and looks again when told', async () => {
    const { booking } = await booked();
    const payments = database.db.collection<{ bookingId: string; intentId: string }>('payments');
    const intentId = (await payments.findOne({ bookingId: booking.bookingId }))?.intentId ?? '';
    const [core] = cluster.cores;
    if (core === undefined) throw new Error('no core node');
    const { bookingId } = booking;
    expect(await call(core, 'bookings.byPayment', { intentId, bookingId })).toMatchObject({
      booking: { bookingId, finished: true, validTickets: 2, refundPending: 0 },
    });
    const unknown = `${bookingId.slice(0, -4)}0000`;
    expect(await call(core, 'bookings.byPayment', { intentId, bookingId: unknown })).toEqual({
      booking: null,
      stray: { captured: 0, refunded: 0 },
    });
    expect(await call(core, 'bookings.paymentChanged', { bookingId })).toEqual({ known: true });
    expect((await read(bookingId)).status).toBe('confirmed');
  });

  it('reminds each booking once, when its event is near', async () => {
    const { booking } = await booked();
    const bookings = database.db.collection<{ _id: string }>(collections.bookings);
    const inTwoHours = Date.now() + 2 * 3_600_000;
    const event = { name: 'Tosca', startsAt: inTwoHours, timeZone: 'UTC', venue: 'Opera' };
    await bookings.updateOne({ _id: booking.bookingId }, { $set: { event } });
    const events = database.db.collection<{ _id: string }>('events');
    const starts = { $set: { startsAt: inTwoHours } };
    await events.updateOne({ _id: booking.eventId }, starts, { upsert: true });
    const [core] = cluster.cores;
    if (core === undefined) throw new Error('no core node');
    const remind = (withinMs: number) => call(core, 'bookings.reminders', { withinMs });
    expect(await remind(3_600_000)).toEqual({ queued: 0, more: false });
    expect(await remind(3 * 3_600_000)).toEqual({ queued: 1, more: false });
    expect(await remind(3 * 3_600_000)).toEqual({ queued: 0, more: false });
    const outbox = database.db.collection<{ _id: string; kind: string }>(collections.outbox);
    const message = await outbox.findOne({ _id: `${booking.bookingId}:reminder` });
    expect(message).toMatchObject({ kind: 'booking-reminder', data: { event } });
  });

  it('sells every seat once while buyers contend on both nodes', async () => {
    const eventId = await cluster.openEvent();
    const seats = Array.from({ length: 20 }, (_, i) => `A-${i + 1}`);
    const holds = await Promise.all(
      seats.map((seat) => cluster.hold(eventId, ada, [seat]).catch(() => null)),
    );
    const mine = holds.filter((hold) => hold !== null);
    expect(mine).toHaveLength(2);
    const buyers: Buyer[] = [];
    while (buyers.length < 9) buyers.push(await cluster.buyer());
    const bookingIds: [Buyer, string][] = [];
    await Promise.all(
      buyers.map(async (buyer, i) => {
        const wanted = [`B-${2 * i + 1}`, `B-${2 * i + 2}`];
        const { holdId } = await cluster.hold(eventId, buyer, wanted);
        const { body } = await checkout(holdId, undefined, undefined, buyer);
        bookingIds.push([buyer, body.bookingId]);
      }),
    );
    for (const [buyer, id] of bookingIds) {
      const { body } = await cluster.ask('GET', `/v1/bookings/${id}?wait=10`, buyer);
      expect(body.status).toBe('confirmed');
    }
    expect(await agrees(eventId)).toMatchObject({ sold: 18, 'active tickets': 18 });
  });
});
