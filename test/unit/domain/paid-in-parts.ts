import { openBooking } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { checkoutPrice } from '#domain/checkout-price.ts';
import { type DisputeNews, disputed } from '#domain/dispute.ts';
import { payNow } from '#domain/instalment-moves.ts';
import { type InstalmentPlan, planned } from '#domain/instalment-plan.ts';
import type { RefundRules } from '#domain/refund-rules.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import { bookingIdOf, type World } from '#test/unit/flows/world.ts';

const day = 24 * 3_600_000;
export const bookingId = bookingIdOf(10);
export const plan: InstalmentPlan = {
  planId: 'thirds',
  parts: 3,
  firstBasisPoints: 4_000,
  everyDays: 30,
  lastDueDaysBefore: 14,
  minTotal: 0,
  fee: 0,
  admitsBeforePaid: false,
  retryAfterDays: [3, 4],
  cancelFee: 1_000,
};

/** Buys, of the world's price of 10 000 in parts of 4 000, 3 000 and 3 000. */
export async function buy(
  world: World,
  worker = world.worker(),
  own = plan,
  refundRules?: RefundRules,
): Promise<void> {
  const now = world.clock.now();
  const startsAt = now + 300 * day;
  const terms = planned(checkoutPrice(world.event.hold, world.offers, now), own, now, startsAt);
  if ('refused' in terms) throw new Error(terms.refused);
  const event = { name: 'A play', startsAt, timeZone: 'UTC', venue: 'The house', refundRules };
  const wish = { ...world.wish(), save: true };
  const booking = openBooking(bookingId, world.event.hold, wish, event, now, terms);
  await world.store.insert(booking);
  worker.run(booking);
  await worker.idle();
}

/** Lets days pass; a living worker sweeps what is due then. */
export async function days(world: World, count: number, worker = world.worker()): Promise<void> {
  for (let i = 0; i < count; i++) {
    world.clock.advance(day);
    await world.pass(20_000, worker);
  }
}

/** Amounts of what was captured, in order. */
export const captured = (world: World): number[] =>
  [...world.payments.intents.values()]
    .filter(({ status }) => status === 'succeeded')
    .map(({ amount }) => amount);
/** Kinds of the messages so far. */
export const kinds = (world: World): string[] =>
  world.store.contents.outbox.map((row) => row.message.kind);

/** The buyer pays now. */
export async function pay(
  world: World,
  wish: Parameters<typeof payNow>[1],
  worker = world.worker(),
) {
  const change = payNow(await world.booking(), wish, world.clock.now());
  if (change === undefined || (await world.store.commit(change)) !== 'done') return;
  worker.run(change.booking);
  await worker.idle();
}

/** The buyer gives so many tickets back. */
export async function cancelTickets(
  world: World,
  count: number,
  worker: BookingWorker = world.worker(),
) {
  const tickets = await world.store.tickets([bookingId]);
  const chosen = tickets.filter(({ active }) => active).slice(0, count);
  const ticketIds = chosen.map(({ ticketId }) => ticketId);
  const wish = { ticketIds, key: 'c' };
  const decision = cancel(await world.booking(), tickets, wish, world.clock.now());
  if (decision.kind !== 'done') return;
  if ((await world.store.commit(decision.change)) === 'done') worker.run(decision.change.booking);
  await worker.idle();
}

/** Brings news to the world's booking and lets its flow run. */
export async function tell(world: World, news: DisputeNews) {
  const b = await world.booking();
  const change = disputed(b, await world.store.tickets([bookingId]), news, world.clock.now());
  if (change === undefined || change === 'early') return change;
  if ((await world.store.commit(change)) !== 'done') throw new Error('another was faster');
  const worker = world.worker();
  if (change.booking.step !== 'done') worker.run(change.booking);
  await worker.idle();
  return change;
}
