import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import { bookingsContract } from '#contracts/bookings.contract.ts';
import { isSettled } from '#domain/booking.ts';
import { reminded } from '#domain/booking-moves.ts';
import { invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { bookingFlowMixin, type WithBookings } from '#mixins/booking-flow.mixin.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { cancelBooking } from '#services/bookings/cancelling.ts';
import { checkout } from '#services/bookings/checkout.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { EventInfos } from '#services/bookings/event-info.ts';
import { listBookings, readBooking } from '#services/bookings/reading.ts';
import { refundOf } from '#services/bookings/view.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;
type Bound = Service & WithInventory & { readonly bookings: WithBookings };

/** Bookings: the only writer of bookings, tickets, ledger and their outbox. */
export function createBookingsService(runtime: Runtime): ServiceSchema {
  const { clock } = runtime;
  let desk: Desk;
  let once: WithOnce['once'];

  return {
    name: bookingsContract.name,
    mixins: [inventoryClientMixin(runtime), idempotencyMixin(runtime), bookingFlowMixin(runtime)],

    started(this: Service) {
      const { bookings, inventory } = this as Bound;
      ({ once } = this as Service & WithOnce);
      desk = { ...bookings, inventory, clock, events: new EventInfos(this.broker, clock) };
    },

    actions: {
      checkout: (ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> => {
        const { userId: buyerId } = callerOf(ctx);
        const { reservationId, payment, equalSeats, attendees, promoCode } = ctx.params;
        const key = keyOf(ctx);
        if (promoCode !== undefined) throw invalid('promoCode', 'there is no such code');
        const deadline = deadlineOf(ctx, clock.now(), runtime.config.limits.callTimeoutMs);
        return once(ctx, 'checkout', ctx.params, async ({ ulid }) => {
          const names = attendees.map(({ name }) => name);
          const wish = { key, token: payment?.token, equalSeats, attendees: names };
          const request = { reservationId, buyerId, wish, ulid, deadline };
          const { bookingId, status } = await checkout(desk, request);
          reply(ctx, { headers: { Location: `/v1/bookings/${bookingId}` } });
          return { bookingId, status };
        });
      },

      get: (ctx: Ctx<'get'>): Promise<Result<'get'>> => {
        const { bookingId, wait, from } = ctx.params;
        const { userId: buyerId } = callerOf(ctx);
        return readBooking(desk, { bookingId, buyerId, waitMs: wait * 1_000, from });
      },

      list: (ctx: Ctx<'list'>): Promise<Result<'list'>> =>
        listBookings(desk, callerOf(ctx).userId, ctx.params.limit, ctx.params.cursor),

      cancel: (ctx: Ctx<'cancel'>): Promise<Result<'cancel'>> => {
        const { userId: buyerId } = callerOf(ctx);
        const { bookingId, tickets: ticketIds } = ctx.params;
        keyOf(ctx);
        return once(ctx, 'cancel', ctx.params, async ({ ulid: key }) => {
          const request = { bookingId, buyerId, ticketIds, key };
          const { booking, given } = await cancelBooking(desk, request);
          const refund = refundOf(booking, given);
          if (given === undefined) return { bookingId, status: 'cancel-requested', refund };
          return { bookingId, status: cancelledStatus(booking.status), refund };
        });
      },

      paymentChanged: async ({ params }: Ctx<'paymentChanged'>): Promise<{ known: boolean }> => {
        const known = await desk.store.touch(params.bookingId, clock.now());
        if (known) desk.worker.wake(params.bookingId);
        return { known };
      },

      byPayment: async ({ params }: Ctx<'byPayment'>): Promise<Result<'byPayment'>> => {
        const b = await desk.store.findByIntent(params.intentId);
        if (b === undefined) return { booking: null };
        const tickets = await desk.store.tickets([b.bookingId]);
        const sum = (refund: 'succeeded' | 'pending'): number =>
          b.returns
            .filter((r) => r.intentId === params.intentId && r.refund === refund)
            .reduce((total, r) => total + r.amount, 0);
        return {
          booking: {
            bookingId: b.bookingId,
            eventId: b.eventId,
            status: b.status,
            finished: b.step === 'done' && isSettled(b),
            validTickets: tickets.filter((t) => t.status === 'valid').length,
            refunded: sum('succeeded'),
            refundPending: sum('pending'),
          },
        };
      },

      reminders: async ({ params }: Ctx<'reminders'>): Promise<Result<'reminders'>> => {
        const now = clock.now();
        const due = await desk.store.toRemind(now, now + params.withinMs, params.limit);
        let queued = 0;
        for (const booking of due) {
          const change = reminded(booking, clock.now());
          // Whoever changed it meanwhile does not hinder the next run from reminding.
          if ((await desk.store.commit(change)) !== 'done') continue;
          desk.relay.relay(change.messages.map((message) => message.key));
          queued++;
        }
        return { queued, more: due.length === params.limit };
      },
    },
  };
}

function keyOf(ctx: UsherContext): string {
  const { idempotencyKey } = ctx.meta;
  if (idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  return idempotencyKey;
}

const cancelledStatus = (status: string): 'cancelled' | 'partially_refunded' | 'refunded' =>
  status === 'partially_refunded' || status === 'refunded' ? status : 'cancelled';
