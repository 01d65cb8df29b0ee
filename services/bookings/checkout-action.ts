import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import { initialStatus } from '#domain/booking.ts';
import { UsherError } from '#domain/errors.ts';
import { fingerprintOf } from '#domain/inventory/command-id.ts';
import type { Limits } from '#domain/limits.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { requestUlid } from '#mixins/once.ts';
import { checkout } from '#services/bookings/checkout.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { planOf } from '#services/bookings/instalments.ts';
import { payingOf } from '#services/bookings/paying.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bookings.checkout`; `desk` is there once the service has started. */
export const checkoutActions = (clock: Clock, limits: Limits, desk: () => Desk) => ({
  checkout: async (ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> => {
    const { userId: buyerId } = callerOf(ctx);
    const { reservationId, payment, equalSeats, attendees, promoCode, voucher } = ctx.params;
    const key = keyOf(ctx);
    const names = attendees.map(({ name }) => name);
    const asked = fingerprintOf(ctx.params);
    const codes = { promoCode, voucher };
    const { booking, replayed } = await checkout(desk(), {
      reservationId,
      buyerId,
      wish: { key, asked, ...payingOf(payment), equalSeats, attendees: names, ...codes },
      plan: () => planOf(ctx, reservationId, payment?.plan),
      ulid: requestUlid(buyerId, 'checkout', key),
      deadline: deadlineOf(ctx, clock.now(), limits.callTimeoutMs),
    });
    const { bookingId } = booking;
    const again = replayed ? { 'Idempotent-Replayed': 'true' } : {};
    reply(ctx, { headers: { Location: `/v1/bookings/${bookingId}`, ...again } });
    // Whatever has become of it: the answer to a key is always the same.
    return { bookingId, status: initialStatus };
  },
});

/** The request's Idempotency-Key. Throws `idempotency-key-required`. */
export function keyOf(ctx: UsherContext): string {
  const { idempotencyKey } = ctx.meta;
  if (idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  return idempotencyKey;
}
