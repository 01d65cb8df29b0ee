import { call, type UsherContext } from '#broker/call.ts';
import type { Booking } from '#domain/booking.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import { actsFor } from '#mixins/organizer.ts';
import type { Desk } from '#services/bookings/desk.ts';

/** Whether the caller works for the platform's support. */
export const isSupport = (ctx: UsherContext): boolean =>
  callerOf(ctx).roles.some((role) => role === 'support' || role === 'admin');

/**
 * A booking that the caller may act on for its buyer: support for all, organizers for their events.
 * Anybody else's is not there.
 */
export async function servedBooking(
  desk: Desk,
  ctx: UsherContext,
  bookingId: string,
): Promise<Booking> {
  const b = await desk.store.find(bookingId);
  if (b === undefined || !(await serves(ctx, b.eventId))) throw new UsherError('not-found');
  return b;
}

/** Whether the caller may act for buyers of this event. */
export async function serves(ctx: UsherContext, eventId: string): Promise<boolean> {
  if (isSupport(ctx)) return true;
  const caller = callerOf(ctx);
  if (caller.organizerIds.length === 0) return false;
  const organizerId = await organizerOf(ctx, eventId);
  return organizerId !== undefined && actsFor(caller, organizerId);
}

async function organizerOf(ctx: UsherContext, eventId: string): Promise<string | undefined> {
  try {
    return (await call(ctx, 'catalogue.brief', { eventId })).organizerId;
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}
