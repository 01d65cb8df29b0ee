import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { call, type UsherContext } from '#broker/call.ts';
import type { UsherEvent } from '#broker/emit.ts';
import { reply } from '#broker/reply.ts';
import { bookingsContract } from '#contracts/bookings.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { bookingFlowMixin, type WithBookings } from '#mixins/booking-flow.mixin.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { startSweeps } from '#mixins/event-sweeps.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { checkout } from '#services/bookings/checkout.ts';
import { counterSaleActions } from '#services/bookings/counter.ts';
import type { Desk, OffersPort } from '#services/bookings/desk.ts';
import { EventInfos } from '#services/bookings/event-info.ts';
import { payingOf } from '#services/bookings/paying.ts';
import { paymentActions } from '#services/bookings/payment.ts';
import { ProviderWatch } from '#services/bookings/provider-watch.ts';
import { readingActions } from '#services/bookings/reading.ts';
import { type RefundParts, refundActions } from '#services/bookings/refund-actions.ts';
import { queueReminders } from '#services/bookings/reminders.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;
type Bound = Service & WithInventory & { readonly bookings: WithBookings };

/** Bookings: the only writer of bookings, tickets, ledger and their outbox. */
export function createBookingsService(runtime: Runtime): ServiceSchema {
  const { clock } = runtime;
  let desk: Desk;
  let once: WithOnce['once'];
  let parts: RefundParts;

  return {
    name: bookingsContract.name,
    mixins: [inventoryClientMixin(runtime), idempotencyMixin(runtime), bookingFlowMixin(runtime)],

    async started(this: Service) {
      const { bookings, inventory } = this as Bound;
      ({ once } = this as Service & WithOnce);
      const { broker } = this;
      const offers: OffersPort = { of: (wanted) => call(broker, 'promotions.offers', wanted) };
      const events = new EventInfos(broker, clock);
      const provider = new ProviderWatch(broker, clock, runtime.config.paymentDownPolicy);
      desk = { ...bookings, inventory, clock, events, offers, provider };
      parts = { ...desk, once, sweeps: await startSweeps(runtime, bookings, broker) };
    },

    async stopped() {
      await parts?.sweeps.stop();
    },

    events: {
      'payments.provider'({ params }: UsherEvent<'payments.provider'>) {
        desk?.provider.heard(params.nodeId, params.answers);
      },
    },

    actions: {
      ...refundActions(() => parts),
      ...counterSaleActions(() => desk),

      checkout: (ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> => {
        const { userId: buyerId } = callerOf(ctx);
        const { reservationId, payment, equalSeats, attendees, promoCode, voucher } = ctx.params;
        const key = keyOf(ctx);
        const deadline = deadlineOf(ctx, clock.now(), runtime.config.limits.callTimeoutMs);
        return once(ctx, 'checkout', ctx.params, async ({ ulid }) => {
          const names = attendees.map(({ name }) => name);
          const codes = { promoCode, voucher };
          const wish = { key, ...payingOf(payment), equalSeats, attendees: names, ...codes };
          const request = { reservationId, buyerId, wish, ulid, deadline };
          const { bookingId, status } = await checkout(desk, request);
          reply(ctx, { headers: { Location: `/v1/bookings/${bookingId}` } });
          return { bookingId, status };
        });
      },

      ...readingActions(() => desk),

      ...paymentActions(() => desk),

      reminders: ({ params }: Ctx<'reminders'>): Promise<Result<'reminders'>> =>
        queueReminders(desk, params.withinMs, params.limit),
    },
  };
}

function keyOf(ctx: UsherContext): string {
  const { idempotencyKey } = ctx.meta;
  if (idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  return idempotencyKey;
}
