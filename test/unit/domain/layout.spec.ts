import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Layout, packLayout, placesOf, unpackLayout } from '#domain/layout.ts';
import { limits } from '#domain/limits.ts';

const seat = fc.record(
  {
    id: fc.string({ minLength: 1 }),
    section: fc.constantFrom('Stalls', 'Balcony', ''),
    row: fc.constantFrom('A', 'B', '10'),
    number: fc.oneof(fc.nat(200).map(String), fc.constantFrom('07', '1a', '', '-0', '1e3')),
    category: fc.nat(2),
    accessible: fc.constant(true),
    order: fc.nat(500),
    rank: fc.oneof(fc.nat(1_000), fc.double({ noNaN: true, noDefaultInfinity: true })),
  },
  { requiredKeys: ['id', 'section', 'row', 'number', 'category', 'order', 'rank'] },
);

describe('a packed layout', () => {
  it('is unpacked exactly', () => {
    fc.assert(
      fc.property(fc.array(seat, { maxLength: 40 }), (seats) => {
        const areas = [{ id: 'pit', name: 'Pit', category: 1, count: 7 }];
        const layout: Layout = { categories: ['a', 'b', 'c'], seats, areas };
        const plain = JSON.parse(JSON.stringify(layout)) as Layout;
        expect(unpackLayout(packLayout(layout))).toEqual(plain);
        expect(placesOf(layout)).toBe(seats.length + 7);
      }),
    );
  });

  it('of the largest chart fits its limit', () => {
    const seats = Array.from({ length: limits.chartPlacesMax }, (_, i) => {
      const [section, row, n] = [Math.floor(i / 2_000), Math.floor(i / 40) % 50, i % 40];
      return {
        id: `S${section}-R${row}-${n + 1}`,
        section: `Section ${section}`,
        row: `${row}`,
        number: `${n + 1}`,
        category: section % 5,
        order: n,
        rank: row * 100 + Math.abs(n - 20) + ((section * 7_919 + i) % 97),
      };
    });
    const layout: Layout = { categories: ['a', 'b', 'c', 'd', 'e'], seats, areas: [] };
    const text = packLayout(layout);
    expect(text.length).toBeLessThan(limits.layoutPackedBytesMax);
    expect(unpackLayout(text)).toEqual(layout);
  });

  it('that is damaged is an error', () => {
    expect(() => unpackLayout('')).toThrow();
    expect(() => unpackLayout('AAAA')).toThrow();
  });
});
