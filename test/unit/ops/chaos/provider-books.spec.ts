import { describe, expect, it } from '@jest/globals';
import type { Attempt, Booking, Return } from '#domain/booking.ts';
import { type Payer, type ProviderPayment, providerFindings } from '#ops/chaos/provider-books.ts';

const captured = (no: number, intentId: string, covers?: readonly number[]): Attempt => ({
  no,
  key: `key-${no}`,
  state: 'captured',
  intentId,
  ...(covers === undefined ? {} : { covers }),
});

function booking(over: Partial<Booking> = {}): Booking {
  return {
    bookingId: 'bkg_a',
    eventId: 'evt_a',
    reservationId: 'rsv_a',
    buyerId: 'usr_a',
    status: 'confirmed',
    step: 'done',
    version: 5,
    tries: 0,
    cancelRequested: false,
    equalSeats: false,
    attendees: [],
    seats: [],
    quote: { currency: 'EUR', lines: [], fees: 0, taxes: 0, total: 5_000 },
    holdDeadline: 0,
    attempts: [captured(1, 'pi_a')],
    returns: [],
    saleWritten: true,
    createdAt: 0,
    updatedAt: 0,
    ...over,
  };
}

const payer = (own: Booking, ticketsPaid: number): Payer => ({
  id: own.bookingId,
  order: own,
  parts: [{ booking: own, ticketsPaid }],
});

const payment = (over: Partial<ProviderPayment> = {}): ProviderPayment => ({
  intentId: 'pi_a',
  owner: 'bkg_a',
  status: 'succeeded',
  captured: 5_000,
  refunded: 0,
  ...over,
});

const back = (over: Partial<Return>): Return => ({
  ...{ no: 1, tickets: [], seats: [], block: false, seatsReturned: true },
  ...{ amount: 5_000, refund: 'succeeded', refundsFailed: 0 },
  ...over,
});

describe('what the provider holds against what buyers have', () => {
  it('agrees with tickets, with refunds, and with goodwill beside the tickets', () => {
    expect(providerFindings([payment()], [payer(booking(), 5_000)])).toEqual([]);
    const cancelled = booking({ status: 'refunded', returns: [back({ tickets: ['tkt_a'] })] });
    expect(providerFindings([payment({ refunded: 5_000 })], [payer(cancelled, 0)])).toEqual([]);
    const kind = booking({ returns: [back({ amount: 300, kept: -300 })] });
    expect(providerFindings([payment({ refunded: 300 })], [payer(kind, 5_000)])).toEqual([]);
  });

  it('takes off what a voucher pays and what is still owed', () => {
    const bill = { by: 'card', voucher: { voucherId: 'vch_a', amount: 2_000 } } as const;
    const paid = payment({ captured: 3_000 });
    expect(providerFindings([paid], [payer(booking({ bill }), 5_000)])).toEqual([]);
    const instalments = [
      { no: 1, amount: 2_000, dueAt: 0 },
      { no: 2, amount: 3_000, dueAt: 9 },
    ];
    const inParts = booking({ step: 'owing', bill: { by: 'card', instalments } });
    const first = payment({ captured: 2_000 });
    expect(providerFindings([first], [payer(inParts, 5_000)])).toEqual([]);
  });

  it('leaves cash that waits at the till out of it', () => {
    const returns = [back({ tickets: ['tkt_a'], to: 'cash', refund: 'pending' })];
    const cash = booking({ status: 'cancelled', attempts: [], bill: { by: 'cash' }, returns });
    expect(providerFindings([], [payer(cash, 0)])).toEqual([]);
  });

  it('adds up the bookings of a bundle', () => {
    const order = booking({ bookingId: 'bdl_a' });
    const part = (bookingId: string) => ({ booking: booking({ bookingId }), ticketsPaid: 2_500 });
    const bundle = { id: 'bdl_a', order, parts: [part('bkg_a'), part('bkg_b')] };
    expect(providerFindings([payment({ owner: 'bdl_a' })], [bundle])).toEqual([]);
  });

  it('finds money without tickets, tickets without money, and money of nobody', () => {
    expect(providerFindings([payment()], [payer(booking(), 0)])).toEqual([
      'the provider has 5000 of bkg_a, whose buyer has 0 for it',
    ]);
    expect(providerFindings([], [payer(booking(), 5_000)])).toEqual([
      'the provider has 0 of bkg_a, whose buyer has 5000 for it',
    ]);
    expect(providerFindings([payment()], [])).toEqual([
      'pi_a: 5000 of bkg_a, which does not exist',
    ]);
  });

  it('finds a second charge of the same part, also one that was given back', () => {
    const twice = booking({ attempts: [captured(1, 'pi_a'), captured(2, 'pi_b')] });
    const again = payment({ intentId: 'pi_b', refunded: 5_000 });
    expect(providerFindings([payment(), again], [payer(twice, 5_000)])).toEqual([
      'part 1 of bkg_a was charged twice: pi_a and pi_b',
    ]);
    const stray = payment({ intentId: 'pi_c', refunded: 5_000 });
    expect(providerFindings([payment(), stray], [payer(booking(), 5_000)])).toEqual([
      'pi_c was captured, no attempt of bkg_a knows it',
    ]);
  });

  it('takes two parts for two', () => {
    const attempts = [captured(1, 'pi_a'), captured(2, 'pi_b', [2])];
    const halves = [payment({ captured: 2_500 }), payment({ intentId: 'pi_b', captured: 2_500 })];
    expect(providerFindings(halves, [payer(booking({ attempts }), 5_000)])).toEqual([]);
  });

  it('finds a payment that is open, unless no attempt has used it', () => {
    const unpaid = booking({ status: 'expired', attempts: [], saleWritten: false });
    const open = payment({ status: 'requires_payment_method', captured: 0 });
    expect(providerFindings([open], [payer(unpaid, 0)])).toEqual([]);
    const authorised = payment({ status: 'requires_capture', captured: 0 });
    expect(providerFindings([authorised], [payer(unpaid, 0)])).toEqual([
      'pi_a of bkg_a is requires_capture',
    ]);
  });

  it('leaves to reconciliation what was authorised beside the intent that an attempt has', () => {
    const paid = booking({});
    const beside = payment({ intentId: 'pi_beside', status: 'requires_capture', captured: 0 });
    expect(providerFindings([payment(), beside], [payer(paid, 5_000)])).toEqual([]);
    const own = payment({ status: 'requires_capture', captured: 0 });
    expect(providerFindings([own], [payer(paid, 0)])).toContain(
      'pi_a of bkg_a is requires_capture',
    );
  });

  it('finds a booking that has not come to rest', () => {
    const own = booking({ step: 'capture', status: 'selling' });
    expect(providerFindings([payment()], [payer(own, 5_000)])).toEqual([
      'bkg_a is still at capture',
    ]);
  });
});
