import { type Booking, moved } from '#domain/booking.ts';
import { messageOf } from '#domain/booking-messages.ts';
import { backoff, type Change, change, ended } from '#domain/booking-moves.ts';
import { limits } from '#domain/limits.ts';

/** Why a booking waits, or has ended: the payment provider did not answer. */
export const providerAway = 'payment-provider-unavailable';

/**
 * What a checkout meets while the provider does not answer: `queue`, it is taken and goes on by
 * itself; `refuse`, it is refused before anything is written.
 */
export type PaymentDownPolicy = 'queue' | 'refuse';

/** While the provider is away its hold is our fault: near the end it is asked for more time. */
export const holdEndsSoon = (b: Booking, now: number): boolean =>
  now >= b.holdDeadline - limits.holdExtendBeforeMs;

/** One extension for one deadline: asked again, the event answers the same. */
export const extensionId = ({ bookingId, holdDeadline }: Booking): string =>
  `extend:${bookingId}:${holdDeadline}`;

/**
 * The booking is tried again with back-off, spread by `chance` (0 to 1) so that those who wait do
 * not come all at once, and not after its hold's end.
 */
export function queued(b: Booking, holdDeadline: number, chance: number, now: number): Change {
  const wait = (backoff(b.tries, now) - now) * (0.5 + chance / 2);
  const dueAt = Math.min(now + wait, Math.max(holdDeadline, now));
  const patch = { reason: providerAway, tries: b.tries + 1, dueAt: Math.ceil(dueAt), holdDeadline };
  return change(b, moved(b, patch, now), { wait: true });
}

/** The hold's life is over and the provider still away: nobody is charged, the buyer is told. */
export function endedUnpaid(b: Booking, now: number): Change {
  const end = ended(b, 'expired', providerAway, now);
  const told = messageOf(b, 'payment-unavailable', 'unpaid', b.quote.total);
  return { ...end, messages: [...end.messages, told] };
}

/** The same booking as its step knows it: that the provider was away is no news to it. */
export const asIfThere = (b: Booking): Booking =>
  b.reason === providerAway ? { ...b, reason: undefined } : b;
