import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { Customers } from '#adapters/payments/customers.ts';
import { DisputeStore } from '#adapters/payments/disputes.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import { WebhookReplay } from '#adapters/payments/replay.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { catchUp } from '#services/payments/catching-up.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';
import { followDispute } from '#services/payments/disputes.ts';
import { openIntent } from '#services/payments/intents.ts';
import { startBroker } from '#test/support/broker.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { type Fate, Mortal } from '#test/unit/flows/mortal.ts';

type Parts = {
  readonly provider: PaymentProvider;
  readonly store: PaymentStore;
  readonly customers: Customers;
  readonly disputes: DisputeStore;
  readonly replay: WebhookReplay;
};

const later = { ...systemClock, now: () => Date.now() + 60_000 };
const deaths = ['die-before', 'die-after'] as const;

describeWith(['mongod'], 'the payments service, killed at any of its calls', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let parts: Parts;
  let broker: ServiceBroker;
  const told: string[] = [];

  beforeAll(async () => {
    database = await testDatabase('payments-kill');
    const webhookSecret = 'whsec_test';
    const webhookUrl = 'http://127.0.0.1:9/nowhere';
    const options = { port: 0, mongodbUri: database.uri, webhookUrl, webhookSecret };
    simulator = await startSimulator(options);
    const keys = { secretKey: 'sk_test_x', webhookSecret };
    const { db } = database;
    parts = {
      provider: createStripe({ ...keys, apiBase: simulator.url, clock: systemClock }),
      store: new PaymentStore(db, systemClock),
      customers: new Customers(db, systemClock),
      disputes: new DisputeStore(db, systemClock),
      replay: new WebhookReplay(db, systemClock),
    };
    await parts.store.prepare();
    const disputed = ({ params }: { params: { disputeId: string; state: string } }) => {
      told.push(`${params.disputeId} ${params.state}`);
      return { known: true };
    };
    broker = await startBroker({ services: [{ name: 'bookings', actions: { disputed } }] });
  });

  afterAll(async () => {
    parts.provider.close();
    await broker.stop();
    await simulator.stop();
    await database.drop();
  });

  /** The parts as one process has them that may die at one of its calls. */
  const mortal = (fate?: Fate) => {
    const life = new Mortal(fate);
    const wrapped: Parts = {
      provider: Object.assign(life.wrap(parts.provider), {}),
      store: life.wrap(parts.store),
      customers: life.wrap(parts.customers),
      disputes: life.wrap(parts.disputes),
      replay: life.wrap(parts.replay),
    };
    return { life, desk: { ...parts, ...wrapped } as unknown as PaymentDesk };
  };

  /** Runs `task` with every death that it can die, each followed by a run that lives. */
  const withEveryDeath = async (
    begin: () => Promise<(desk: PaymentDesk) => Promise<unknown>>,
    holds: () => Promise<void>,
  ) => {
    const whole = mortal();
    await (await begin())(whole.desk);
    await holds();
    expect(whole.life.calls).toBeGreaterThan(1);
    for (let at = 1; at <= whole.life.calls; at++) {
      for (const does of deaths) {
        const task = await begin();
        const { desk } = mortal({ at, does });
        await expect(task(desk)).rejects.toThrow(/killed|dead/);
        await task(mortal().desk);
        await holds();
      }
    }
  };

  const newOrder = () => {
    const eventId = makeId('event', systemIds.ulid());
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const buyerId = makeId('user', systemIds.ulid());
    return { eventId, bookingId, attempt: 1, buyerId, amount: { amount: 900, currency: 'EUR' } };
  };
  /** The simulator's writes are not a majority's at once. */
  const objects = () =>
    database.db.collection('stripe_simulator_objects', { readConcern: { level: 'local' } });

  it('makes one customer and one intent of an attempt that saves the card', async () => {
    let order = newOrder();
    await withEveryDeath(
      async () => {
        order = newOrder();
        return (desk) => openIntent(desk, { ...order, save: true });
      },
      async () => {
        const { bookingId, buyerId } = order;
        const ofBuyer = { kind: 'customer', 'body.metadata.userId': buyerId };
        const customers = await objects().find(ofBuyer).toArray();
        const ofBooking = { kind: 'payment_intent', 'body.metadata.bookingId': bookingId };
        const intents = await objects().find(ofBooking).toArray();
        expect([customers.length, intents.length]).toEqual([1, 1]);
        expect(intents[0]?.body.customer).toBe(customers[0]?._id);
        expect(await parts.customers.of(buyerId)).toBe(customers[0]?._id);
      },
    );
  });

  it('charges a saved card once, without the buyer', async () => {
    const order = { ...newOrder(), save: true };
    const { provider } = parts;
    const returnUrl = 'https://example.com/return';
    const first = await openIntent(mortal().desk, order);
    const { bookingId, buyerId } = order;
    const { intentId } = first;
    const card = 'pm_card_visa';
    const paid = await provider.confirm({
      bookingId,
      attempt: 1,
      intentId,
      token: card,
      returnUrl,
    });
    const token = paid.paymentMethod ?? '';
    let attempt = 1;
    await withEveryDeath(
      async () => {
        attempt++;
        const ask = { ...order, save: undefined, saved: true, attempt };
        return async (desk) => {
          const later = await openIntent(desk, ask);
          const about = { bookingId, attempt: ask.attempt, intentId: later.intentId };
          await desk.provider.confirm({ ...about, token, returnUrl, offSession: true });
          await desk.provider.capture(later.intentId);
        };
      },
      async () => {
        const own = { kind: 'charge', 'body.metadata.attempt': `${attempt}` };
        const charges = await objects()
          .find({ ...own, 'body.metadata.buyerId': buyerId })
          .toArray();
        expect(charges).toMatchObject([{ body: { captured: true, amount_captured: 900 } }]);
      },
    );
  });

  it('brings a dispute to its booking before it takes it for known', async () => {
    let disputeId = '';
    await withEveryDeath(
      async () => {
        const order = newOrder();
        const { intentId } = await openIntent(mortal().desk, order);
        const { bookingId, attempt } = order;
        const returnUrl = 'https://example.com/return';
        const token = 'pm_card_createDispute';
        await parts.provider.confirm({ bookingId, attempt, intentId, token, returnUrl });
        await parts.provider.capture(intentId);
        const of = { kind: 'dispute', 'body.payment_intent': intentId };
        disputeId = String((await objects().findOne(of))?._id);
        return (desk) => followDispute({ broker, ...desk }, disputeId);
      },
      async () => {
        expect(told).toContain(`${disputeId} open`);
        expect(await parts.disputes.find(disputeId)).toMatchObject({ state: 'open' });
      },
    );
  });

  it('takes in what never came, once each', async () => {
    const some = await objects().find({ kind: 'event' }).limit(4).toArray();
    await objects().deleteMany({ kind: 'event', _id: { $nin: some.map(({ _id }) => _id) } });
    await withEveryDeath(
      async () => {
        await database.db.collection('webhook_inbox').deleteMany({});
        await database.db.collection('webhook_marks').deleteMany({});
        return (desk) => catchUp({ clock: later, ...desk });
      },
      async () => {
        const lost = { kind: 'event', delivery: { $ne: 'delivered' } };
        const events = await objects().countDocuments(lost);
        expect(events).toBe(4);
        expect(await database.db.collection('webhook_inbox').countDocuments()).toBe(events);
      },
    );
  });
});
