import type { Booking } from '#domain/booking.ts';
import { codesOf, isOfferRefusal } from '#test/simulation/offers.ts';
import type { PersonOptions } from '#test/simulation/people.ts';
import { planOf } from '#test/simulation/plans.ts';
import { type Token, tokens } from '#test/simulation/provider.ts';

type Held = { readonly holdId: string; readonly buyerId: string };

/** How long a buyer looks on before going away, when the storm is over at the latest. */
const looksMax = 60;

/**
 * A buyer checks out a hold through the bookings: pays by some method, perhaps again after a
 * decline, and may cancel at any time, all or a part. `release` gives the seats back meanwhile.
 */
export async function book(
  options: PersonOptions,
  held: Held,
  release: () => Promise<void>,
): Promise<void> {
  const { scheduler, chance } = options;
  const begun = await begin(options, held, methodOf(options), codesOf(chance));
  if (chance.hits(0.05)) await release();
  if (begun === undefined) return;
  const early = chance.hits(0.2) ? chance.int(0, 8) : -1;
  const { bookingId } = begun;
  for (let look = 0; look < looksMax; look++) {
    await scheduler.sleep(chance.ms(20, 600), undefined);
    const b = await options.office.store.find(bookingId);
    if (b === undefined || options.over()) return;
    if (look === early) await cancel(options, b, undefined);
    if (b.status === 'declined') await afterDecline(options, held, b);
    else if (b.step === 'done' || (b.step === 'owing' && chance.hits(0.3))) {
      return afterwards(options, b);
    }
  }
}

/** In a short run nobody leaves a payment open, for its hold would outlive the run. */
function methodOf({ chance, leaves }: PersonOptions): Token {
  if (chance.hits(0.4)) return 'ok';
  const token = chance.pick(tokens);
  return token === '3ds-forgotten' && !leaves ? '3ds' : token;
}

/** One checkout, repeated under the same key until there is an answer. */
async function begin(
  { chance, office, over, scheduler }: PersonOptions,
  { holdId, buyerId }: Held,
  token: Token,
  codes: ReturnType<typeof codesOf> = {},
): Promise<Booking | undefined> {
  const ulid = chance.ids().ulid();
  let brought = codes;
  const plan = planOf(chance, scheduler.serverNow());
  const paying = token === 'browser' ? { byBrowser: true } : { token };
  const plain = { key: ulid, ...paying, equalSeats: chance.hits(0.5), attendees: [] };
  for (let tries = 0; tries < 6 && !over(); tries++) {
    const wish = { ...plain, ...brought, asked: JSON.stringify(brought) };
    const request = { reservationId: holdId, buyerId, wish, plan: async () => plan, ulid };
    const answer = await office.checkout(request);
    if (typeof answer === 'object') return answer;
    if (answer !== undefined && isOfferRefusal(answer)) {
      brought = {};
      continue;
    }
    if (answer !== undefined && answer !== 'unavailable' && answer !== 'outcome-unknown') return;
    await scheduler.sleep(chance.ms(10, 500), undefined);
  }
  return undefined;
}

async function afterDecline(options: PersonOptions, held: Held, b: Booking): Promise<void> {
  const { chance, leaves } = options;
  const plan = chance.float();
  if (plan < 0.5) await begin(options, held, methodOf(options));
  else if (plan < 0.9 || !leaves) await cancel(options, b, undefined);
}

async function afterwards(options: PersonOptions, b: Booking): Promise<void> {
  const { chance, office, over, scheduler } = options;
  if (b.status !== 'confirmed') return;
  await scheduler.sleep(chance.ms(1, 1_500), undefined);
  if (over()) return;
  if (chance.hits(0.15)) await office.befall(b);
  const plan = chance.float();
  if (plan < 0.4) await cancel(options, b, undefined);
  if (plan > 0.7) {
    const [ticket] = await office.store.tickets([b.bookingId]);
    if (ticket !== undefined) await cancel(options, b, [ticket.ticketId]);
  }
}

/** Repeated under the same key until there is an answer. */
export async function cancel(
  { chance, office, scheduler }: Pick<PersonOptions, 'chance' | 'office' | 'scheduler'>,
  { bookingId, buyerId }: Booking,
  ticketIds: readonly string[] | undefined,
): Promise<void> {
  const key = chance.ids().ulid();
  for (let tries = 0; tries < 6; tries++) {
    const answer = await office.cancel({ bookingId, buyerId, ticketIds, key });
    if (answer !== undefined) return;
    await scheduler.sleep(chance.ms(10, 500), undefined);
  }
}
