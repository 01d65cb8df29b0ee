import { voucherPaid } from '#domain/bill.ts';
import type { Booking, Return } from '#domain/booking.ts';
import { awaitsPayOut, keptOf } from '#domain/booking.ts';
import { cashHeld } from '#domain/box-office.ts';
import { coveredBy, isAtRest, outstanding } from '#domain/instalments.ts';

/** One payment as the provider has it; minor units. */
export type ProviderPayment = {
  readonly intentId: string;
  /** What its metadata name: a booking, or a bundle. */
  readonly owner: string;
  readonly status: string;
  readonly captured: number;
  readonly refunded: number;
};

/** A booking and what its active tickets cost, minor units. */
export type BookedMoney = {
  readonly booking: Booking;
  readonly ticketsPaid: number;
};

/** Who has paid: a booking, or a bundle with its order and its bookings. */
export type Payer = {
  readonly id: string;
  /** Whose attempts the payments are. */
  readonly order: Booking | undefined;
  readonly parts: readonly BookedMoney[];
};

const closed = ['succeeded', 'canceled'];
/** No card was charged with it: its creation was answered by nothing, and was asked for again. */
const unused = ['requires_payment_method', 'requires_confirmation'];

/**
 * No attempt goes by it, so nobody will ever capture it: reconciliation closes it. An authorised
 * one is there only because its making was answered by a failure and repeated under another key.
 */
function isLeft({ intentId, status }: ProviderPayment, order: Booking | undefined): boolean {
  if (order === undefined || order.attempts.some((a) => a.intentId === intentId)) return false;
  const repeated = order.attempts.some((a) => a.intentId !== undefined);
  return unused.includes(status) || (status === 'requires_capture' && repeated);
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, n) => sum + n, 0);

const returned = (booking: Booking, to: Return['to']): number =>
  sumOf(
    booking.returns
      .filter((r) => r.to === to && r.refund === 'succeeded')
      .map(({ amount }) => amount),
  );

/** What cards must have paid for this booking, by what its buyer has of it. */
function keptByCard({ booking, ticketsPaid }: BookedMoney): number {
  const voucher = voucherPaid(booking) - returned(booking, 'voucher');
  const due = ticketsPaid + keptOf(booking) - outstanding(booking);
  const waiting = sumOf(booking.returns.filter(awaitsPayOut).map(({ amount }) => amount));
  return due - voucher - (cashHeld(booking) - waiting);
}

/**
 * Compares what the provider itself holds with what buyers have, now that nothing is under way:
 * all money that was captured and not returned has its tickets, every payment is closed (but for
 * unused ones, which reconciliation closes), and no instalment was charged twice. Each finding in
 * words.
 */
export function providerFindings(
  payments: readonly ProviderPayment[],
  payers: readonly Payer[],
): string[] {
  const known = new Set(payers.map(({ id }) => id));
  const findings = payments
    .filter(({ owner, captured, refunded }) => !known.has(owner) && captured !== refunded)
    .map((p) => `${p.intentId}: ${p.captured - p.refunded} of ${p.owner}, which does not exist`);
  const byOwner = Map.groupBy(payments, ({ owner }) => owner);
  return [...findings, ...payers.flatMap((payer) => ofPayer(payer, byOwner.get(payer.id) ?? []))];
}

function ofPayer({ id, order, parts }: Payer, payments: readonly ProviderPayment[]): string[] {
  const findings: string[] = [];
  const moving = parts.filter(({ booking }) => !isAtRest(booking));
  for (const { booking } of moving)
    findings.push(`${booking.bookingId} is still at ${booking.step}`);
  const open = payments.filter(({ status }) => !closed.includes(status));
  for (const one of open) {
    if (!isLeft(one, order)) findings.push(`${one.intentId} of ${id} is ${one.status}`);
  }
  const held = sumOf(payments.map(({ captured, refunded }) => captured - refunded));
  const wanted = sumOf(parts.map(keptByCard));
  if (held !== wanted) {
    findings.push(`the provider has ${held} of ${id}, whose buyer has ${wanted} for it`);
  }
  const cash = parts.filter(({ booking }) => cashHeld(booking) < 0);
  for (const { booking } of cash) findings.push(`${booking.bookingId} was paid out twice`);
  return [...findings, ...chargedTwice(id, order, payments)];
}

function chargedTwice(
  id: string,
  order: Booking | undefined,
  payments: readonly ProviderPayment[],
): string[] {
  const taken = payments.filter(({ captured }) => captured > 0);
  const seen = new Map<number, string>();
  const findings: string[] = [];
  for (const { intentId } of taken) {
    const attempt = order?.attempts.find((a) => a.intentId === intentId);
    if (attempt === undefined) {
      findings.push(`${intentId} was captured, no attempt of ${id} knows it`);
      continue;
    }
    for (const no of coveredBy(attempt)) {
      const before = seen.get(no);
      if (before !== undefined) {
        findings.push(`part ${no} of ${id} was charged twice: ${before} and ${intentId}`);
      }
      seen.set(no, intentId);
    }
  }
  return findings;
}
