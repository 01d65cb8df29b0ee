import { describe, expect, it } from '@jest/globals';
import type { MessageKind } from '#domain/booking-messages.ts';
import { composeMessage, type MessageFacts, nameOfSeat, timeInZone } from '#domain/message-text.ts';

const facts: MessageFacts = {
  name: 'Ada <b>',
  bookingId: 'bkg_1',
  event: {
    name: 'Tosca & "friends"',
    startsAt: Date.UTC(2027, 6, 3, 17, 30),
    timeZone: 'Europe/Vienna',
    venue: 'Staatsoper',
  },
  seats: [{ id: 'a', section: 'Parterre', row: '4', number: '12' }],
  tickets: [
    {
      code: 'tkt_1',
      seat: { id: 'a', section: 'Parterre', row: '4', number: '12', category: 'A' },
    },
  ],
  amount: { amount: 12_345, currency: 'EUR' },
};

describe('composeMessage', () => {
  it('gives time in the zone of the event, seats and codes of the tickets', () => {
    const { subject, text } = composeMessage('booking-confirmed', facts);
    expect(subject).toBe('Your tickets: Tosca & "friends"');
    expect(text).toContain('When: Saturday, 3 July 2027 at 19:30 CEST');
    expect(text).toContain('- Parterre, row 4, seat 12 (A)\n  tkt_1');
    expect(text).toContain('Paid: 123.45 EUR');
  });

  it('escapes what people have written', () => {
    const { html } = composeMessage('booking-confirmed', facts);
    expect(html).toContain('Hello Ada &lt;b&gt;,');
    expect(html).toContain('Tosca &amp; &quot;friends&quot;');
    expect(html).not.toContain('<b>');
  });

  it('keeps the subject on one line', () => {
    const event = { ...facts.event, name: 'a\r\nBcc: b@c.example' } as MessageFacts['event'];
    expect(composeMessage('booking-reminder', { ...facts, event }).subject).toBe(
      'See you soon: a Bcc: b@c.example',
    );
  });

  it.each<[MessageKind, RegExp]>([
    ['booking-confirmed', /confirmed/],
    ['booking-cancelled', /cancelled.*123\.45 EUR/s],
    ['booking-refunded', /returned 123\.45 EUR/],
    ['payment-undone', /nothing was charged/],
    ['booking-reminder', /almost here/],
    ['instalment-coming', /charge 123\.45 EUR/],
    ['instalment-failed', /did not pay 123\.45 EUR/],
    ['instalments-unpaid', /return 123\.45 EUR/],
  ])('says %s even when nothing but the booking is known', (kind, sentence) => {
    expect(composeMessage(kind, facts).text).toMatch(sentence);
    const bare = composeMessage(kind, { bookingId: 'bkg_1', seats: [], tickets: [] });
    expect(bare.text).toContain('bkg_1');
    expect(bare.text).not.toContain('undefined');
  });

  it('says when an instalment is charged, and that a try is the last', () => {
    const soon = { ...facts, chargeAt: Date.UTC(2027, 3, 2, 8, 0) };
    const at = 'Friday, 2 April 2027 at 10:00 CEST';
    const coming = composeMessage('instalment-coming', soon).text;
    expect(coming).toContain(`we charge 123.45 EUR to your card on ${at}.`);
    expect(coming).not.toContain('your booking ends');
    const failed = composeMessage('instalment-failed', soon).text;
    expect(failed).toContain(`We try again on ${at}; you can pay with another card`);
    const last = composeMessage('instalment-failed', { ...soon, lastTry: true }).text;
    expect(last).toContain(`We try for the last time on ${at};`);
    expect(last).toContain('If it is not paid by then, your booking ends');
  });
});

describe('nameOfSeat', () => {
  it.each([
    [{ id: 'x', section: 'Left', row: 'B', number: '7' }, 'Left, row B, seat 7'],
    [{ id: 'x', area: 'Standing' }, 'Standing'],
    [{ id: 'B-7' }, 'B-7'],
  ])('%j is %s', (seat, name) => {
    expect(nameOfSeat(seat)).toBe(name);
  });
});

describe('timeInZone', () => {
  it('falls back to UTC for a zone that does not exist', () => {
    expect(timeInZone(0, 'Moon/Base')).toBe('Thursday, 1 January 1970 at 00:00 UTC');
  });
});
