import { randomUUID } from 'node:crypto';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { AccountsStore } from '#adapters/store/accounts.ts';
import { call } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { setRole } from '#ops/people/role.ts';
import { checkEvent } from '#ops/verify/event-checks.ts';
import { readRecords } from '#ops/verify/event-records.ts';
import { createAuditService } from '#services/audit.service.ts';
import { servicesOf } from '#services/index.ts';
import { createMessagesService } from '#services/messages.service.ts';
import { createReportsService } from '#services/reports.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { type Answer, send } from '#test/support/buying.ts';
import { eventFields, hall, venueFields } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { freePort, type TestDatabase } from '#test/support/servers.ts';

export type Person = { readonly userId: string; readonly token: string };

/** A whole system in one process, from the organizer's draft to the buyer's mail. */
export type House = {
  readonly broker: ServiceBroker;
  readonly simulator: Simulator;
  readonly organizer: Person;
  ask(
    method: string,
    path: string,
    who?: Person,
    body?: unknown,
    key?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  person(more?: object): Promise<Person>;
  /** Somebody of the platform's support. */
  support(): Promise<Person>;
  /** A published event of 10 + 10 seats at 5000 and 3000 and a standing area. */
  event(more?: object): Promise<string>;
  /** Buys these seats and waits for the tickets. */
  buy(eventId: string, seats: readonly string[], who: Person, token?: string): Promise<BookingView>;
  /** The booking once its flow has ended with this status. */
  ended(bookingId: string, status: string, who: Person): Promise<BookingView>;
  /** Kinds of the messages about a booking, oldest first. */
  told(bookingId: string): Promise<readonly string[]>;
  /** What is done to `subject` as the organizer's audit log has it, oldest first: act and actor. */
  acts(subject: string): Promise<readonly (readonly [string, string])[]>;
  /** What does not add up, at these events and in the books. */
  mistakes(eventIds: readonly string[]): Promise<readonly unknown[]>;
  stop(): Promise<void>;
};

const webhookSecret = 'whsec_test';
const services = [
  ...servicesOf(['gateway', 'inventory', 'core']),
  createMessagesService,
  createAuditService,
  createReportsService,
];

export async function startHouse(database: TestDatabase): Promise<House> {
  const { uri } = database;
  const simulatorPort = await freePort();
  const apiBase = `http://127.0.0.1:${simulatorPort}`;
  const stripe = { secretKey: 'sk_test_x', webhookSecret, apiBase, simulator: true };
  const config = testConfig({ mongodbUri: uri, stripe });
  const runtime = { config, clock: systemClock, ids: systemIds };
  const broker = await startBroker({ services: services.map((create) => create(runtime)) });
  const api = broker.getLocalService('api') as unknown as { address(): { port: number } };
  const url = `http://127.0.0.1:${api.address().port}`;
  const webhookUrl = `${url}/v1/payments/stripe/webhook`;
  const options = { port: simulatorPort, mongodbUri: uri, webhookUrl, webhookSecret };
  const simulator = await startSimulator(options);

  const ask: House['ask'] = (method, path, who, body, key = randomUUID(), headers = {}) =>
    send(url, method, path, {
      key,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(who === undefined ? {} : { token: who.token }),
    });
  const stop = async (): Promise<void> => {
    await broker.stop();
    await simulator.stop();
  };
  const acts: House['acts'] = async (subject) => {
    await call(broker, 'audit.append', {});
    const { body } = await ask('GET', '/v1/organizer/audit?limit=100', house.organizer);
    return body.items
      .filter((item: { subject: string }) => item.subject === subject)
      .map(({ act, actor }: { act: string; actor: string }) => [act, actor])
      .reverse();
  };
  const house = await doings(ask, database);
  return {
    broker,
    simulator,
    stop,
    ask,
    acts,
    mistakes: (ids) => mistakes(database, ids),
    ...house,
  };
}

async function mistakes({ db }: TestDatabase, eventIds: readonly string[]): Promise<unknown[]> {
  const bounds = { now: Date.now(), overdueMs: 60_000 };
  const found: unknown[] = [...(await checkBooks(db)).mistakes];
  for (const eventId of eventIds) found.push(...checkEvent(await readRecords(db, eventId), bounds));
  return found;
}

/** What people do in it, over HTTP. */
async function doings(
  ask: House['ask'],
  { db }: TestDatabase,
): Promise<Omit<House, 'broker' | 'simulator' | 'stop' | 'ask' | 'acts' | 'mistakes'>> {
  const password = 'correct horse';
  const person: House['person'] = async (more = {}) => {
    const body = { email: `${randomUUID()}@example.org`, password, name: 'Somebody', ...more };
    const { body: session } = await ask('POST', '/v1/auth/signup', undefined, body);
    return { userId: session.user.userId, token: session.accessToken };
  };
  const organizer = await person({ organizer: { name: 'The house' } });
  const { body: venue } = await ask('POST', '/v1/organizer/venues', organizer, venueFields);
  const { venueId } = venue;
  const path = `/v1/organizer/charts`;
  const { body: chart } = await ask('POST', path, organizer, { venueId, text: hall });

  return {
    organizer,
    person,
    support: async () => {
      const email = `${randomUUID()}@example.org`;
      const { userId } = await person({ email });
      await setRole(new AccountsStore(db), email, 'support', true);
      const { body } = await ask('POST', '/v1/auth/login', undefined, { email, password });
      return { userId, token: body.accessToken };
    },
    event: async (more = {}) => {
      const body = { venueId, chartId: chart.chartId, ...eventFields(), ...more };
      const { body: made } = await ask('POST', '/v1/organizer/events', organizer, body);
      const published = await ask(
        'POST',
        `/v1/organizer/events/${made.eventId}/publish`,
        organizer,
      );
      if (published.status !== 200) throw new Error(JSON.stringify([made, published.body]));
      return made.eventId;
    },
    buy: async (eventId, seats, who, token = 'pm_card_visa') => {
      const { body: hold } = await ask('POST', '/v1/reserve', who, { eventId, seats });
      const payment = { method: 'card', token };
      const wish = { reservationId: hold.reservationId, payment };
      const { body } = await ask('POST', '/v1/checkout', who, wish);
      return (await ask('GET', `/v1/bookings/${body.bookingId}?wait=10`, who)).body;
    },
    ended: async (bookingId, status, who) => {
      const bookings = db.collection<{ _id: string; step: string; status: string }>('bookings');
      for (let look = 0; look < 200; look++) {
        const found = await bookings.findOne({ _id: bookingId });
        if (found?.step === 'done' && found.status === status) {
          return (await ask('GET', `/v1/bookings/${bookingId}`, who)).body;
        }
        await systemClock.sleep(50);
      }
      throw new Error(`${bookingId} did not end as ${status}`);
    },
    told: async (bookingId) => {
      const outbox = db.collection<{ _id: string; kind: string; createdAt: number }>(
        'bookings_outbox',
      );
      const found = await outbox.find({ 'data.bookingId': bookingId }).sort({ createdAt: 1 });
      return (await found.toArray()).map(({ kind }) => kind);
    },
  };
}
