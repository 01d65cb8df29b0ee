import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { issueTickets, sumOf } from '#domain/ticket.ts';

describe('issueTickets', () => {
  const sale = (prices: readonly number[], fees: number, taxes: number, added: number) => ({
    bookingId: 'bkg_1',
    eventId: 'evt_1',
    buyerId: 'usr_1',
    seats: prices.map((price, i) => ({ id: `s${i}`, category: `c${price}` })),
    places: prices.map((_, i) => i + 10),
    ticketIds: prices.map((_, i) => `tkt_${i}`),
    attendees: ['Ada'],
    quote: {
      currency: 'EUR',
      lines: prices.map((price) => ({
        category: `c${price}`,
        quantity: 1,
        unitAmount: price,
        amount: price,
      })),
      fees,
      taxes,
      total: prices.reduce((a, b) => a + b, 0) + fees + added,
    },
  });

  it('makes tickets whose parts add up to the quote', () => {
    const price = fc.nat(100_000);
    const prices = fc.array(price, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(prices, fc.nat(5_000), fc.nat(5_000), fc.boolean(), (p, fees, taxes, onTop) => {
        const wanted = sale(p, fees, taxes, onTop ? taxes : 0);
        const { paid, shares } = sumOf(issueTickets(wanted));
        expect(paid).toBe(wanted.quote.total);
        expect(shares.fees).toBe(fees);
        expect(shares.taxes).toBe(taxes);
        expect(shares.organizer + fees + taxes).toBe(paid);
      }),
    );
  });

  it('charges each ticket the price of its category and its part of the fees', () => {
    const tickets = issueTickets(sale([3_000, 1_000], 400, 0, 0));
    expect(tickets.map((t) => t.paid)).toEqual([3_300, 1_100]);
    expect(tickets.map((t) => t.place)).toEqual([10, 11]);
    expect(tickets.map((t) => t.attendee)).toEqual(['Ada', undefined]);
    expect(tickets.every((t) => t.active && t.status === 'valid')).toBe(true);
  });
});
