import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const path = '/v1/account/payment-methods';
const visa = '4242424242424242';

describeWith(['mongod', 'nats-server'], 'ways to pay, over HTTP', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;
  let bob: Buyer;

  beforeAll(async () => {
    database = await testDatabase('saved-cards');
    cluster = await startBookings(database);
    [ada, bob] = await Promise.all([cluster.buyer(), cluster.buyer()]);
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const checkout = async (payment: object, buyer = ada) => {
    const eventId = await cluster.openEvent();
    const { holdId: reservationId } = await cluster.hold(eventId, buyer, ['A-1', 'A-2']);
    const body = { reservationId, payment: { method: 'card', ...payment } };
    const { body: answer, status } = await cluster.ask('POST', '/v1/checkout', buyer, body);
    const bookingId: string = answer.bookingId;
    return { eventId, bookingId, status, answer };
  };
  const read = async (bookingId: string, buyer = ada): Promise<BookingView> =>
    (await cluster.ask('GET', `/v1/bookings/${bookingId}?wait=10`, buyer)).body;
  const reaches = (bookingId: string, status: string): Promise<BookingView> =>
    cluster.until(bookingId, ada, (view) => view.status === status);
  const methods = async (buyer = ada): Promise<{ paymentMethodId: string; last4: string }[]> =>
    (await cluster.ask('GET', path, buyer)).body.items;

  /** What Stripe's script in a page does with the secret that the booking shows. */
  const confirmInBrowser = (secret: string | undefined, number: string) =>
    fetch(`${cluster.simulator.url}/v1/payment_intents/${secret?.split('_secret_')[0]}/confirm`, {
      method: 'POST',
      body: new URLSearchParams({
        key: 'pk_test_browser',
        client_secret: secret ?? '',
        use_stripe_sdk: 'true',
        'payment_method_data[type]': 'card',
        'payment_method_data[card][number]': number,
        return_url: 'https://example.com/back',
      }),
    });
  const agrees = async (eventId: string) => {
    const { findings } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
  };

  it('saves the card of a checkout and pays the next one with it', async () => {
    const first = await checkout({ token: 'pm_card_visa', savePaymentMethod: true });
    expect((await read(first.bookingId)).status).toBe('confirmed');
    const [saved] = await methods();
    expect(saved).toMatchObject({ brand: 'visa', last4: '4242' });
    const { paymentMethodId } = saved ?? {};
    const second = await checkout({ paymentMethodId });
    expect((await read(second.bookingId)).status).toBe('confirmed');
    await agrees(second.eventId);
    expect(await methods()).toHaveLength(1);
  });

  it('adds a card outside of a checkout and forgets it', async () => {
    const before = await methods(bob);
    expect(before).toEqual([]);
    const { status, body } = await cluster.ask('POST', path, bob, { token: 'pm_card_mastercard' });
    expect([status, body.status]).toEqual([201, 'succeeded']);
    expect((await methods(bob)).map((m) => m.last4)).toEqual(['4444']);
    const one = `${path}/${body.paymentMethodId}`;
    expect((await cluster.ask('DELETE', one, ada)).body.code).toBe('not-found');
    expect((await cluster.ask('DELETE', one, bob)).status).toBe(200);
    expect(await methods(bob)).toEqual([]);
  });

  it("makes one customer of an account's requests at once", async () => {
    const eve = await cluster.buyer();
    const adds = ['pm_card_visa', 'pm_card_amex', 'pm_card_jcb'].map((token) =>
      cluster.ask('POST', path, eve, { token }),
    );
    expect((await Promise.all(adds)).map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await methods(eve)).toHaveLength(3);
    const customers = database.db.collection('stripe_simulator_objects');
    const own = { kind: 'customer', 'body.metadata.userId': eve.userId };
    expect(await customers.countDocuments(own)).toBe(1);
  });

  it("does not let one buyer pay with another's card", async () => {
    const { body } = await cluster.ask('POST', path, ada, { token: 'pm_card_visa' });
    const { bookingId } = await checkout({ paymentMethodId: body.paymentMethodId }, bob);
    expect((await read(bookingId, bob)).status).toBe('declined');
  });

  it('leaves paying to the browser, which may try one card after the other', async () => {
    const { bookingId, eventId, status } = await checkout({});
    expect(status).toBe(202);
    const waiting = await reaches(bookingId, 'requires_action');
    expect(waiting.payment.status).toBe('requires_payment_method');
    const { clientSecret } = waiting.payment;
    expect((await confirmInBrowser(`${clientSecret}x`, visa)).status).toBe(400);
    expect((await confirmInBrowser(clientSecret, '4000000000009995')).status).toBe(402);
    for (let i = 0; i < 50; i++) {
      if ((await read(bookingId)).payment.declineCode === 'insufficient_funds') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await read(bookingId)).payment).toMatchObject({ declineCode: 'insufficient_funds' });
    expect((await confirmInBrowser(clientSecret, visa)).status).toBe(200);
    expect((await reaches(bookingId, 'confirmed')).tickets).toHaveLength(2);
    await agrees(eventId);
  });

  it('cancels what the browser never paid', async () => {
    const { bookingId, eventId } = await checkout({});
    const { payment } = await reaches(bookingId, 'requires_action');
    const cancelled = await cluster.ask('POST', `/v1/bookings/${bookingId}/cancel`, ada, {});
    expect(cancelled.status).toBe(202);
    await reaches(bookingId, 'cancelled');
    await agrees(eventId);
    expect((await confirmInBrowser(payment.clientSecret, visa)).status).toBe(400);
  });

  it.each([
    [{ token: 'pm_card_visa', paymentMethodId: 'pm_1' }],
    [{ paymentMethodId: 'pm_1', savePaymentMethod: true }],
    [{ token: '' }],
  ])('refuses the payment %j', async (payment) => {
    const { status, answer } = await checkout(payment);
    expect([status, answer.code]).toEqual([422, 'invalid-request']);
  });

  it('says what a browser needs', async () => {
    const { status, body } = await cluster.ask('GET', '/v1/payments/browser');
    expect([status, body.apiBase]).toEqual([200, cluster.simulator.url]);
  });
});
