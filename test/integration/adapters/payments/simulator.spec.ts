import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const secret = 'whsec_test';

const providerOf = ({ url: apiBase }: Simulator) =>
  createStripe({ secretKey: 'sk_test_x', webhookSecret: secret, clock: systemClock, apiBase });

type Delivery = { readonly id: string; readonly type: string; readonly signature: string };

/** An endpoint that notes what it is sent and answers as it is told. */
async function endpoint() {
  const deliveries: Delivery[] = [];
  const state = { status: 200 };
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature']);
      const event = Stripe.webhooks.constructEvent(body, signature, secret);
      deliveries.push({ id: event.id, type: event.type, signature });
      response.writeHead(state.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, deliveries, state, close: () => server.close().closeAllConnections() };
}

async function until(holds: () => boolean, ms = 10_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!holds()) {
    if (systemClock.now() > deadline) throw new Error('It did not happen in time');
    await systemClock.sleep(20);
  }
}

describeWith(['mongod'], 'the Stripe simulator', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let hooks: Awaited<ReturnType<typeof endpoint>>;
  let stripe: Stripe;

  const start = (port = 0) =>
    startSimulator({
      port,
      mongodbUri: database.uri,
      webhookUrl: hooks.url,
      webhookSecret: secret,
    });

  const sdk = (url: string) => {
    const { hostname, port } = new URL(url);
    return new Stripe('sk_test_x', {
      host: hostname,
      port,
      protocol: 'http',
      maxNetworkRetries: 0,
      telemetry: false,
      timeout: 1_000,
    });
  };

  const faults = async (settings: FaultSettings): Promise<number> => {
    const body = JSON.stringify(settings);
    return (await fetch(`${simulator.url}/_simulator/faults`, { method: 'PUT', body })).status;
  };

  const created = (key?: string) =>
    stripe.paymentIntents.create(
      { amount: 5_000, currency: 'eur', capture_method: 'manual', metadata: { bookingId: 'b' } },
      key === undefined ? {} : { idempotencyKey: key },
    );

  const confirm = async (payment_method: string) => {
    const { id } = await created();
    return stripe.paymentIntents.confirm(id, { payment_method, return_url: 'https://a.example/r' });
  };

  const typesSent = () => hooks.deliveries.map(({ type }) => type);

  beforeAll(async () => {
    database = await testDatabase('stripe-simulator');
  });
  afterAll(() => database.drop());

  beforeEach(async () => {
    hooks = await endpoint();
    simulator = await start();
    stripe = sdk(simulator.url);
  });

  afterEach(async () => {
    await simulator.stop();
    hooks.close();
  });

  it('answers with request ids, the version and an error object', async () => {
    const intent = await created();
    expect(intent.lastResponse.requestId).toMatch(/^req_/);
    expect(intent.lastResponse.apiVersion).toBe('2026-10-28.endive');
    await expect(stripe.paymentIntents.retrieve('pi_unknown')).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 404,
      code: 'resource_missing',
    });
  });

  it('refuses parameters that Stripe does not know', async () => {
    const params = { amount: 500, currency: 'eur', seats: '3' };
    await expect(stripe.paymentIntents.create(params)).rejects.toMatchObject({
      code: 'parameter_unknown',
      param: 'seats',
    });
  });

  it('replays an answer to the same key, and refuses the key with other parameters', async () => {
    const first = await created('one');
    const again = await created('one');
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(again.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
    const other = stripe.paymentIntents.create(
      { amount: 6_000, currency: 'eur' },
      { idempotencyKey: 'one' },
    );
    await expect(other).rejects.toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
  });

  it('answers 409 while the same key is being worked on', async () => {
    await faults({ latencyMs: { p50: 200, p99: 200 } });
    const first = created('two');
    await systemClock.sleep(50);
    await expect(created('two')).rejects.toMatchObject({
      statusCode: 409,
      code: 'idempotency_key_in_use',
    });
    expect((await first).id).toBe((await created('two')).id);
  });

  it('lets the buyer pass 3-D Secure on its page', async () => {
    const intent = await confirm('pm_card_threeDSecure2Required');
    const url = intent.next_action?.redirect_to_url?.url ?? '';
    const page = await (await fetch(url)).text();
    expect(page).toContain('€50.00');
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ outcome: 'complete' }),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(
      `https://a.example/r?payment_intent=${intent.id}&payment_intent_client_secret=${intent.client_secret}&redirect_status=succeeded`,
    );
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_capture');
    await until(() => typesSent().includes('payment_intent.amount_capturable_updated'));
  });

  it('fails 3-D Secure for a program that asks for JSON', async () => {
    const intent = await confirm('pm_card_authenticationRequired');
    const url = intent.next_action?.redirect_to_url?.url ?? '';
    const answer = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ outcome: 'fail' }),
    });
    expect(await answer.json()).toMatchObject({ status: 'requires_payment_method' });
    const after = await stripe.paymentIntents.retrieve(intent.id);
    expect(after.last_payment_error?.code).toBe('payment_intent_authentication_failure');
  });

  it('shows the page of a payment only to who knows its secret', async () => {
    const { id } = await confirm('pm_card_threeDSecure2Required');
    const url = `${simulator.url}/_simulator/3ds/${id}?client_secret=guess`;
    expect((await fetch(url)).status).toBe(404);
    const body = new URLSearchParams({ outcome: 'complete' });
    expect((await fetch(url, { method: 'POST', body })).status).toBe(404);
  });

  it('takes its time over a slow card', async () => {
    const intent = await confirm('pm_card_usher_processingDelay');
    expect(intent.status).toBe('processing');
    await until(() => typesSent().includes('payment_intent.amount_capturable_updated'));
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_capture');
  });

  it('signs webhooks and repeats them until they are taken', async () => {
    hooks.state.status = 503;
    const { id } = await confirm('pm_card_visa');
    await until(() => hooks.deliveries.length >= 2);
    hooks.state.status = 200;
    const sent = hooks.deliveries.length;
    await until(() => hooks.deliveries.length > sent);
    expect(new Set(hooks.deliveries.map((delivery) => delivery.id)).size).toBe(1);
    expect(id).toMatch(/^pi_/);
  });

  it('goes on after a restart: objects, keys and webhooks that were not taken', async () => {
    hooks.state.status = 500;
    const kept = await created('three');
    await stripe.paymentIntents.confirm(kept.id, { payment_method: 'pm_card_visa' });
    await until(() => hooks.deliveries.length >= 1);
    await simulator.stop();
    hooks.state.status = 200;
    hooks.deliveries.length = 0;
    const before = simulator.url;
    simulator = await start();
    expect(simulator.url).toBe(before);
    stripe = sdk(simulator.url);
    expect((await stripe.paymentIntents.retrieve(kept.id)).status).toBe('requires_capture');
    expect((await created('three')).id).toBe(kept.id);
    await until(() => typesSent().includes('payment_intent.amount_capturable_updated'));
  });

  it('loses, doubles and delays webhooks as it is told', async () => {
    expect(await faults({ webhooks: { lost: 1 } })).toBe(200);
    await confirm('pm_card_visa');
    await faults({ webhooks: { doubled: 1, reordered: 1, reorderMs: 100 } });
    await confirm('pm_card_visa');
    await until(() => hooks.deliveries.length === 2);
    expect(hooks.deliveries[0]?.id).toBe(hooks.deliveries[1]?.id);
    expect(await faults({ webhooks: { lost: 2 } })).toBe(422);
  });

  it.each([
    ['again', false],
    // The first request hangs; the one beside it is told what was true when the key was new.
    ['beside a request that hangs', true],
  ])('does not believe an answer that a key is given %s', async (_, hangs) => {
    const provider = providerOf(simulator);
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const amount = { amount: 700, currency: 'EUR' };
    const order = { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount };
    const { intentId } = await provider.createIntent(order);
    const token = 'pm_card_threeDSecure2Required';
    const asked = { bookingId, attempt: 1, intentId, token, returnUrl: 'https://a.example/' };
    const { status, nextActionUrl = '' } = await provider.confirm(asked);
    expect(status).toBe('requires_action');
    await fetch(nextActionUrl, {
      method: 'POST',
      body: new URLSearchParams({ outcome: 'complete' }),
      redirect: 'manual',
    });
    const silence = { operation: 'payment_intents.confirm', kind: 'timeout', times: 1 } as const;
    if (hangs) await faults({ rules: [silence] });
    expect((await provider.confirm(asked)).status).toBe('requires_capture');
    await provider.capture(intentId);
    provider.close();
  });

  it.each([
    ['pm_card_pendingRefund', 'pending', 'succeeded'],
    ['pm_card_refundFail', 'succeeded', 'failed'],
  ])('tells what became of a refund of %s under the same key', async (token, first, then) => {
    const provider = providerOf(simulator);
    const { id: intentId } = await confirm(token);
    await provider.capture(intentId);
    const amount = { amount: 5_000, currency: 'EUR' };
    const refund = () => provider.refund({ bookingId: 'b', intentId, amount, refundKey: 'all' });
    const made = await refund();
    expect(made.status).toBe(first);
    await until(() => typesSent().some((type) => type.startsWith('refund.')));
    expect(await refund()).toEqual({ ...made, status: then });
    provider.close();
  });

  it('carries a payment through silence and errors after success, once', async () => {
    const provider = providerOf(simulator);
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const amount = { amount: 700, currency: 'EUR' };
    const order = { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount };
    await faults({
      rules: [
        { operation: 'payment_intents.create', kind: 'disconnect', after: true, times: 1 },
        { operation: 'payment_intents.confirm', kind: 'error', after: true, times: 1 },
        { operation: 'payment_intents.capture', kind: 'timeout', after: true, times: 1 },
        { operation: 'refunds.create', kind: 'error', after: true, times: 1 },
      ],
    });
    const { intentId } = await provider.createIntent(order);
    const token = 'pm_card_visa';
    const asked = { bookingId, attempt: 1, intentId, token, returnUrl: 'https://a.example/' };
    const refund = () => provider.refund({ bookingId, intentId, amount, refundKey: 'all' });
    // A 500 that is kept under its key is gone around at once; a lost answer is asked for again.
    expect((await provider.confirm(asked)).status).toBe('requires_capture');
    expect((await provider.capture(intentId)).status).toBe('succeeded');
    const made = await refund();
    expect((await refund()).refundId).toBe(made.refundId);
    const after = await provider.retrieve(intentId);
    provider.close();
    expect(after).toMatchObject({ amountCaptured: 700, amountRefunded: 700 });
    const mine = await stripe.paymentIntents.search({
      query: `metadata['bookingId']:'${bookingId}'`,
    });
    expect(mine.data).toHaveLength(1);
    expect((await stripe.refunds.list({ payment_intent: intentId })).data).toHaveLength(1);
  });

  it.each([
    ['hangs', { kind: 'timeout', after: true }],
    ['loses its connection', { kind: 'disconnect', after: true }],
    ['is answered 500 before anything happened', { kind: 'error' }],
  ] as const)('authorises once what %s', async (_, fault) => {
    const provider = providerOf(simulator);
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const amount = { amount: 700, currency: 'EUR' };
    const about = { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount };
    const order = { ...about, token: 'pm_card_visa', returnUrl: 'https://a.example/' };
    await faults({ rules: [{ operation: 'payment_intents.create', times: 1, ...fault }] });
    const { intentId, status } = await provider.authorise(order);
    expect(status).toBe('requires_capture');
    expect((await provider.withdraw(order))?.intentId).toBe(intentId);
    provider.close();
    const query = `metadata['bookingId']:'${bookingId}'`;
    expect((await stripe.paymentIntents.search({ query })).data).toHaveLength(1);
  });

  it('returns a part once, also when nobody can look whether it was returned', async () => {
    const provider = providerOf(simulator);
    await faults({});
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const amount = { amount: 700, currency: 'EUR' };
    const order = { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount };
    const { intentId } = await provider.createIntent(order);
    const token = 'pm_card_visa';
    await provider.confirm({ bookingId, attempt: 1, intentId, token, returnUrl: 'https://a.eu/' });
    await provider.capture(intentId);
    const part = { bookingId, intentId, amount: { amount: 200, currency: 'EUR' }, refundKey: 'a' };
    await faults({
      rules: [
        { operation: 'refunds.create', kind: 'error', after: true, times: 1 },
        { operation: 'refunds.list', kind: 'rate-limit', times: 4 },
      ],
    });
    await expect(provider.refund(part)).rejects.toMatchObject({
      code: 'payment-provider-unavailable',
    });
    await faults({});
    const made = await provider.refund(part);
    const again = await provider.refund(part);
    const all = (await stripe.refunds.list({ payment_intent: intentId })).data;
    provider.close();
    expect([again.refundId, ...all.map(({ id }) => id)]).toEqual([made.refundId, made.refundId]);
  });
});
