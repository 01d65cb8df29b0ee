import type { Db } from 'mongodb';
import type { HttpClient } from '#bench/support/http.ts';
import { expectStatus, seatGrid, stageEvents } from '#bench/support/organizer.ts';
import type { Buyer, Buyers } from '#ops/chaos/buyers.ts';

/** What the money crowd buys from: three events of one organizer, and what he offers with them. */
export type MoneyStage = {
  readonly organizer: Buyer;
  /** On sale all the time. */
  readonly eventIds: readonly [string, string];
  /** Cancelled while faults fire. */
  readonly cancelledId: string;
  readonly packageId: string;
  readonly promoCodes: readonly string[];
  /** `small` ones leave something for instalments, `large` ones pay for most bookings. */
  readonly vouchers: { readonly small: readonly string[]; readonly large: readonly string[] };
  /** Its second part is due at `soonAt` (epoch ms), while faults fire. */
  readonly soonAt: number;
};

export const plans = { soon: 'soon', later: 'later' } as const;

const soonest = 5_000;

/** Stages the events, before any fault. `seconds`: how long faults will fire. */
export async function openMoneyStage(
  http: HttpClient,
  db: Db,
  buyers: Buyers,
  { seconds, seats }: { readonly seconds: number; readonly seats: number },
): Promise<MoneyStage> {
  const plan = seatGrid(seats);
  const [first = '', second = '', third = ''] = await stageEvents(
    http,
    { title: 'Chaos and money', plan },
    3,
  );
  const events = db.collection<{ _id: string; organizerId: string }>('events');
  const organizerId = String((await events.findOne({ _id: first }))?.organizerId);
  const organizer = buyers.organizer(organizerId);
  const post = async <T>(path: string, body: object): Promise<T> => {
    const answer = await http.send<T>('POST', path, { token: await organizer.token(), body });
    return expectStatus(answer, [200, 201, 202], `post ${path}`);
  };
  const soonAt = Date.now() + seconds * 600 + soonest;
  for (const eventId of [first, second]) await offerPlans(http, organizer, eventId, soonAt);
  const codes = [
    { code: 'Chaos', off: { by: 'percent', basisPoints: 1_250 } },
    {
      code: 'Pair',
      off: { by: 'per-ticket', amount: 333 },
      currency: 'EUR',
      ticketsMin: 2,
    },
    { code: 'Few', off: { by: 'per-booking', amount: 500 }, currency: 'EUR', redemptionsMax: 25 },
  ];
  for (const code of codes) await post('/v1/organizer/promo-codes', code);
  type Issued = { vouchers: readonly { code?: string }[] };
  const issue = async (amount: number): Promise<string[]> => {
    const body = { amount, currency: 'EUR', count: 100 };
    const { vouchers } = await post<Issued>('/v1/organizer/vouchers', body);
    return vouchers.flatMap(({ code }) => code ?? []);
  };
  const { packageId } = await post<{ packageId: string }>('/v1/organizer/bundles', {
    name: 'Chaos twice',
    discountBasisPoints: 1_000,
    divisible: true,
    events: [{ eventId: first }, { eventId: second }],
  });
  return {
    organizer,
    eventIds: [first, second],
    cancelledId: third,
    packageId,
    promoCodes: codes.map(({ code }) => code),
    vouchers: { small: await issue(4_000), large: await issue(20_000) },
    soonAt,
  };
}

async function offerPlans(
  http: HttpClient,
  organizer: Buyer,
  eventId: string,
  soonAt: number,
): Promise<void> {
  const path = `/v1/organizer/events/${eventId}`;
  const token = await organizer.token();
  const known = await http.send<{ version: number }>('GET', path, { token });
  const { version } = expectStatus(known, 200, 'read the event');
  const common = { firstBasisPoints: 4_000, lastDueDaysBefore: 7 };
  const body = {
    version,
    instalmentPlans: [
      { planId: plans.soon, parts: 2, dates: [new Date(soonAt).toISOString()], ...common },
      { planId: plans.later, parts: 3, everyDays: 5, fee: 150, ...common },
    ],
  };
  const changed = await http.send('PATCH', path, { token, body });
  expectStatus(changed, [200, 202], 'offer instalments');
}
