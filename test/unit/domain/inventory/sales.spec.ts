import { describe, expect, it } from '@jest/globals';
import { countsOf } from '#domain/inventory/state.ts';
import {
  bookingId,
  codeOf,
  holdId,
  layoutOf,
  termsOf,
  World,
} from '#test/unit/domain/inventory/given.ts';

const layout = layoutOf([
  { row: 'A', seats: 6 },
  { row: 'B', seats: 6 },
  { row: 'C', seats: 4, category: 1 },
]);
const open = (): World => new World().open(layout);
const minute = 60_000;
const ids = (answer: ReturnType<World['sell']>): string[] =>
  answer.outcome === 'sold' ? answer.seats.map((seat) => seat.id) : [answer.reason];

/** A pinned hold of buyer 1 on these seats, whose deadline has passed. */
function lapsed(...seats: string[]): World {
  const world = open();
  world.take(1, 1, ...seats);
  world.pin(1, 1, 1);
  world.now += 10 * minute;
  return world;
}

describe('selling', () => {
  it('turns a live hold into a sale at its quote, with the places beside the seats', () => {
    const world = open();
    world.take(1, 1, 'A-2', 'A-1');
    expect(world.sell(1, 1)).toMatchObject({
      outcome: 'sold',
      seats: [{ id: 'A-2' }, { id: 'A-1' }],
      places: [1, 0],
      quote: { total: 10_000 },
    });
    expect(countsOf(world.state)).toMatchObject({ reserved: 0, sold: 2 });
  });

  it('asked again gives the same answer without a fact, also after the seats are given back', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    const first = world.sell(1, 1);
    expect(world.sell(1, 1)).toEqual(first);
    expect(world.facts).toEqual([]);
    world.unsell(1, 1);
    expect(world.sell(1, 1)).toEqual(first);
    expect(countsOf(world.state).sold).toBe(0);
  });

  it('refuses for good an unknown hold, a released one and one that was never pinned', () => {
    const world = open();
    world.take(2, 2, 'A-1');
    world.release(2, 2);
    world.take(3, 3, 'A-1');
    world.now += 10 * minute;
    expect(ids(world.sell(1, 1))).toEqual(['unknown-hold']);
    expect(ids(world.sell(2, 2))).toEqual(['released']);
    expect(ids(world.sell(3, 3))).toEqual(['expired']);
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'sell-refused']);
    world.take(1, 1, 'A-1');
    expect(ids(world.sell(1, 1))).toEqual(['unknown-hold']);
    expect(world.facts).toEqual([]);
  });

  it('of a cancelled event is refused', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    const sale = { status: 'cancelled', opensAt: null, closesAt: null } as const;
    world.must<'change-terms'>({
      kind: 'change-terms',
      version: 2,
      terms: termsOf(layout, { sale }),
    });
    expect(ids(world.sell(1, 1))).toEqual(['cancelled']);
  });

  it('of one hold to a second booking is refused', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.sell(1, 1);
    expect(ids(world.sell(1, 2))).toEqual(['unknown-hold']);
  });

  it('does not let an expiry free what was sold', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.sell(1, 1);
    world.now += 60 * minute;
    expect(codeOf(world.take(2, 2, 'A-1'))).toBe('seats-unavailable');
  });
});

describe('selling a pinned hold after its deadline', () => {
  it('retakes its seats when all are free', () => {
    const world = lapsed('A-1', 'A-2');
    expect(ids(world.sell(1, 1))).toEqual(['A-1', 'A-2']);
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'sold']);
  });

  it('also when the end was written long before', () => {
    const world = lapsed('A-1', 'A-2');
    world.read(1, 1);
    world.now += 100 * minute;
    world.take(2, 2, 'A-3');
    expect(ids(world.sell(1, 1))).toEqual(['A-1', 'A-2']);
    expect(codeOf(world.read(1, 1))).toBe('ok');
  });

  it('is refused when one seat is taken', () => {
    const world = lapsed('A-1', 'A-2');
    world.take(2, 2, 'A-2');
    expect(ids(world.sell(1, 1))).toEqual(['seats-taken']);
    expect(ids(world.sell(1, 1, true))).toEqual(['seats-taken']);
  });

  it('takes equal seats when asked to: same category and price, side by side, same quote', () => {
    const world = lapsed('A-1', 'A-2', 'C-1');
    world.take(2, 2, 'A-2');
    const answer = world.sell(1, 1, true);
    expect(ids(answer)).toEqual(['C-1', 'A-3', 'A-4']);
    expect(answer).toMatchObject({ quote: { total: 13_000 } });
    expect(countsOf(world.state)).toMatchObject({ reserved: 1, sold: 3 });
  });

  it('finds no equal seats at another price', () => {
    const world = lapsed('A-1');
    world.take(2, 2, 'A-1');
    const prices = { A: 5_001, B: 3_000, standing: 2_000 };
    world.must<'change-terms'>({
      kind: 'change-terms',
      version: 2,
      terms: termsOf(layout, { prices }),
    });
    expect(ids(world.sell(1, 1, true))).toEqual(['seats-taken']);
  });

  it('is refused over the limit of tickets', () => {
    const world = lapsed('A-1', 'A-2');
    world.hold(2, 1, { by: 'best', quantity: 4 });
    world.hold(3, 1, { by: 'best', quantity: 3 });
    expect(ids(world.sell(1, 1))).toEqual(['seats-taken']);
  });

  it('ends the due holds of others that are in the way', () => {
    const world = lapsed('A-1');
    world.take(2, 2, 'A-1', 'A-2');
    world.now += 10 * minute;
    expect(ids(world.sell(1, 1))).toEqual(['A-1']);
    expect(countsOf(world.state)).toMatchObject({ reserved: 0, sold: 1 });
  });

  it('of a released one is refused', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.pin(1, 1, 1);
    world.release(1, 1);
    expect(ids(world.sell(1, 1))).toEqual(['released']);
  });
});

describe('giving back', () => {
  it('frees what the sale still has, once', () => {
    const world = open();
    world.take(1, 1, 'A-1', 'A-2', 'A-3');
    world.sell(1, 1);
    expect(world.unsell(1, 1, { seats: ['A-1', 'B-1', 'nowhere'] }).returned).toEqual(['A-1']);
    expect(world.unsell(1, 1, { seats: ['A-1'] }).returned).toEqual([]);
    world.take(2, 2, 'A-1');
    world.sell(2, 2);
    expect(world.unsell(1, 1).returned).toEqual(['A-2', 'A-3']);
    expect(countsOf(world.state).sold).toBe(1);
    expect(world.unsell(1, 1)).toEqual({ returned: [] });
    expect(world.facts).toEqual([]);
  });

  it('with block keeps the seats out of sale', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.sell(1, 1);
    world.unsell(1, 1, { block: true });
    expect(countsOf(world.state)).toMatchObject({ sold: 0, blocked: 1 });
    expect(codeOf(world.take(2, 2, 'A-1'))).toBe('seats-unavailable');
    expect(world.state.version).toBe(1);
  });

  it('before any answer makes a refusal the answer and ends the pin', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.pin(1, 1, 1);
    expect(world.unsell(1, 1).returned).toEqual([]);
    expect(world.facts).toEqual([
      { type: 'sell-refused', booking: bookingId(1), hold: holdId(1), reason: 'cancelled' },
    ]);
    expect(ids(world.sell(1, 1))).toEqual(['cancelled']);
    world.unsell(1, 1);
    expect(world.facts).toEqual([]);
    // The hold lives on, and is not kept beyond its deadline any more.
    expect(codeOf(world.read(1, 1))).toBe('ok');
    world.now += 10 * minute;
    expect(ids(world.sell(1, 2))).toEqual(['expired']);
  });

  it('leaves nothing for a pin of that booking that comes late', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.unsell(1, 1);
    expect(codeOf(world.pin(1, 1, 1))).toBe('state-forbids');
    expect(world.facts).toEqual([]);
    // Another booking may keep the hold.
    expect(codeOf(world.pin(1, 1, 2))).toBe('ok');
  });

  it('leaves the pin of another booking alone', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.pin(1, 1, 1);
    world.pin(1, 1, 2);
    world.unsell(1, 1);
    world.now += 10 * minute;
    expect(ids(world.sell(1, 2))).toEqual(['A-1']);
  });
});
