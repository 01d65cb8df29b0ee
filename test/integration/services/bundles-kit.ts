import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkEvent } from '#ops/verify/event-checks.ts';
import { readRecords } from '#ops/verify/event-records.ts';
import { servicesOf } from '#services/index.ts';
import { createMessagesService } from '#services/messages.service.ts';
import { createReportsService } from '#services/reports.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { type Answer, send } from '#test/support/buying.ts';
import { as, draftEvent } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { freePort, type TestDatabase } from '#test/support/servers.ts';

export type Person = { readonly userId: string; readonly token: string };

/** Everything in one process, a provider with webhooks, an organizer and events on sale. */
export type House = {
  readonly broker: ServiceBroker;
  readonly simulator: Simulator;
  readonly organizer: Person & { readonly caller: Caller };
  /** On sale: 20 seats, rows 1 (category A, 5000) and 2 (B, 3000), 30 standing places (B). */
  event(fields?: object): Promise<string>;
  buyer(): Promise<Person>;
  ask(method: string, path: string, by?: Person, body?: object, key?: string): Promise<Answer>;
  /** What does not add up, at these events and in the books. */
  mistakes(eventIds: readonly string[]): Promise<readonly unknown[]>;
  stop(): Promise<void>;
};

const webhookSecret = 'whsec_test';

export async function startHouse({ uri: mongodbUri, db }: TestDatabase): Promise<House> {
  const simulatorPort = await freePort();
  const apiBase = `http://127.0.0.1:${simulatorPort}`;
  const stripe = { secretKey: 'sk_test_x', webhookSecret, apiBase, simulator: true };
  const config = testConfig({ mongodbUri, stripe });
  const runtime = { config, clock: systemClock, ids: systemIds };
  const services = servicesOf(['gateway', 'inventory', 'core']).map((create) => create(runtime));
  services.push(createMessagesService(runtime), createReportsService(runtime));
  const broker = await startBroker({ services });
  const api = broker.getLocalService('api') as unknown as { address(): { port: number } };
  const url = `http://127.0.0.1:${api.address().port}`;
  const webhookUrl = `${url}/v1/payments/stripe/webhook`;
  const options = { port: simulatorPort, mongodbUri, webhookUrl, webhookSecret };
  const simulator = await startSimulator(options);
  const signup = async (more: object) => {
    const name = randomUUID();
    const body = { email: `${name}@example.org`, password: 'correct horse', name, ...more };
    return (await send(url, 'POST', '/v1/auth/signup', { body })).body;
  };
  const { user, accessToken: token } = await signup({ organizer: { name: 'The house' } });
  const caller: Caller = {
    userId: user.userId,
    roles: ['organizer'],
    organizerIds: [user.organizers[0].organizerId],
  };
  return {
    broker,
    simulator,
    organizer: { userId: user.userId, token, caller },
    event: async (fields = {}) => {
      const { event } = await draftEvent(broker, caller);
      const { eventId, version } = event;
      const patch = { eventId, version, ...fields };
      const changed = await call(broker, 'catalogue.patchEvent', patch, as(caller));
      expect(changed.eventId).toBe(eventId);
      await call(broker, 'catalogue.publish', { eventId }, as(caller));
      return eventId;
    },
    buyer: async () => {
      const { user: own, accessToken } = await signup({});
      return { userId: own.userId, token: accessToken };
    },
    ask: (method, path, by, body, key = randomUUID()) =>
      send(url, method, path, {
        key,
        ...(body === undefined ? {} : { body }),
        ...(by === undefined ? {} : { token: by.token }),
      }),
    mistakes: async (eventIds) => {
      const bounds = { now: Date.now(), overdueMs: 60_000 };
      const found: unknown[] = [...(await checkBooks(db)).mistakes];
      for (const eventId of eventIds) {
        found.push(...checkEvent(await readRecords(db, eventId), bounds));
      }
      return found;
    },
    stop: async () => {
      await broker.stop();
      await simulator.stop();
    },
  };
}
