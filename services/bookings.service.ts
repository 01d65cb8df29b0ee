import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { UsherEvent } from '#broker/events.ts';
import { bookingsContract } from '#contracts/bookings.contract.ts';
import { bookingFlowMixin, type WithBookings } from '#mixins/booking-flow.mixin.ts';
import { startSweeps } from '#mixins/event-sweeps.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { checkoutActions } from '#services/bookings/checkout-action.ts';
import { counterSaleActions } from '#services/bookings/counter.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { EventInfos } from '#services/bookings/event-info.ts';
import { instalmentActions } from '#services/bookings/instalments.ts';
import { promotionsOver } from '#services/bookings/offers.ts';
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
      const offers = promotionsOver(broker);
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
      ...checkoutActions(clock, runtime.config.limits, () => desk),
      ...counterSaleActions(() => desk),
      ...instalmentActions(() => ({ ...desk, once })),

      ...readingActions(() => desk),

      ...paymentActions(() => desk),

      reminders: ({ params }: Ctx<'reminders'>): Promise<Result<'reminders'>> =>
        queueReminders(desk, params.withinMs, params.limit),
    },
  };
}
