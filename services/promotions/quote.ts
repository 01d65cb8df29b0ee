import type { z } from 'zod';
import type { OfferReader } from '#adapters/store/offers.ts';
import type { UsherContext } from '#broker/call.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { promotionsContract } from '#contracts/promotions.contract.ts';
import { cardTotal } from '#domain/bill.ts';
import { checkoutPrice } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf } from '#domain/ids.ts';
import { money } from '#domain/money.ts';
import { priceOf } from '#domain/reservation.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { voucherOf } from '#services/bookings/view.ts';

type Params = z.output<(typeof promotionsContract)['actions']['quote']['params']>;

export type QuoteParts = Pick<Runtime, 'clock' | 'ids'> & {
  readonly offers: OfferReader;
  readonly inventory: InventoryPort;
  readonly waitMs: number;
};

/** `promotions.quote`: the very price that a checkout with these codes would begin with now. */
export async function previewQuote(parts: QuoteParts, ctx: UsherContext<Params>) {
  const { offers, inventory, clock, ids, waitMs } = parts;
  const { reservationId, promoCode, voucher } = ctx.params;
  const { userId: buyerId } = callerOf(ctx);
  const eventId = eventIdOf(reservationId);
  if (eventId === undefined) throw new UsherError('not-found');
  const hold = await inventory.execute<'read-hold'>({
    kind: 'read-hold',
    id: ids.ulid(),
    eventId,
    deadline: deadlineOf(ctx, clock.now(), waitMs),
    holdId: reservationId,
    buyerId,
  });
  const found = await offers.of({ eventId, buyerId, promoCode, voucher });
  const terms = checkoutPrice(hold, found, clock.now());
  const { currency } = terms.quote;
  return {
    reservationId,
    price: priceOf(terms.quote),
    ...voucherOf(terms, currency),
    toPay: money(cardTotal(terms), currency),
    expiresAt: new Date(hold.deadline).toISOString(),
  };
}
