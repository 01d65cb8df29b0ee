import type { Clock } from '#adapters/clock/port.ts';
import type { ListedRefund, PaymentProvider, ProviderIntent } from '#adapters/payments/port.ts';
import type { ReconciliationStore } from '#adapters/payments/reconciliation.port.ts';
import {
  type Difference,
  differenceOf,
  type IntentFacts,
  type IntentRecord,
  type StrayRecord,
  strayDifference,
} from '#domain/reconciliation.ts';
import type { ListedIntent } from '#domain/settlement.ts';

export type BookingRecord = IntentRecord & {
  readonly bookingId: string;
  readonly version: number;
  readonly currency: string;
};

/** What the books say of an intent: of its booking, or what the ledger has without one. */
export type BookedIntent = BookingRecord | { readonly stray: StrayRecord };

/** The bookings' side. Every call may be repeated. */
export interface Books {
  of(intentId: string, named: NamedBooking | undefined): Promise<BookedIntent>;
  /** Whether the books moved; rejects with `stale-version` when the booking did. */
  settle(bookingId: string, version: number, intent: ListedIntent): Promise<boolean>;
  bookStray(named: NamedBooking, currency: string, intent: ListedIntent): Promise<void>;
  /** Lets the booking's flow look at once. */
  wake(bookingId: string): Promise<void>;
}

/** What an intent's metadata names. */
export type NamedBooking = { readonly bookingId: string; readonly eventId: string };

/** Our own record of payments. */
export interface PaymentRecords {
  adopted(intent: ProviderIntent): Promise<void>;
  seen(intent: ProviderIntent): Promise<void>;
  refunded(intentId: string, refundKey: string, refund: ListedRefund): Promise<void>;
  /** Ids of what was noted in (`from`, `to`], in their order behind `after`. */
  notedIn(from: number, to: number, after: string, limit: number): Promise<readonly string[]>;
}

export type ReconciliationPorts = {
  readonly clock: Clock;
  readonly provider: PaymentProvider;
  readonly store: ReconciliationStore;
  readonly books: Books;
  readonly records: PaymentRecords;
};

/** Metadata of ours; undefined: somebody else's payment, which is none of our business. */
export const namedBy = ({ bookingId, eventId }: ProviderIntent): NamedBooking | undefined =>
  bookingId === undefined || eventId === undefined ? undefined : { bookingId, eventId };

/** An intent as it is judged. */
export const factsOf = ({
  status,
  amountCaptured,
  amountRefunded,
}: ProviderIntent): IntentFacts => ({
  status,
  captured: amountCaptured,
  refunded: amountRefunded,
});

/** What is wrong between the two. */
export const compared = (intent: ProviderIntent, booked: BookedIntent): Difference | undefined =>
  'stray' in booked
    ? strayDifference(factsOf(intent), intent.amount.amount, booked.stray)
    : differenceOf(factsOf(intent), intent.amount.amount, booked);
