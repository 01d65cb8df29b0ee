import type { ServiceBroker } from 'moleculer';
import { call, type ParamsOf } from '#broker/call.ts';
import type { SessionView } from '#contracts/accounts.contract.ts';
import type { Caller } from '#contracts/common.ts';
import { hasCode } from '#domain/errors.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { type DemoHouse, type DemoShow, demoHouses, demoOffers } from '#ops/demo/houses.ts';

/** Who owns the demo; these are no secrets. */
export const demoOrganizer = {
  email: 'organizer@demo.example',
  password: 'demo-organizer',
} as const;

export type Demo = {
  readonly organizer: typeof demoOrganizer;
  /** What was made now; empty when it was there already. */
  readonly events: readonly { readonly eventId: string; readonly title: string }[];
};

const dayMs = 24 * 3_600_000;
const importTimeoutMs = 15_000;

/**
 * Fills an empty catalogue: a theatre, a stadium and a club with events on sale, whose dates are
 * relative to now, a package and a promo code. Answers undefined, having done nothing, where
 * somebody else has a catalogue already. A run that was cut off is gone on with by the next one.
 * The node must run `charts`.
 */
export async function seedDemo(broker: ServiceBroker, runtime: Runtime): Promise<Demo | undefined> {
  const session = await demoSession(broker);
  if (session === undefined) return undefined;
  const { userId, roles, organizers } = session.user;
  const organizerIds = organizers.map(({ organizerId }) => organizerId);
  const meta = { caller: { userId, roles, organizerIds } satisfies Caller };
  const events: Demo['events'][number][] = [];
  for (const house of demoHouses) {
    events.push(...(await seedHouse(broker, runtime, meta, house)));
  }
  await seedOffers(broker, meta);
  return { organizer: demoOrganizer, events };
}

/** The organizer's session; undefined where there is none and the catalogue is not empty. */
async function demoSession(broker: ServiceBroker): Promise<SessionView | undefined> {
  try {
    return await call(broker, 'accounts.login', demoOrganizer);
  } catch (error) {
    if (!hasCode(error, 'invalid-credentials')) throw error;
  }
  const { items } = await call(broker, 'venues.search', { limit: 1 });
  if (items.length > 0) return undefined;
  try {
    const organizer = { name: 'Usher Demo' };
    const account = { ...demoOrganizer, name: 'Demo Organizer', organizer };
    return await call(broker, 'accounts.signup', account);
  } catch (error) {
    // Somebody else has that address: then this is no demo.
    if (hasCode(error, 'email-taken')) return undefined;
    throw error;
  }
}

async function seedOffers(broker: ServiceBroker, meta: Meta): Promise<void> {
  const options = { meta };
  const { package: offer, promo } = demoOffers;
  const { items: packages } = await call(broker, 'bundles.organizerPackages', {}, options);
  if (!packages.some(({ name }) => name === offer.name)) {
    const { titles, ...rest } = offer;
    const { items } = await call(broker, 'catalogue.organizerEvents', { limit: 100 }, options);
    const events = titles.flatMap((title) => {
      const event = items.find((known) => known.title === title);
      return event === undefined ? [] : [{ eventId: event.eventId }];
    });
    if (events.length === titles.length) {
      await call(broker, 'bundles.createPackage', { ...rest, events }, options);
    }
  }
  const { items: codes } = await call(broker, 'promotions.promos', {}, options);
  if (codes.some(({ code }) => code === promo.code)) return;
  const off = { by: 'percent', basisPoints: promo.basisPoints } as const;
  await call(broker, 'promotions.createPromo', { code: promo.code, off }, options);
}

type Meta = { readonly caller: Caller };

async function seedHouse(
  broker: ServiceBroker,
  { clock }: Runtime,
  meta: Meta,
  house: DemoHouse,
): Promise<{ eventId: string; title: string }[]> {
  const options = { meta };
  const venues = await call(broker, 'venues.list', { limit: 100 }, options);
  const venue =
    venues.items.find(({ name }) => name === house.venue.name) ??
    (await call(broker, 'venues.create', house.venue, options));
  const { venueId } = venue;
  const charts = await call(broker, 'charts.list', { venueId }, options);
  const chart =
    charts.items[0] ??
    (await call(
      broker,
      'charts.import',
      { venueId, ...house.chart() } as ParamsOf<'charts.import'>,
      { meta, timeout: importTimeoutMs },
    ));
  const owned = await call(broker, 'catalogue.organizerEvents', { limit: 100 }, options);
  const there = owned.items.filter((event) => event.venueId === venueId);
  const made: { eventId: string; title: string }[] = [];
  for (const show of house.shows.slice(there.length)) {
    const times = timesOf(show, clock.now());
    const draft = eventOf(house, show, times);
    const params = { venueId, chartId: chart.chartId, ...draft };
    const { eventId, title } = await call(broker, 'catalogue.createEvent', params, options);
    made.push({ eventId, title });
  }
  const drafts = there.filter(({ status }) => status === 'draft');
  for (const { eventId } of [...drafts, ...made]) {
    await call(broker, 'catalogue.publish', { eventId }, options);
  }
  return made;
}

function timesOf({ inDays, hour, hours }: DemoShow, now: number) {
  const day = Math.floor(now / dayMs) + inDays;
  const startsAt = day * dayMs + hour * 3_600_000;
  return {
    startsAt: new Date(startsAt).toISOString(),
    doorsAt: new Date(startsAt - 3_600_000).toISOString(),
    endsAt: new Date(startsAt + hours * 3_600_000).toISOString(),
  };
}

const eventOf = (house: DemoHouse, show: DemoShow, times: ReturnType<typeof timesOf>) => ({
  title: show.title,
  description: show.description,
  category: show.category,
  performers: [...show.performers],
  ...times,
  zone: house.venue.zone,
  currency: house.currency,
  prices: Object.entries(show.prices).map(([category, amount]) => ({ category, amount })),
  fees: [{ name: 'Booking fee', perTicket: 150, basisPoints: 0 }],
  taxes: [],
  ...(show.refundRules && {
    refundRules: { ...show.refundRules, tiers: [...show.refundRules.tiers] },
  }),
  ...(show.instalmentPlans && { instalmentPlans: [...show.instalmentPlans] }),
  ...(show.moving && { pricing: show.moving.map((category) => risingPrice(show, category)) }),
});

/** A price that rises as the category sells, and in the last three days. */
function risingPrice({ prices }: DemoShow, category: string) {
  const base = prices[category] ?? 0;
  return {
    category,
    base,
    floor: base,
    ceiling: Math.ceil(base * 1.5),
    roundTo: 100,
    bySold: [
      { from: 100, basisPoints: 500 },
      { from: 5_000, basisPoints: 2_500 },
    ],
    byTime: [{ hours: 72, basisPoints: 1_000 }],
  };
}
