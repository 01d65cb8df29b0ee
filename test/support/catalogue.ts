import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import type { ExecuteReply } from '#contracts/inventory.contract.ts';
import { makeId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { createCatalogueService } from '#services/catalogue.service.ts';
import { createChartsService } from '#services/charts.service.ts';
import { createVenuesService } from '#services/venues.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';

/** What the seats were told, and how they shall answer. */
export class FakeSeats {
  readonly heard: Command[] = [];
  /** Versions that were taken, in order. */
  readonly taken: number[] = [];
  /** Answers for the next commands: a refusal's code, `silence`, or (when empty) yes. */
  readonly script: string[] = [];
  delayMs = 0;

  async answer(command: Command): Promise<ExecuteReply> {
    this.heard.push(command);
    if (this.delayMs > 0) await systemClock.sleep(this.delayMs);
    const next = this.script.shift();
    if (next !== undefined) return { ok: false, code: next, detail: next, data: {} };
    const { version } = command as Command & { version: number };
    const applied = this.taken.at(-1) ?? 0;
    if (version > applied + 1 && command.kind !== 'open') {
      return { ok: false, code: 'version-gap', detail: `${version} after ${applied}`, data: {} };
    }
    if (version > applied) this.taken.push(version);
    const skipped =
      'seats' in command && Array.isArray(command.seats) ? command.seats.slice(1) : [];
    return { ok: true, value: { version, skipped } };
  }

  service(): ServiceSchema {
    return {
      name: 'inventory',
      actions: {
        execute: async (ctx: { params: { commands: Command[] } }) => {
          const replies: ExecuteReply[] = [];
          for (const command of ctx.params.commands) replies.push(await this.answer(command));
          return { replies };
        },
        view: (ctx: { params: { eventId: string } }) => ({
          eventId: ctx.params.eventId,
          version: 1,
          chartVersion: 1,
          sale: 'open',
          counts: { available: 3, reserved: 1, sold: 0, blocked: 0 },
          seats: '',
        }),
      },
    } as unknown as ServiceSchema;
  }
}

export const newCaller = (): Caller => ({
  userId: makeId('user', systemIds.ulid()),
  roles: ['buyer', 'organizer'],
  organizerIds: [makeId('organizer', systemIds.ulid())],
});

export const as = (caller: Caller, more: object = {}) => ({ meta: { caller, ...more } });

export function startCatalogue(mongodbUri: string, seats: FakeSeats): Promise<ServiceBroker> {
  const config = testConfig({ mongodbUri });
  const runtime: Runtime = { config, clock: systemClock, ids: systemIds };
  const services = [createVenuesService, createChartsService, createCatalogueService];
  return startBroker({ services: [...services.map((create) => create(runtime)), seats.service()] });
}

export const hall = `
category A color=#c00
category B
section Stalls cat=A
row 1 1-10
row 2 1-10 cat=B
area Standing cat=B capacity=30
`;

export const venueFields = {
  name: 'Town Hall',
  city: 'Graz',
  zip: '8010',
  country: 'AT',
  location: { lat: 47.07, lon: 15.44 },
};

const day = 24 * 3_600_000;
export const inDays = (days: number): string =>
  new Date(systemClock.now() + days * day).toISOString();

export const eventFields = () => ({
  title: 'An Evening of Songs',
  category: 'concert' as const,
  performers: ['Ada Quartet'],
  startsAt: inDays(30),
  endsAt: inDays(30.1),
  zone: 'Europe/Vienna',
  currency: 'EUR',
  prices: [
    { category: 'A', amount: 5_000 },
    { category: 'B', amount: 3_000 },
  ],
});

/** A venue, a chart and a draft of the caller's. */
export async function draftEvent(broker: ServiceBroker, caller: Caller) {
  const venue = await call(broker, 'venues.create', venueFields, as(caller));
  const { venueId } = venue;
  const chart = await call(broker, 'charts.import', { venueId, text: hall }, as(caller));
  const { chartId } = chart;
  const event = await call(
    broker,
    'catalogue.createEvent',
    { venueId, chartId, ...eventFields() },
    as(caller),
  );
  return { venue, chart, event };
}
