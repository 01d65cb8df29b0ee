import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { checkout } from '#services/bookings/checkout.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { planOf } from '#services/bookings/instalments.ts';
import { payingOf } from '#services/bookings/paying.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bookings.checkout`; `parts` are there once the service has started. */
export const checkoutActions = (clock: Clock, limits: Limits, parts: () => Desk & WithOnce) => ({
  checkout: (ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> => {
    const { userId: buyerId } = callerOf(ctx);
    const { reservationId, payment, equalSeats, attendees, promoCode, voucher } = ctx.params;
    const key = keyOf(ctx);
    const deadline = deadlineOf(ctx, clock.now(), limits.callTimeoutMs);
    const { once, ...desk } = parts();
    return once(ctx, 'checkout', ctx.params, async ({ ulid }) => {
      const names = attendees.map(({ name }) => name);
      const codes = { promoCode, voucher };
      const wish = { key, ...payingOf(payment), equalSeats, attendees: names, ...codes };
      const plan = await planOf(ctx, reservationId, payment?.plan);
      const request = { reservationId, buyerId, wish, plan, ulid, deadline };
      const { bookingId, status } = await checkout(desk, request);
      reply(ctx, { headers: { Location: `/v1/bookings/${bookingId}` } });
      return { bookingId, status };
    });
  },
});

/** The request's Idempotency-Key. Throws `idempotency-key-required`. */
export function keyOf(ctx: UsherContext): string {
  const { idempotencyKey } = ctx.meta;
  if (idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  return idempotencyKey;
}
