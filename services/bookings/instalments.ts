import type { z } from 'zod';
import { call, type UsherContext } from '#broker/call.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import { invalid } from '#domain/checkout.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { eventIdOf } from '#domain/ids.ts';
import { payNow } from '#domain/instalment-moves.ts';
import { type InstalmentPlan, planned } from '#domain/instalment-plan.ts';
import { limits } from '#domain/limits.ts';
import { money } from '#domain/money.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { readHold } from '#services/bookings/checkout.ts';
import { keyOf } from '#services/bookings/checkout-action.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';
import { payingOf } from '#services/bookings/paying.ts';
import { viewOf } from '#services/bookings/view.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;
type Parts = Desk & WithOnce;

/** A plan of the event that a buyer chose, and when that event starts (epoch ms). */
export type ChosenPlan = { readonly plan: InstalmentPlan; readonly startsAt: number };

/** Actions of the bookings service about payment in parts. */
export const instalmentActions = (parts: () => Parts) => ({
  instalmentPlans: (ctx: Ctx<'instalmentPlans'>) => offers(parts(), ctx),
  payInstalment: (ctx: Ctx<'payInstalment'>) => {
    keyOf(ctx);
    return parts().once(ctx, 'bookings.payInstalment', ctx.params, ({ ulid }) =>
      pay(parts(), ctx, ulid),
    );
  },
  dueInstalments: (ctx: Ctx<'dueInstalments'>) => beginDue(parts(), ctx.params.limit),
});

async function plansOf(ctx: UsherContext, eventId: string) {
  try {
    const event = await call(ctx, 'catalogue.event', { eventId });
    return { plans: event.instalmentPlans, startsAt: Date.parse(event.startsAt) };
  } catch (error) {
    if (hasCode(error, 'not-found')) return { plans: [], startsAt: 0 };
    throw error;
  }
}

/** The plan of this name of a reservation's event, if one is named. Rejects with `invalid-request`. */
export async function planOf(
  ctx: UsherContext,
  reservationId: string,
  planId: string | undefined,
): Promise<ChosenPlan | undefined> {
  if (planId === undefined) return undefined;
  const { plans, startsAt } = await plansOf(ctx, eventIdOf(reservationId) ?? '');
  const plan = plans.find((own) => own.planId === planId);
  if (plan === undefined) throw invalid('payment.plan', `the event has no plan ${planId}`);
  return { plan, startsAt };
}

async function offers(
  desk: Parts,
  ctx: Ctx<'instalmentPlans'>,
): Promise<Result<'instalmentPlans'>> {
  const { reservationId } = ctx.params;
  const now = desk.clock.now();
  const hold = await readHold(desk, {
    reservationId,
    buyerId: callerOf(ctx).userId,
    ulid: `plans:${reservationId}:${now}`,
    deadline: deadlineOf(ctx, now, limits.callTimeoutMs),
  });
  const { plans, startsAt } = await plansOf(ctx, hold.eventId);
  const { quote } = hold;
  const sum = (amount: number) => money(amount, quote.currency);
  return {
    reservationId,
    plans: plans.map((plan) => {
      const { planId, fee, admitsBeforePaid } = plan;
      const about = { planId, fee: sum(fee), total: sum(quote.total + fee), admitsBeforePaid };
      const terms = planned({ quote }, plan, now, startsAt);
      if ('refused' in terms) {
        return { ...about, available: false, reason: terms.refused, instalments: [] };
      }
      const instalments = (terms.bill?.instalments ?? []).map(({ no, amount, dueAt }) => ({
        no,
        amount: sum(amount),
        dueAt: new Date(dueAt).toISOString(),
      }));
      return { ...about, available: true, instalments };
    }),
  };
}

const triesMax = 5;

async function pay(
  desk: Parts,
  ctx: Ctx<'payInstalment'>,
  key: string,
): Promise<Result<'payInstalment'>> {
  const { bookingId, no, payment } = ctx.params;
  const { token, saved } = payingOf(payment);
  if (token === undefined) throw invalid('payment.token', 'or paymentMethodId is required');
  for (let tries = 0; tries < triesMax; tries++) {
    const b = await ownBooking(desk, bookingId, callerOf(ctx).userId);
    const wish = { key, upTo: no, token, saved };
    const change = payNow(b, wish, desk.clock.now());
    const tickets = await desk.store.tickets([bookingId]);
    if (change === undefined) return viewOf(b, tickets);
    // A step of its flow was faster: decided again on what it made of the booking.
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.worker.run(change.booking);
    return viewOf(change.booking, tickets);
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

/**
 * Wakes bookings whose next instalment is due. The time stands in the booking and every core node
 * sweeps what is due; whoever takes the booking first begins its charge, once.
 */
async function beginDue(desk: Desk, limit: number): Promise<Result<'dueInstalments'>> {
  const due = await desk.store.dueInstalments(desk.clock.now(), limit);
  for (const bookingId of due) desk.worker.wake(bookingId);
  return { begun: due.length, more: due.length === limit };
}
