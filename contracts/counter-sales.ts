import { z } from 'zod';
import { id } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';
import { offerRefusals } from '#contracts/promotion-schemas.ts';
import { limits } from '#domain/limits.ts';

const staffId = id('user').describe('Of the staff member who does it');
const bookingId = id('booking');

/**
 * What the box office asks of the bookings service. It has looked whether the caller may; here a
 * booking that was not sold over the counter is `not-found`. `view`: how a booking is answered.
 */
export const counterActions = <V extends z.ZodType>(view: V) => ({
  openSale: action({
    summary: 'Begins the booking of a sale over the counter and waits a little for its tickets',
    params: z.object({
      reservationId: id('reservation'),
      buyerId: id('user'),
      /** Own part of the booking's id, and what names the request: both the same for every run. */
      ulid: z.string(),
      key: z.string(),
      by: z.enum(['cash', 'complimentary']),
      staffId,
      reason: z.string().optional(),
      note: z.string().optional(),
      contact: z.object({ name: z.string(), email: z.string().optional() }),
      promoCode: z.string().optional(),
      voucher: z.string().optional(),
      usedBy: z.string().optional().describe('Whose use of the promo code it counts as'),
    }),
    result: view,
    errors: [
      'not-found',
      'already-booked',
      'reservation-expired',
      'reservation-released',
      ...offerRefusals,
      'overloaded',
      'unavailable',
    ],
  }),
  sale: action({
    summary: 'A booking that was sold over the counter',
    params: z.object({ bookingId, wait: z.int().min(0).max(limits.longPollMaxSeconds) }),
    result: view,
    errors: ['not-found', 'unavailable'],
    timeoutMs: (limits.longPollMaxSeconds + 5) * 1_000,
  }),
  cancelSale: action({
    summary: 'Cancels tickets that were sold over the counter',
    params: z.object({
      bookingId,
      tickets: z.array(id('ticket')).optional(),
      staffId,
      key: z.string(),
    }),
    result: view,
    errors: ['not-found', 'not-cancellable', 'stale-version', 'unavailable'],
  }),
  paidOut: action({
    summary: 'Notes that the cash of a return was paid out',
    params: z.object({ bookingId, no: z.int().min(1), staffId }),
    result: view,
    errors: ['not-found', 'state-forbids', 'stale-version', 'unavailable'],
  }),
});
