import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { factsIn, factText } from '#domain/inventory/fact-text.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { bookingId, buyerId, eventId, holdId } from '#test/unit/domain/inventory/given.ts';

const at = 1_800_000_000_000;
const of = { eventId, at };

const quote = {
  currency: 'EUR' as const,
  lines: [{ category: 'Floor', quantity: 1, unitAmount: 5_000, amount: 5_000 }],
  fees: 120,
  taxes: 950,
  total: 5_120,
};
const held: Extract<Fact, { type: 'held' }> = {
  type: 'held',
  hold: holdId(1),
  fingerprint: 'f0'.repeat(16),
  buyer: buyerId(7),
  channel: 'public',
  places: [41_022],
  quote,
  deadline: at + 600_000,
};
const sold: Extract<Fact, { type: 'sold' }> = {
  type: 'sold',
  booking: bookingId(1),
  hold: holdId(1),
  payment: 'pi_"1"\\ü',
  buyer: buyerId(7),
  places: [1, 2, 3],
  quote,
};

const entryText = (facts: readonly Fact[]): string =>
  `[${facts.map((fact) => factText(fact, of)).join(',')}]`;
const again = (facts: readonly Fact[]): readonly Fact[] => factsIn(entryText(facts), of);

describe('the text of facts', () => {
  it('is short for a hold of one seat', () => {
    expect(Buffer.byteLength(factText(held, of))).toBeLessThanOrEqual(165);
    expect(JSON.stringify(held).length).toBeGreaterThan(360);
  });

  it('says the same as the facts, member by member and in their order', () => {
    const facts: Fact[] = [
      held,
      { type: 'pinned', hold: held.hold, booking: sold.booking, deadline: at + 1 },
      sold,
      { type: 'released', hold: holdId(2) },
      { type: 'claimed', epoch: 3, node: 'a', incarnation: 'b' },
      { type: 'handed-over', to: null },
    ];
    expect(JSON.stringify(again(facts))).toBe(JSON.stringify(facts));
  });

  it('is read in the older format as well', () => {
    const facts = [held, sold, { type: 'expired', hold: holdId(1) } as const];
    expect(factsIn(JSON.stringify(facts), of)).toEqual(facts);
  });

  it('begins as every version knows it for a hand-over alone', () => {
    expect(entryText([{ type: 'handed-over', to: 'b' }])).toMatch(/^\[\{"type":"handed-over"/);
  });

  it.each<[string, Fact]>([
    ['a hold of another event', { ...held, hold: holdId(1).replace('01ARZ3', '01BRZ3') }],
    ['a hold id of another shape', { ...held, hold: 'rsv_1' }],
    ['a hold id as long as its own part', { ...held, hold: 'x'.repeat(26) }],
    ['a buyer of another kind', { ...held, buyer: `org_${buyerId(7).slice(4)}` }],
    ['a discount', { ...held, quote: { ...quote, discount: discountOf(5) } }],
    ['a booking of another shape', { ...sold, booking: 'bkg_1' }],
    ['a sale with a discount', { ...sold, quote: { ...quote, discount: discountOf(5) } }],
  ])('names every member of %s', (_, fact) => {
    expect(factText(fact, of)).toBe(JSON.stringify(fact));
    expect(again([fact])).toEqual([fact]);
  });

  it('keeps whatever a fact says', () => {
    const amount = fc.nat();
    const line = fc.record({
      category: fc.string(),
      quantity: fc.nat(),
      unitAmount: amount,
      amount,
    });
    const anyQuote = fc.record({
      currency: fc.constantFrom('EUR' as const, 'JPY' as const),
      lines: fc.array(line, { maxLength: 4 }),
      fees: amount,
      taxes: amount,
      total: amount,
    });
    const places = fc.array(fc.nat({ max: 120_000 }), { maxLength: 8 });
    const text = fc.oneof(fc.string(), fc.constant(holdId(3)), fc.constant(buyerId(3)));
    const anyHeld = fc.record({
      type: fc.constant('held' as const),
      hold: text,
      fingerprint: fc.string(),
      buyer: text,
      channel: fc.constantFrom('public' as const, 'box-office' as const),
      places,
      quote: anyQuote,
      deadline: fc.integer({ min: at - 1e9, max: at + 1e9 }),
    });
    const anySold = fc.record({
      type: fc.constant('sold' as const),
      booking: fc.oneof(text, fc.constant(bookingId(3))),
      hold: text,
      payment: fc.string(),
      buyer: text,
      places,
      quote: anyQuote,
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(anyHeld, anySold), { maxLength: 5 }), (facts) => {
        expect(JSON.stringify(again(facts))).toBe(JSON.stringify(facts));
      }),
    );
  });
});

function discountOf(amount: number) {
  const off = { kind: 'amount', amount } as never;
  return { code: 'SPRING', off, amount, lines: [{ category: 'Floor', amount }] };
}
