import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import { WebhookReplay } from '#adapters/payments/replay.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { sinceOf } from '#ops/webhooks/replay.ts';
import { catchUp } from '#services/payments/catching-up.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { startWitness, type Witness } from '#test/support/stripe-api.ts';

/** A minute later: what is under way by then has come or never will. */
const later = { ...systemClock, now: () => Date.now() + 60_000 };

describeWith(['mongod'], 'webhooks that never came', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let witness: Witness;
  let provider: PaymentProvider;
  let store: PaymentStore;
  let replay: WebhookReplay;

  beforeEach(async () => {
    database = await testDatabase('catching-up');
    const webhookSecret = 'whsec_test';
    simulator = await startSimulator({
      port: 0,
      mongodbUri: database.uri,
      webhookUrl: 'http://127.0.0.1:9/nowhere',
      webhookSecret,
    });
    witness = await startWitness(simulator.url);
    const secretKey = 'sk_test_x';
    provider = createStripe({ secretKey, webhookSecret, apiBase: witness.url, clock: systemClock });
    store = new PaymentStore(database.db, systemClock);
    replay = new WebhookReplay(database.db, systemClock);
    await store.prepare();
  });

  afterEach(async () => {
    provider.close();
    await witness.stop();
    await simulator.stop();
    await database.drop();
  });

  const run = () => catchUp({ clock: later, provider, store, replay });
  const authorised = async (token = 'pm_card_visa') => {
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const buyerId = makeId('user', systemIds.ulid());
    const amount = { amount: 1_000, currency: 'EUR' };
    const order = { eventId, bookingId, attempt: 1, buyerId, amount };
    const { intentId } = await provider.createIntent(order);
    const returnUrl = 'https://example.com/return';
    await provider.confirm({ bookingId, attempt: 1, intentId, token, returnUrl });
    return { bookingId, intentId };
  };

  it('are taken in from the list of events, once', async () => {
    const { bookingId, intentId } = await authorised();
    expect(await run()).toEqual({ taken: 1, more: false });
    expect(await run()).toEqual({ taken: 0, more: false });
    const [due] = await store.takeDue(10, 1_000);
    expect(due).toMatchObject({
      type: 'payment_intent.amount_capturable_updated',
      bookingId,
      intentId,
      status: 'requires_capture',
    });
    expect([...witness.problems]).toEqual([]);
    expect(witness.seen).toContain('events.list');
  });

  it('tell of disputes too', async () => {
    const { intentId } = await authorised('pm_card_createDispute');
    await provider.capture(intentId);
    const { items } = await provider.events({ from: 0, undelivered: true });
    const opened = items.find(({ type }) => type === 'charge.dispute.created');
    expect(opened).toMatchObject({ intentId });
    const disputeId = opened?.disputeId ?? '';
    const amount = { amount: 1_000, currency: 'EUR' };
    expect(await provider.dispute(disputeId)).toMatchObject({ intentId, state: 'open', amount });
    expect(await provider.event(opened?.id ?? '')).toEqual(opened);
    expect([...witness.problems]).toEqual([]);
    const asked = ['events.list', 'events.retrieve', 'disputes.retrieve'];
    expect([...witness.seen]).toEqual(expect.arrayContaining(asked));
  });

  it('are found page after page', async () => {
    for (let i = 0; i < 102; i++) await authorised();
    expect(await run()).toEqual({ taken: 102, more: false });
  }, 60_000);

  it('leave alone what is still on its way', async () => {
    await authorised();
    const { taken } = await catchUp({ clock: systemClock, provider, store, replay });
    expect(taken).toBe(0);
    expect((await run()).taken).toBe(1);
  });

  it('go on where a run was cut off', async () => {
    for (let i = 0; i < 3; i++) await authorised();
    const { items } = await provider.events({ from: 0, undelivered: true });
    await replay.reached(0, await replay.mark(0), 0);
    await replay.paused(items[0]?.id ?? '', Date.now() + 60_000);
    expect(await run()).toEqual({ taken: 2, more: false });
    expect(await run()).toEqual({ taken: 1, more: false });
  });

  it('are fetched one by one on demand; stored ones run again', async () => {
    await run();
    await authorised();
    const { items } = await provider.events({ from: 0, undelivered: true });
    const eventId = items[0]?.id ?? '';
    await replay.wishFor(eventId);
    await replay.wishFor('evt_nobodyHasThis');
    expect((await run()).taken).toBe(1);
    expect((await replay.mark(0)).wanted).toEqual([]);
    await store.handled([eventId], 'known');
    expect(await replay.stored({ eventId })).toMatchObject([{ outcome: 'known', count: 1 }]);
    expect(await replay.again({ since: 0 })).toBe(1);
    expect(await store.takeDue(10, 1_000)).toMatchObject([{ _id: eventId, replay: true }]);
  });

  it('are looked for since a wished time, whatever the provider thinks of them', async () => {
    await authorised();
    await run();
    await database.db.collection('webhook_inbox').deleteMany({});
    await database.db
      .collection('stripe_simulator_objects')
      .updateMany({ kind: 'event' }, { $set: { delivery: 'delivered' } });
    expect((await run()).taken).toBe(0);
    await replay.wishSince(Date.now() - 600_000);
    expect((await run()).taken).toBe(1);
    expect((await replay.mark(0)).all).toBeUndefined();
  });

  it('are asked for by spans and dates', () => {
    const now = Date.parse('2026-05-01T12:00:00Z');
    expect(sinceOf('30min', now)).toBe(now - 1_800_000);
    expect(sinceOf('2026-05-01T10:00:00Z', now)).toBe(now - 7_200_000);
    for (const text of ['2x', 'tomorrow', '2026-05-02']) expect(() => sinceOf(text, now)).toThrow();
  });
});
