import type { Booking } from '#domain/booking.ts';
import type { ChosenPlan } from '#services/bookings/instalments.ts';
import type { Chance } from '#test/simulation/chance.ts';

/** A day of a plan passes in half a second of a run. */
const day = 500 / (24 * 3_600_000);

/** How a few buyers pay: in parts that are due within seconds, with tries soon after. */
export const planOf = (chance: Chance, now: number): ChosenPlan | undefined =>
  chance.hits(0.2)
    ? {
        startsAt: now + 24 * 3_600_000,
        plan: {
          planId: 'soon',
          parts: chance.int(2, 4),
          firstBasisPoints: 3_000,
          everyDays: day,
          lastDueDaysBefore: 0,
          minTotal: 0,
          fee: 300,
          admitsBeforePaid: true,
          retryAfterDays: [day, day],
          cancelFee: 500,
        },
      }
    : undefined;

/** A later part of a booking may come in while its tickets are given back; then it is returned. */
export const isLaterPart = (bookings: readonly Booking[], paid: string): boolean =>
  bookings.some(
    ({ bookingId, bill, attempts }) =>
      bookingId === paid &&
      bill?.plan !== undefined &&
      attempts.some(({ state }) => state === 'captured'),
  );
