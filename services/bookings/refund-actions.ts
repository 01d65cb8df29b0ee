import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import type { CancelOrder } from '#domain/booking.ts';
import { invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import type { Sweeps } from '#mixins/event-sweeps.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { cancelBooking, previewCancellation, separable } from '#services/bookings/cancelling.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';
import { noteDispute } from '#services/bookings/disputes.ts';
import { cancellationProgress, takeNews } from '#services/bookings/event-news.ts';
import { giveGoodwill } from '#services/bookings/goodwill.ts';
import { isSupport, servedBooking } from '#services/bookings/support.ts';
import { cancellationView, cancelledView, refundOf } from '#services/bookings/view.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;
/** What they work with. */
export type RefundParts = Desk & WithOnce & { readonly sweeps: Sweeps };

/** The actions of `contracts/booking-refunds.ts`; `parts` are there once the service has started. */
export const refundActions = (parts: () => RefundParts) => ({
  cancel: (ctx: Ctx<'cancel'>) => cancelOwn(parts(), ctx),
  cancellation: (ctx: Ctx<'cancellation'>) => cancellation(parts(), ctx),
  supportRefund: (ctx: Ctx<'supportRefund'>) => supportRefund(parts(), ctx),
  supportCancel: (ctx: Ctx<'supportCancel'>) => supportCancel(parts(), ctx),
  eventChanged: (ctx: Ctx<'eventChanged'>) => takeNews(parts().sweeps, ctx, parts().clock.now()),
  eventCancellation: (ctx: Ctx<'eventCancellation'>) => cancellationProgress(parts().sweeps, ctx),
  disputed: ({ params: { bookingId, ...news } }: Ctx<'disputed'>) =>
    noteDispute(parts(), bookingId, news),
});

/** `bookings.cancel` */
function cancelOwn(desk: RefundParts, ctx: Ctx<'cancel'>): Promise<Result<'cancel'>> {
  const { bookingId, tickets: ticketIds } = ctx.params;
  const find = async () => separable(await ownBooking(desk, bookingId, callerOf(ctx).userId));
  return desk.once(ctx, 'cancel', ctx.params, async ({ ulid: key }) =>
    cancelledView(await cancelBooking(desk, find, { ticketIds, key })),
  );
}

async function cancellation(
  desk: RefundParts,
  ctx: Ctx<'cancellation'>,
): Promise<Result<'cancellation'>> {
  const { bookingId, tickets } = ctx.params;
  const found = separable(await ownBooking(desk, bookingId, callerOf(ctx).userId));
  const wish = { ticketIds: tickets?.split(',') };
  return cancellationView(await previewCancellation(desk, found, wish));
}

async function supportRefund(
  desk: RefundParts,
  ctx: Ctx<'supportRefund'>,
): Promise<Result<'supportRefund'>> {
  const { bookingId, amount, reason, bornBy } = ctx.params;
  const find = () => servedBooking(desk, ctx, bookingId);
  const { quote } = await find();
  if (bornBy === 'platform' && !isSupport(ctx)) {
    throw new UsherError('forbidden', 'An organizer refunds from his own money');
  }
  if (amount.currency !== quote.currency) {
    throw invalid('amount.currency', `the booking was paid in ${quote.currency}`);
  }
  if (amount.amount <= 0) throw invalid('amount.amount', 'must be above 0');
  return desk.once(ctx, 'bookings.supportRefund', ctx.params, async ({ ulid: key }) => {
    const { userId: by } = callerOf(ctx);
    const wish = { amount: amount.amount, bornBy, key, by, note: reason };
    const { booking, given } = await giveGoodwill(desk, find, wish);
    const status = booking.status as Result<'supportRefund'>['status'];
    return { bookingId, status, refund: refundOf(booking, given) };
  });
}

async function supportCancel(
  desk: RefundParts,
  ctx: Ctx<'supportCancel'>,
): Promise<Result<'supportCancel'>> {
  const { bookingId, tickets: ticketIds, waiveRules, reason: note } = ctx.params;
  const find = () => servedBooking(desk, ctx, bookingId);
  await find();
  return desk.once(ctx, 'bookings.supportCancel', ctx.params, async ({ ulid: key }) => {
    const { userId: actor } = callerOf(ctx);
    const order: CancelOrder = { actor, reason: 'cancelled-by-support', note, waiveRules };
    return cancelledView(await cancelBooking(desk, find, { ticketIds, key, order }));
  });
}
