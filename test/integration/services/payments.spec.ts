import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import Stripe from 'stripe';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { call } from '#broker/call.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { IntentRecord } from '#domain/reconciliation.ts';
import { createPaymentsService } from '#services/payments.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const secret = 'whsec_test';

/** Bookings that only listen: who was told to look again, and what reconciliation is answered. */
function listeningBookings() {
  const told: string[] = [];
  const known = new Map<string, IntentRecord>();
  const state = { away: false };
  const service: ServiceSchema = {
    name: 'bookings',
    actions: {
      paymentChanged: ({ params }) => {
        if (state.away) throw new UsherError('unavailable');
        told.push(params.bookingId);
        return { known: true };
      },
      byPayment: ({ params }) => {
        const booking = known.get(params.intentId);
        const stray = { captured: 0, refunded: 0 };
        if (booking === undefined) return { booking: null, stray };
        const { bookingId, eventId } = newOrder();
        const own = { bookingId, eventId, version: 1, status: 'confirmed', currency: 'EUR' };
        return { booking: { ...own, ...booking }, stray };
      },
    },
  };
  return { told, known, state, service };
}

const newOrder = () => {
  const eventId = makeId('event', systemIds.ulid());
  return {
    eventId,
    bookingId: makeScopedId('booking', eventId, systemIds.ulid()),
    attempt: 1,
    buyerId: makeId('user', systemIds.ulid()),
    amount: { amount: 4_200, currency: 'EUR' },
  };
};

async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It did not happen in time');
    await systemClock.sleep(20);
  }
}

describeWith(['mongod'], 'the payments service', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let broker: ServiceBroker;
  let bookings: ReturnType<typeof listeningBookings>;
  let answers: number[];
  let gateway: http.Server;

  /** Passes webhooks on as the gateway does. */
  const openGateway = async (): Promise<string> => {
    gateway = http.createServer((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        const headers = { 'stripe-signature': String(request.headers['stripe-signature']) };
        const done = (status: number) => {
          answers.push(status);
          response.writeHead(status).end();
        };
        call(broker, 'payments.webhook', { body, headers }).then(
          () => done(200),
          () => done(503),
        );
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/`;
  };

  const faults = (settings: FaultSettings) =>
    fetch(`${simulator.url}/_simulator/faults`, { method: 'PUT', body: JSON.stringify(settings) });

  const authorised = async (token = 'pm_card_visa') => {
    const order = newOrder();
    const { bookingId, attempt } = order;
    const { intentId } = await call(broker, 'payments.create', order);
    const intent = await call(broker, 'payments.confirm', { bookingId, attempt, intentId, token });
    return { ...order, ...intent };
  };

  const pass3ds = (url: string | undefined, outcome = 'complete') =>
    fetch(url ?? '', {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ outcome }),
    });

  const pending = () =>
    database.db.collection('webhook_inbox').countDocuments({ state: 'pending' });

  beforeEach(async () => {
    database = await testDatabase('payments');
    answers = [];
    bookings = listeningBookings();
    const webhookUrl = await openGateway();
    const mongodbUri = database.uri;
    simulator = await startSimulator({ port: 0, mongodbUri, webhookUrl, webhookSecret: secret });
    const stripe = { secretKey: 'sk_test_x', webhookSecret: secret, simulator: true };
    const config = testConfig({ mongodbUri, stripe: { ...stripe, apiBase: simulator.url } });
    const runtime = { config, clock: systemClock, ids: systemIds };
    broker = await startBroker({ services: [createPaymentsService(runtime), bookings.service] });
  });

  afterEach(async () => {
    await simulator.stop();
    gateway.close().closeAllConnections();
    await broker.stop();
    await database.drop();
  });

  it('authorises, captures and refunds, and keeps a record of each', async () => {
    const { intentId, bookingId, status } = await authorised();
    expect(status).toBe('requires_capture');
    expect((await call(broker, 'payments.capture', { intentId })).status).toBe('succeeded');
    const amount = { amount: 1_000, currency: 'EUR' };
    const refund = { bookingId, intentId, amount, refundKey: 'part' };
    const first = await call(broker, 'payments.refund', refund);
    expect(await call(broker, 'payments.refund', refund)).toEqual(first);
    const doc = await database.db.collection('payments').findOne({ intentId });
    expect(doc).toMatchObject({ bookingId, attempt: 1, status: 'succeeded', captured: 4_200 });
    expect(doc).toMatchObject({ refunded: 1_000, refunds: [{ refundKey: 'part', amount: 1_000 }] });
  });

  it('answers the same intent when an attempt is created again', async () => {
    const order = newOrder();
    const first = await call(broker, 'payments.create', order);
    expect((await call(broker, 'payments.create', order)).intentId).toBe(first.intentId);
    const { intents } = await call(broker, 'payments.listByBooking', order);
    expect(intents.map((intent) => intent.intentId)).toEqual([first.intentId]);
  });

  it('tells the bookings when the buyer has passed 3-D Secure', async () => {
    const { bookingId, intentId, nextActionUrl } = await authorised(
      'pm_card_threeDSecure2Required',
    );
    await pass3ds(nextActionUrl);
    await until(() => bookings.told.length > 0);
    expect(bookings.told).toEqual([bookingId]);
    expect((await call(broker, 'payments.read', { intentId })).status).toBe('requires_capture');
    await until(async () => (await pending()) === 0);
  });

  it('says nothing of what the bookings were answered themselves', async () => {
    const { intentId } = await authorised();
    await call(broker, 'payments.capture', { intentId });
    await until(async () => answers.length === 2 && (await pending()) === 0);
    expect(bookings.told).toEqual([]);
  });

  it('takes a doubled webhook once, and those that come late in any order', async () => {
    await faults({ webhooks: { doubled: 1, reordered: 1, reorderMs: 300 } });
    const { nextActionUrl } = await authorised('pm_card_threeDSecure2Required');
    await pass3ds(nextActionUrl);
    await until(() => answers.length === 4);
    expect(answers).toEqual([200, 200, 200, 200]);
    await until(async () => (await pending()) === 0);
    expect(await database.db.collection('webhook_inbox').countDocuments()).toBe(2);
    expect(bookings.told).toHaveLength(1);
  });

  it('keeps a webhook until the bookings have it', async () => {
    bookings.state.away = true;
    const { nextActionUrl, bookingId } = await authorised('pm_card_threeDSecure2Required');
    await pass3ds(nextActionUrl, 'fail');
    await until(() => answers.length === 2);
    await systemClock.sleep(600);
    expect(await pending()).toBe(1);
    bookings.state.away = false;
    await until(() => bookings.told.includes(bookingId));
    await until(async () => (await pending()) === 0);
  });

  it('refuses a webhook with a wrong, old or missing signature and stores nothing', async () => {
    const body = JSON.stringify({ id: 'evt_1', object: 'event', data: { object: {} } });
    const sign = (with_: string, ageSeconds: number) =>
      Stripe.webhooks.generateTestHeaderString({
        payload: body,
        secret: with_,
        timestamp: Math.floor(systemClock.now() / 1000) - ageSeconds,
      });
    const send = (headers: Record<string, string>, text = body) =>
      call(broker, 'payments.webhook', { body: text, headers }).then(
        () => 'taken',
        (error: unknown) => codeOf(error),
      );
    const right = sign(secret, 0);
    expect(await send({})).toBe('invalid-signature');
    expect(await send({ 'stripe-signature': sign('whsec_other', 0) })).toBe('invalid-signature');
    expect(await send({ 'stripe-signature': sign(secret, 301) })).toBe('invalid-signature');
    expect(await send({ 'stripe-signature': right }, `${body} `)).toBe('invalid-signature');
    expect(await database.db.collection('webhook_inbox').countDocuments()).toBe(0);
    expect(await send({ 'stripe-signature': right })).toBe('taken');
  });

  it('reports what it cannot know as unknown, and finds out when asked again', async () => {
    // The SDK repeats a request whose connection was lost once.
    await faults({
      rules: [{ operation: 'payment_intents.confirm', kind: 'disconnect', after: true, times: 2 }],
    });
    const order = newOrder();
    const { bookingId, attempt } = order;
    const { intentId } = await call(broker, 'payments.create', order);
    const confirm = () =>
      call(broker, 'payments.confirm', { bookingId, attempt, intentId, token: 'pm_card_visa' });
    const outcome = await confirm().catch((error: unknown) => codeOf(error));
    expect(outcome).toBe('payment-provider-unavailable');
    expect((await confirm()).status).toBe('requires_capture');
  });

  it('lets go of what was authorised by a request that is answered 500', async () => {
    await faults({
      rules: [{ operation: 'payment_intents.create', kind: 'error', after: true, times: 1 }],
    });
    const order = newOrder();
    const paid = await call(broker, 'payments.authorise', { ...order, token: 'pm_card_visa' });
    expect(paid.status).toBe('requires_capture');
    const statuses = async () => {
      const { intents } = await call(broker, 'payments.listByBooking', order);
      return intents.map(({ intentId, status }) => [intentId === paid.intentId, status]).sort();
    };
    await until(async () => (await statuses()).flat().includes('canceled'));
    expect(await statuses()).toEqual([
      [false, 'canceled'],
      [true, 'requires_capture'],
    ]);
  });

  it('withdraws what was never asked, and finds what was', async () => {
    const ask = { ...newOrder(), token: 'pm_card_visa' };
    const { intent } = await call(broker, 'payments.withdraw', ask);
    expect(intent?.status).toBe('requires_payment_method');
    const late = await call(broker, 'payments.authorise', ask).catch((e: unknown) => codeOf(e));
    expect(late).toBe('payment-provider-unavailable');
    const other = { ...newOrder(), token: 'pm_card_visa' };
    const { intentId } = await call(broker, 'payments.authorise', other);
    expect((await call(broker, 'payments.withdraw', other)).intent?.intentId).toBe(intentId);
    const nobody = { ...newOrder(), token: 'pm_nobody' };
    await call(broker, 'payments.authorise', nobody).catch(() => undefined);
    expect((await call(broker, 'payments.withdraw', nobody)).intent).toBeUndefined();
  });

  it('refuses an unknown payment method', async () => {
    const outcome = await authorised('pm_nobody').catch((error: unknown) => codeOf(error));
    expect(outcome).toBe('payment-method-invalid');
  });

  it('stops asking a provider that does not answer, and goes on when it does', async () => {
    await faults({ rules: [{ kind: 'rate-limit' }] });
    const order = newOrder();
    const asked = Array.from({ length: 25 }, () =>
      call(broker, 'payments.create', order).catch((error: unknown) => codeOf(error)),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['payment-provider-unavailable']));
    await faults({});
    const first = await call(broker, 'payments.create', order).catch((error: unknown) =>
      codeOf(error),
    );
    expect(first).toBe('payment-provider-unavailable');
    await systemClock.sleep(2_100);
    expect(await call(broker, 'payments.create', order)).toHaveProperty('intentId');
  });

  it('goes on behind an outage whose failures the provider keeps under our keys', async () => {
    await faults({ rules: [{ operation: 'payment_intents.create', kind: 'error' }] });
    const order = newOrder();
    const create = () =>
      call(broker, 'payments.create', order).then(
        ({ status }) => status,
        (error: unknown) => codeOf(error),
      );
    for (let i = 0; i < 5; i++) expect(await create()).toBe('payment-provider-unavailable');
    await faults({});
    expect(await create()).toBe('requires_payment_method');
    const { intents } = await call(broker, 'payments.listByBooking', order);
    expect(intents).toHaveLength(1);
  }, 30_000);

  it('reports a payment without tickets until it is put right', async () => {
    const lost = await authorised();
    await call(broker, 'payments.capture', { intentId: lost.intentId });
    const fine = await authorised();
    await call(broker, 'payments.capture', { intentId: fine.intentId });
    const booked = {
      finished: true,
      cardTotal: 4_200,
      validTickets: 1,
      captured: 4_200,
      otherCaptured: 0,
      refunded: 0,
      refundPending: 0,
      refundFailed: 0,
      retained: 0,
    };
    bookings.known.set(fine.intentId, booked);
    bookings.known.set(lost.intentId, { ...booked, captured: 0, validTickets: 0 });
    const run = () => call(broker, 'payments.reconcile', { olderThanMs: 0 });
    await systemClock.sleep(1_100);
    const first = await run();
    expect(first.checked).toBe(2);
    expect(first.findings).toMatchObject([
      {
        intentId: lost.intentId,
        problem: 'captured-without-tickets',
        amount: { amount: 4_200, currency: 'EUR' },
        outcome: 'young',
      },
    ]);
    expect((await run()).findings[0]?.since).toBe(first.findings[0]?.since);
    const { bookingId, intentId, amount } = lost;
    await call(broker, 'payments.refund', { bookingId, intentId, amount, refundKey: 'all' });
    const returned = { ...booked, validTickets: 0, refunded: 4_200 };
    bookings.known.set(lost.intentId, returned);
    expect((await run()).findings).toEqual([]);
    expect(await database.db.collection('reconciliation_reports').countDocuments()).toBe(3);
  });
});
