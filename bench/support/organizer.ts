import type { Answer, HttpClient } from '#bench/support/http.ts';
import { inParallel } from '#bench/support/stats.ts';

/** What an event is made of: a seating plan in the pretix format and a price for each category. */
export type Staging = {
  readonly title: string;
  readonly plan: { readonly categories: readonly { readonly name: string }[] };
};

type Session = { user: { userId: string }; accessToken: string; refreshToken: string };

const password = 'a long enough password';
const hour = 3_600_000;

/** Signs up `email`; logs in where the account exists already. Throws with the problem's text. */
export async function sessionFor(
  http: HttpClient,
  email: string,
  organizer?: string,
): Promise<Session> {
  const body = {
    email,
    password,
    name: email.split('@')[0],
    ...(organizer === undefined ? {} : { organizer: { name: organizer } }),
  };
  const made = await patiently(() => http.send<Session>('POST', '/v1/auth/signup', { body }));
  if (made.status === 201) return made.body;
  const login = { body: { email, password } };
  const known = await patiently(() => http.send<Session>('POST', '/v1/auth/login', login));
  return expectStatus(known, 200, 'log in');
}

/** Creates venue, chart and event as a new organizer, and puts the event on sale. Its id. */
export async function stageEvent(http: HttpClient, staging: Staging): Promise<string> {
  const [eventId = ''] = await stageEvents(http, staging, 1);
  return eventId;
}

/** The same with several events of one chart. */
export async function stageEvents(
  http: HttpClient,
  staging: Staging,
  count: number,
): Promise<string[]> {
  const email = `organizer-${Date.now()}-${Math.floor(Math.random() * 1e6)}@onsale.example`;
  const { accessToken: token } = await sessionFor(http, email, 'On-sale rehearsals');
  const post = async <T>(path: string, body: object, what: string): Promise<T> =>
    expectStatus(await http.send<T>('POST', path, { token, body }), [200, 201, 202], what);

  const { venueId } = await post<{ venueId: string }>(
    '/v1/organizer/venues',
    { name: 'Rehearsal house', city: 'Vienna', country: 'AT', zip: '1010' },
    'create a venue',
  );
  const { chartId } = await post<{ chartId: string }>(
    '/v1/organizer/charts',
    { venueId, plan: staging.plan },
    'import the chart',
  );
  const eventIds: string[] = [];
  await inParallel(count, 8, async () => {
    const body = eventBody(staging, venueId, chartId);
    const made = await post<{ eventId: string }>('/v1/organizer/events', body, 'create the event');
    await post(`/v1/organizer/events/${made.eventId}/publish`, {}, 'publish the event');
    await untilOnSale(http, made.eventId);
    eventIds.push(made.eventId);
  });
  return eventIds;
}

function eventBody({ title, plan }: Staging, venueId: string, chartId: string): object {
  const startsAt = Date.now() + 30 * 24 * hour;
  return {
    venueId,
    chartId,
    title,
    category: 'concert',
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(startsAt + 3 * hour).toISOString(),
    zone: 'Europe/Vienna',
    currency: 'EUR',
    prices: plan.categories.map(({ name }, i) => ({
      category: name,
      amount: 9_000 - 1_000 * Math.min(i, 7),
    })),
  };
}

async function untilOnSale(http: HttpClient, eventId: string): Promise<void> {
  const until = Date.now() + 30_000;
  while (Date.now() < until) {
    const answer = await http
      .send('GET', `/v1/events/${eventId}/availability`)
      .catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Event ${eventId} was not on sale 30 s after it was published.`);
}

/** Repeats what was answered "try again" for up to a minute. */
async function patiently<T>(ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
  const until = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if ((answer.status !== 503 && answer.status !== 429) || Date.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
  }
}

export function expectStatus<T>(answer: Answer<T>, wanted: number | number[], what: string): T {
  if ([wanted].flat().includes(answer.status)) return answer.body;
  const problem = JSON.stringify(answer.body).slice(0, 500);
  throw new Error(`Could not ${what}: status ${answer.status}, ${problem}`);
}

/** A plain plan of `count` seats in rows of 50, three price categories, in the pretix format. */
export function seatGrid(count: number) {
  const perRow = 50;
  const categories = [
    { name: 'Front', color: '#0b57d0' },
    { name: 'Middle', color: '#00796b' },
    { name: 'Back', color: '#c2410c' },
  ];
  const rows = Array.from({ length: Math.ceil(count / perRow) }, (_, r) => ({
    row_number: String(r + 1),
    position: { x: 0, y: r * 30 },
    seats: Array.from({ length: Math.min(perRow, count - r * perRow) }, (_, s) => ({
      seat_guid: `F-${r + 1}-${s + 1}`,
      seat_number: String(s + 1),
      position: { x: s * 25, y: 0 },
      category: (categories[Math.floor((3 * r * perRow) / count)] ?? categories[2])?.name ?? '',
    })),
  }));
  return {
    name: `Floor of ${count}`,
    categories,
    zones: [{ name: 'Floor', position: { x: 50, y: 150 }, rows, areas: [] }],
    size: { width: perRow * 25 + 100, height: rows.length * 30 + 300 },
  };
}
