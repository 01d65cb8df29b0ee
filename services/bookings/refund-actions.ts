import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { noteDispute } from '#services/bookings/disputes.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** The actions of `contracts/booking-refunds.ts`; `desk` is there once the service has started. */
export const refundActions = (desk: () => Desk) => ({
  disputed: ({ params: { bookingId, ...news } }: Ctx<'disputed'>) =>
    noteDispute(desk(), bookingId, news),
});
