import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import type { OutboxStore } from '#adapters/store/outbox.port.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Authorisation, IntentOrder, IntentView } from '#contracts/payments.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Message } from '#domain/booking-messages.ts';
import type { Money } from '#domain/money.ts';
import type { Ticket } from '#domain/ticket.ts';

export type { Authorisation, BookingStore, Clock, Ids, InventoryPort, OutboxStore };

/**
 * The payments service as the flow sees it; rules in `contracts/payments.contract.ts`: every call
 * may be repeated, a rejection without a terminal code means that the outcome is unknown.
 */
export interface PaymentsPort {
  create(intent: IntentOrder): Promise<IntentView>;
  authorise(payment: Authorisation): Promise<IntentView>;
  withdraw(payment: Authorisation): Promise<{ readonly intent?: IntentView | undefined }>;
  confirm(confirmation: {
    readonly bookingId: string;
    readonly attempt: number;
    readonly intentId: string;
    readonly token: string;
    readonly offSession?: boolean | undefined;
  }): Promise<IntentView>;
  read(intent: { readonly intentId: string }): Promise<IntentView>;
  capture(intent: { readonly intentId: string }): Promise<IntentView>;
  cancel(intent: { readonly intentId: string }): Promise<IntentView>;
  refund(refund: {
    readonly bookingId: string;
    readonly intentId: string;
    readonly amount: Money;
    readonly refundKey: string;
  }): Promise<{ readonly refundId: string; readonly status: string }>;
}

/** What people and waiting requests learn on the way; nothing depends on it, it never throws. */
export interface FlowWatcher {
  /** A change was written; `tickets` are all that it has, where this flow has issued them. */
  changed(
    before: Booking,
    booking: Booking,
    messages: readonly Message[],
    tickets: readonly Ticket[] | undefined,
  ): void;
  /** A step's outcome is unknown and it will be done again. */
  trouble(booking: Booking, error: unknown): void;
  /** An invariant is broken or a refund has failed for good. */
  alarm(booking: Booking): void;
}

export type FlowPorts = {
  readonly store: BookingStore;
  readonly inventory: InventoryPort;
  readonly payments: PaymentsPort;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly watcher: FlowWatcher;
};
