import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { TillReader } from '#adapters/store/tills.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import type { boxOfficeContract } from '#contracts/box-office.contract.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { offerRefusals } from '#contracts/promotion-schemas.ts';
import { counterPrice, counterUserOf } from '#domain/box-office.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import type { Limits } from '#domain/limits.ts';
import { money } from '#domain/money.ts';
import { priceOf, type ReserveRequest, wantOf } from '#domain/reservation.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { offersBehind, promotionsOver } from '#services/bookings/offers.ts';
import { voucherOf } from '#services/bookings/view.ts';

type Actions = (typeof boxOfficeContract)['actions'];
type SaleParams = z.output<Actions['sell']['params']>;
type QuoteParams = z.output<Actions['quote']['params']>;
type Quoted = z.output<Actions['quote']['result']>;

export type Counter = {
  readonly inventory: InventoryPort;
  readonly tills: TillReader;
  readonly clock: Clock;
  readonly limits: Limits;
};

const walkIn = 'Walk-in';

/**
 * Holds and sells. Every id is made from `ulid`, which is the same for every run of the request: a
 * second run meets the hold and the booking of the first. The buyer is somebody new to the event,
 * whoever else was sold to by the same staff member. Where the buyer's codes are refused the places
 * are let go at once.
 */
export async function sellOver(
  counter: Counter,
  ctx: UsherContext<SaleParams>,
  ulid: string,
): Promise<BookingView> {
  const { payment, buyer, note, promoCode, voucher } = ctx.params;
  const usedBy = await codeUser(ctx);
  const hold = await holdOver(counter, ctx, 'box-office', ulid);
  const { buyerId } = hold;
  const asked = {
    reservationId: hold.holdId,
    buyerId,
    ulid,
    key: ulid,
    by: payment.method,
    staffId: callerOf(ctx).userId,
    ...(payment.method === 'complimentary' ? { reason: payment.reason } : {}),
    ...(note === undefined ? {} : { note }),
    contact: buyer ?? { name: walkIn },
    ...{ promoCode, voucher, usedBy },
  };
  const sale = await call(ctx, 'bookings.openSale', asked).catch(async (error: unknown) => {
    if (refusesOffers(error)) await letGo(counter, ctx, hold);
    throw error;
  });
  const headers = { Location: `/v1/organizer/sales/${sale.bookingId}` };
  reply(ctx, sale.status === 'confirmed' ? { headers } : { headers, status: 202 });
  return sale;
}

/**
 * `box-office.quote`: the price that a sale with these codes would have now, of places that are
 * held for no longer than it takes to see what they cost.
 */
export async function quoteOver(
  counter: Counter,
  ctx: UsherContext<QuoteParams>,
  ulid: string,
): Promise<Quoted> {
  const { eventId, promoCode, voucher } = ctx.params;
  const usedBy = await codeUser(ctx);
  const nobody = makeId('user', ulid);
  const wanted = { eventId, buyerId: usedBy ?? nobody, promoCode, voucher };
  const offers = await offersBehind(promotionsOver(ctx), wanted);
  const hold = await holdOver(counter, ctx, 'box-office.quote', ulid);
  await letGo(counter, ctx, hold);
  const terms = counterPrice(hold, offers, usedBy, counter.clock.now());
  const { currency, total } = terms.quote;
  const byVoucher = terms.bill?.voucher?.amount ?? 0;
  return {
    seats: [...hold.seats],
    price: priceOf(terms.quote),
    ...voucherOf(terms, currency),
    toPay: money(total - byVoucher, currency),
  };
}

/** Whose use of a promo code it is; asked only where there is a code. */
async function codeUser(ctx: UsherContext<QuoteParams>): Promise<string | undefined> {
  const { promoCode, buyer } = ctx.params;
  const email = buyer?.email;
  if (promoCode === undefined || email === undefined) return undefined;
  const { userId } = await call(ctx, 'accounts.known', { email });
  return counterUserOf(email, userId);
}

function holdOver(
  { inventory, clock, limits }: Counter,
  ctx: UsherContext<QuoteParams>,
  route: string,
  ulid: string,
): Promise<HoldView> {
  const { eventId } = ctx.params;
  const buyerId = makeId('user', ulid);
  const id = deriveCommandId({ buyerId, route, eventId, key: ulid });
  return inventory.execute<'hold'>({
    kind: 'hold',
    id,
    eventId,
    holdId: holdIdOf(eventId, id),
    fingerprint: fingerprintOf(ctx.params),
    buyerId,
    channel: 'box-office',
    want: wantOf(requestOf(ctx.params)),
    deadline: deadlineOf(ctx, clock.now(), limits.callTimeoutMs),
  });
}

/** Gives the places back at once; where that fails, the hold ends by itself. */
async function letGo(
  { inventory, clock, limits }: Counter,
  ctx: UsherContext,
  { holdId, eventId, buyerId }: HoldView,
): Promise<void> {
  const deadline = deadlineOf(ctx, clock.now(), limits.callTimeoutMs);
  const about = { id: `release:${holdId}`, eventId, holdId, buyerId, deadline };
  await inventory.execute<'release'>({ kind: 'release', ...about }).catch(() => undefined);
}

const refusesOffers = (error: unknown): boolean => {
  const code = codeOf(error);
  return code !== undefined && (offerRefusals as readonly string[]).includes(code);
};

function requestOf({ seats, best, area, quantity }: QuoteParams): ReserveRequest {
  if (seats !== undefined) return { seats };
  if (best !== undefined) return { best };
  if (area !== undefined && quantity !== undefined) return { area, quantity };
  throw new UsherError('invalid-request', 'give seats, best or area');
}
