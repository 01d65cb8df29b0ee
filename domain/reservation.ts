import type { HoldStatus, HoldView, SeatRef, Want } from '#domain/inventory/commands.ts';
import { type Money, money } from '#domain/money.ts';
import type { Quote } from '#domain/pricing.ts';

/** A hold as the API shows it: what the API calls a reservation. */
export type Reservation = {
  readonly reservationId: string;
  readonly eventId: string;
  readonly status: HoldStatus;
  readonly seats: SeatRef[];
  readonly price: Price;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
  readonly createdAt: string;
  readonly bookingId?: string;
};

export type Price = {
  readonly lines: {
    readonly category: string;
    readonly quantity: number;
    readonly unit: Money;
    readonly amount: Money;
  }[];
  /** Off the lines, by a promo code. */
  readonly discount?: { readonly code: string; readonly amount: Money };
  readonly fees: Money;
  readonly taxes: Money;
  readonly total: Money;
};

/** A quote in the API's words: every amount names its currency. */
export function priceOf({ currency, lines, fees, taxes, total, discount }: Quote): Price {
  return {
    lines: lines.map(({ category, quantity, unitAmount, amount }) => ({
      category,
      quantity,
      unit: money(unitAmount, currency),
      amount: money(amount, currency),
    })),
    ...(discount && {
      discount: { code: discount.code, amount: money(discount.amount, currency) },
    }),
    fees: money(fees, currency),
    taxes: money(taxes, currency),
    total: money(total, currency),
  };
}

export const reservationOf = (hold: HoldView): Reservation => ({
  reservationId: hold.holdId,
  eventId: hold.eventId,
  status: hold.status,
  seats: [...hold.seats],
  price: priceOf(hold.quote),
  expiresAt: new Date(hold.deadline).toISOString(),
  createdAt: new Date(hold.createdAt).toISOString(),
  ...(hold.bookingId === undefined ? {} : { bookingId: hold.bookingId }),
});

/** The three ways to ask for places; exactly one of them is there. */
export type ReserveRequest =
  | { readonly seats: readonly string[] }
  | {
      readonly best: {
        readonly quantity: number;
        readonly section?: string | undefined;
        readonly category?: string | undefined;
        readonly maxPrice?: number | undefined;
        readonly accessible?: boolean | undefined;
      };
    }
  | { readonly area: string; readonly quantity: number };

/** What a request asks the actor for. */
export function wantOf(request: ReserveRequest): Want {
  if ('seats' in request) return { by: 'seats', seats: request.seats };
  if ('area' in request) return { by: 'area', area: request.area, quantity: request.quantity };
  const { quantity, section, category, maxPrice, accessible } = request.best;
  return {
    by: 'best',
    quantity,
    ...(section === undefined ? {} : { section }),
    ...(category === undefined ? {} : { category }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
    ...(accessible === undefined ? {} : { accessible }),
  };
}
