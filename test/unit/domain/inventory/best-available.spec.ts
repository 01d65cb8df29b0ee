import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findBest } from '#domain/inventory/best-available.ts';
import { Choices } from '#domain/inventory/choices.ts';
import type { Want } from '#domain/inventory/commands.ts';
import { setStatus, status } from '#domain/inventory/state.ts';
import { type Layout, packLayout } from '#domain/layout.ts';
import { codeOf, layoutOf, seatsOf, World } from '#test/unit/domain/inventory/given.ts';

const best = (
  quantity: number,
  more: Omit<Extract<Want, { by: 'best' }>, 'by' | 'quantity'> = {},
) => ({ by: 'best', quantity, ...more }) as const;

const row = (name: string, seats: number, more: { section?: string; category?: number } = {}) => ({
  row: name,
  seats,
  ...more,
});

describe('best available', () => {
  it('takes the best ranked neighbours of one row', () => {
    const world = new World().open(layoutOf([row('A', 8), row('B', 8)]));
    expect(seatsOf(world.hold(1, 1, best(4)))).toEqual(['A-3', 'A-4', 'A-5', 'A-6']);
    expect(seatsOf(world.hold(2, 2, best(4)))).toEqual(['B-3', 'B-4', 'B-5', 'B-6']);
  });

  it('leaves no single seat where another choice exists', () => {
    const world = new World().open(layoutOf([row('A', 5), row('B', 4)]));
    // The middle three of A would leave one at each end; the first three leave two.
    expect(seatsOf(world.hold(1, 1, best(3)))).toEqual(['A-1', 'A-2', 'A-3']);
    expect(seatsOf(world.hold(2, 2, best(1)))).toEqual(['B-1']);
  });

  it('leaves one when it cannot be helped', () => {
    const world = new World().open(layoutOf([row('A', 4)]));
    expect(seatsOf(world.hold(1, 1, best(3)))).toHaveLength(3);
  });

  it('does not seat a group across an aisle, a row or two categories', () => {
    const layout: Layout = {
      ...layoutOf([row('A', 4), row('B', 2), row('C', 2, { category: 1 })]),
    };
    const seats = layout.seats.map((seat) =>
      seat.row === 'A' && seat.order > 1 ? { ...seat, order: seat.order + 1 } : seat,
    );
    const world = new World().open({ ...layout, seats });
    expect(codeOf(world.hold(1, 1, best(3)))).toBe('sold-out');
    expect(seatsOf(world.hold(1, 1, best(2)))).toEqual(['A-1', 'A-2']);
  });

  it('keeps to section, category and price', () => {
    const rows = [row('A', 4), row('B', 4, { category: 1 }), row('C', 4, { section: 'Balcony' })];
    const world = new World().open(layoutOf(rows));
    expect(seatsOf(world.hold(1, 1, best(2, { category: 'B' })))[0]).toMatch(/^B/);
    expect(seatsOf(world.hold(2, 2, best(2, { section: 'Balcony' })))[0]).toMatch(/^C/);
    expect(seatsOf(world.hold(3, 3, best(2, { maxPrice: 3_000 })))[0]).toMatch(/^B/);
    expect(codeOf(world.hold(4, 4, best(1, { maxPrice: 2_999 })))).toBe('sold-out');
  });

  it('keeps accessible seats for those who ask, unless nothing else fits', () => {
    const layout = layoutOf([row('A', 4), row('B', 4)]);
    const seats = layout.seats.map((seat) =>
      seat.row === 'A' && seat.order < 2 ? { ...seat, accessible: true } : seat,
    );
    const world = new World().open({ ...layout, seats });
    expect(seatsOf(world.hold(1, 1, best(2)))).toEqual(['A-3', 'A-4']);
    expect(seatsOf(world.hold(2, 2, best(2)))[0]).toMatch(/^B/);
    expect(seatsOf(world.hold(3, 3, best(1, { accessible: true })))).toEqual(['A-2']);
    world.release(3, 3);
    world.hold(4, 4, best(2));
    expect(seatsOf(world.hold(5, 5, best(2)))).toEqual(['A-1', 'A-2']);
  });

  it('goes to an area when no seats fit', () => {
    const area = { id: 'pit', name: 'Pit', category: 2, count: 5 };
    const world = new World().open(layoutOf([row('A', 2)], [area]));
    expect(seatsOf(world.hold(1, 1, best(3)))).toEqual(['pit/1', 'pit/2', 'pit/3']);
    expect(seatsOf(world.hold(2, 2, best(1, { section: 'Pit' })))).toEqual(['pit/4']);
    expect(codeOf(world.hold(3, 3, best(2, { category: 'standing' })))).toBe('sold-out');
  });

  it('says sold-out only when no row has room, against every order of taking', () => {
    const world = new World().open(layoutOf([row('A', 7), row('B', 5), row('C', 3)]));
    for (let n = 0; ; n++) {
      const reply = world.hold(n, n, best(2));
      if (!reply.ok) break;
      const [a, b] = reply.value.seats.map((seat) => Number(seat.number));
      expect((b ?? 0) - (a ?? 0)).toBe(1);
    }
    const free = world.state.places.ids.filter((_, place) => world.state.status[place] === 0);
    // Odd rows keep one each, no two side by side.
    expect(free).toHaveLength(3);
    expect(new Set(free.map((id) => id[0])).size).toBe(3);
  });

  it('finds pairs in a stadium of 50 000 within 100 µs on average until it is full', () => {
    const rows = Array.from({ length: 1_250 }, (_, r) => ({
      section: `S${r % 50}`,
      row: `R${r}`,
      seats: 40,
    }));
    const layout = layoutOf(rows);
    expect(packLayout(layout).length).toBeLessThan(700_000);
    const world = new World().open(layout);
    let found = 0;
    let spentMs = 0;
    for (let n = 0; n < 24_000; n++) {
      const quantity = 1 + (n % 3);
      const startedAt = performance.now();
      const places = findBest(world.state, best(quantity));
      spentMs += performance.now() - startedAt;
      if (places === undefined) continue;
      found++;
      world.facts = [];
      world.write([{ type: 'blocked', places }]);
    }
    expect(found).toBeGreaterThan(20_000);
    expect((spentMs / 24_000) * 1_000).toBeLessThan(100);
  });
});

describe('what searches remember', () => {
  const rows = [
    row('A', 7),
    row('B', 3),
    row('B', 4, { category: 1 }),
    row('C', 2, { category: 1 }),
    row('C', 6),
    row('D', 9, { section: 'Balcony' }),
  ];
  const plain = layoutOf(rows);
  // Rows of two categories have their seats side by side; every sixth seat is for wheelchairs.
  const layout: Layout = {
    ...plain,
    seats: plain.seats.map((seat, i) => ({
      ...seat,
      id: `s${i}`,
      order: i,
      ...(i % 6 === 5 ? { accessible: true } : {}),
    })),
  };
  const change = fc.record({
    place: fc.integer({ min: 0, max: layout.seats.length - 1 }),
    next: fc.constantFrom(...Object.values(status)),
  });
  const want = fc.constantFrom(
    ...[1, 2, 3, 4].flatMap((quantity) => [
      best(quantity),
      best(quantity, { accessible: true }),
      best(quantity, { category: 'B' }),
      best(quantity, { section: 'Balcony' }),
    ]),
  );

  it('is what a search of every row finds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(change, want), { maxLength: 80 }), (steps) => {
        const { state } = new World().open(layout);
        for (const [{ place, next }, asked] of steps) {
          setStatus(state, place, next);
          const anew = { ...state, choices: new Choices(state.places) };
          expect(findBest(state, asked)).toEqual(findBest(anew, asked));
        }
      }),
      { numRuns: 300 },
    );
  });
});
