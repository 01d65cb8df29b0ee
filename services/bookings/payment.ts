import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf } from '#domain/ids.ts';
import { type ListedIntent, recordOf, settlementOf } from '#domain/settlement.ts';
import type { Desk } from '#services/bookings/desk.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** What the payments service asks of the bookings. */
export const paymentActions = (desk: () => Desk) => ({
  paymentChanged: async ({ params }: Ctx<'paymentChanged'>): Promise<Result<'paymentChanged'>> => {
    const { store, worker, clock } = desk();
    const known = await store.touch(params.bookingId, clock.now());
    if (known) worker.wake(params.bookingId);
    return { known };
  },

  byPayment: ({ params }: Ctx<'byPayment'>): Promise<Result<'byPayment'>> =>
    bookingOfPayment(desk(), params),

  settlePayment: async ({ params }: Ctx<'settlePayment'>): Promise<Result<'settlePayment'>> => {
    const { bookingId, version, intent } = params;
    return { settled: await settlePayment(desk(), bookingId, version, intent) };
  },

  paymentBacklog: async ({ params }: Ctx<'paymentBacklog'>): Promise<Result<'paymentBacklog'>> => {
    const { backlog, clock } = desk();
    const { items, sums, ...rest } = await backlog.read(clock.now(), params.olderThanMs, 100);
    return {
      ...rest,
      items: [...items],
      sums: sums.map(({ amounts, ...sum }) => ({ ...sum, amounts: [...amounts] })),
    };
  },

  bookStray: async ({ params }: Ctx<'bookStray'>): Promise<Result<'bookStray'>> => {
    const { strays, clock } = desk();
    // Entries are found by their ids: by the event that the booking's names.
    const eventId = eventIdOf(params.bookingId) ?? params.eventId;
    return { entries: await strays.book({ ...params, eventId }, clock.now()) };
  },
});

/** What the books say of an intent; `booking: null` when there is no such booking. */
async function bookingOfPayment(
  desk: Desk,
  { intentId, bookingId }: { readonly intentId: string; readonly bookingId: string },
) {
  const b = await desk.store.find(bookingId);
  if (b === undefined) return { booking: null, stray: await desk.strays.sums(bookingId, intentId) };
  const tickets = await desk.store.tickets([b.bookingId]);
  const { eventId, version, status, quote } = b;
  const record = recordOf(b, tickets, intentId);
  const own = { bookingId: b.bookingId, eventId, version, status, currency: quote.currency };
  return { booking: { ...own, ...record }, stray: { captured: 0, refunded: 0 } };
}

/**
 * Brings the books of a finished booking into line with what the provider lists, and lets its flow
 * give back what is owed. Answers whether anything was to be done.
 */
async function settlePayment(
  desk: Desk,
  bookingId: string,
  version: number,
  intent: ListedIntent,
): Promise<boolean> {
  const b = await desk.store.find(bookingId);
  if (b === undefined) throw new UsherError('not-found');
  if (b.version !== version) throw new UsherError('stale-version');
  const tickets = await desk.store.tickets([bookingId]);
  const change = settlementOf(b, tickets, intent, desk.clock.now());
  if (change === undefined) return false;
  if ((await desk.store.commit(change)) !== 'done') throw new UsherError('stale-version');
  desk.worker.run(change.booking);
  return true;
}
