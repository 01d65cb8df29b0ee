import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { decide } from '#domain/inventory/decide.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { dueExpiries } from '#domain/inventory/expiry.ts';
import { placeOf } from '#domain/inventory/places.ts';
import { decodeSnapshot, encodeSnapshot } from '#domain/inventory/snapshot.ts';
import { countsOf, type EventState, status } from '#domain/inventory/state.ts';
import { changesOf, packView, unpackView } from '#domain/inventory/view.ts';
import {
  bookingId,
  buyerId,
  eventId,
  holdId,
  layoutOf,
  type RowSpec,
  termsOf,
  World,
} from '#test/unit/domain/inventory/given.ts';

const rows: RowSpec[] = [
  { row: 'A', seats: 5 },
  { row: 'B', seats: 4 },
  { row: 'C', seats: 3, category: 1 },
];
const area = { id: 'floor', name: 'Floor', category: 2, count: 6 };
const layout = layoutOf(rows, [area]);
const smaller = layoutOf([{ row: 'B', seats: 6 }, ...rows.slice(2)], [{ ...area, count: 7 }]);
const seatIds = layout.seats.map((seat) => seat.id);

type Step = (world: World) => void;

const small = (max: number) => fc.integer({ min: 0, max });
const someSeats = fc.uniqueArray(fc.constantFrom(...seatIds), { minLength: 1, maxLength: 4 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(small(12), small(3), someSeats).map(
      ([n, b, seats]): Step =>
        (w) => {
          w.hold(n, b, { by: 'seats', seats });
        },
    ),
  },
  fc.tuple(small(12), small(3), fc.integer({ min: 1, max: 4 }), fc.boolean()).map(
    ([n, b, quantity, accessible]): Step =>
      (w) => {
        w.hold(n, b, { by: 'best', quantity, accessible });
      },
  ),
  fc.tuple(small(12), small(3), fc.integer({ min: 1, max: 4 })).map(
    ([n, b, quantity]): Step =>
      (w) => {
        w.hold(n, b, { by: 'area', area: 'floor', quantity });
      },
  ),
  fc.tuple(small(12), small(3)).map(
    ([n, b]): Step =>
      (w) => {
        w.release(n, b);
      },
  ),
  fc.tuple(small(12), small(3)).map(
    ([n, b]): Step =>
      (w) => {
        w.extend(n, b);
      },
  ),
  fc.tuple(small(12), small(3), small(6)).map(
    ([n, b, booking]): Step =>
      (w) => {
        w.pin(n, b, booking);
      },
  ),
  {
    weight: 2,
    arbitrary: fc.tuple(small(12), small(6), fc.boolean()).map(
      ([n, booking, equal]): Step =>
        (w) => {
          w.sell(n, booking, equal);
        },
    ),
  },
  fc.tuple(small(12), small(6), fc.boolean()).map(
    ([n, booking, block]): Step =>
      (w) => {
        w.unsell(n, booking, { block });
      },
  ),
  fc.tuple(someSeats, fc.constantFrom('block' as const, 'unblock' as const)).map(
    ([seats, kind]): Step =>
      (w) => {
        w.ask<'block' | 'unblock'>({ kind, version: w.state.version + 1, seats });
      },
  ),
  fc.tuple(fc.boolean(), fc.constantFrom('open' as const, 'paused' as const)).map(
    ([change, sale]): Step =>
      (w) => {
        const chartVersion = (w.state.terms?.chartVersion ?? 0) + (change ? 1 : 0);
        const next = termsOf(chartVersion % 2 === 0 ? smaller : layout, { chartVersion });
        const terms = { ...next, sale: { ...next.sale, status: sale } };
        w.ask<'change-terms'>({ kind: 'change-terms', version: w.state.version + 1, terms });
      },
  ),
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 700_000 }).map(
      (ms): Step =>
        (w) => {
          w.now += ms;
        },
    ),
  },
  fc.constant<Step>((w) => {
    w.write(dueExpiries(w.state, w.now, 3));
  }),
);

/** What must hold in every state; throws where it does not. */
function check(state: EventState): void {
  const counted = [0, 0, 0, 0];
  for (const s of state.status) counted[s] = (counted[s] ?? 0) + 1;
  const { available, reserved, sold, blocked } = countsOf(state);
  expect([available, reserved, sold, blocked]).toEqual(counted);
  expect(available + reserved + sold + blocked).toBe(state.places.size);
  const owned = new Map<number, string>();
  const tickets = new Map<string, number>();
  for (const hold of state.holds.values()) {
    tickets.set(hold.buyerId, (tickets.get(hold.buyerId) ?? 0) + hold.places.length);
    for (const place of hold.places) {
      expect(owned.get(place)).toBeUndefined();
      owned.set(place, hold.id);
      expect(state.status[place]).toBe(status.reserved);
    }
  }
  state.owners.forEach((owner, place) => {
    if (owner >= 0) return;
    expect(owned.get(place)).toBeUndefined();
    owned.set(place, 'sale');
    expect(state.status[place]).toBe(status.sold);
    const buyer = state.buyers.keys.idOf(state.sales.buyer[-owner - 1] ?? 0);
    tickets.set(buyer, (tickets.get(buyer) ?? 0) + 1);
  });
  expect(owned.size).toBe(reserved + sold);
  for (const [buyer, n] of tickets) {
    expect(state.buyers.tickets(state.buyers.numberOf(buyer))).toBe(n);
    expect(n).toBeLessThanOrEqual(8);
  }
  state.runFree.forEach((free, run) => {
    let actual = 0;
    state.places.runOf.forEach((r, place) => {
      if (r === run && state.status[place] === status.available) actual++;
    });
    expect(free).toBe(actual);
  });
}

const played = (steps: readonly Step[], each: (w: World) => void = () => {}): World => {
  const world = new World().open(layout);
  for (const one of steps) {
    one(world);
    each(world);
  }
  return world;
};

describe('any course of commands', () => {
  const course = fc.array(step, { minLength: 1, maxLength: 60 });

  it('keeps counts, owners, tickets and runs right after every step', () => {
    fc.assert(
      fc.property(course, (steps) => void played(steps, (w) => check(w.state))),
      {
        numRuns: 150,
      },
    );
  });

  it('is replayed from its facts to the same bytes, and read back from a snapshot', () => {
    fc.assert(
      fc.property(course, (steps) => {
        const world = played(steps);
        const bytes = encodeSnapshot(world.state);
        expect(Buffer.from(encodeSnapshot(world.replayed())).equals(bytes)).toBe(true);
        const back = decodeSnapshot(bytes);
        expect(Buffer.from(encodeSnapshot(back)).equals(bytes)).toBe(true);
        check(back);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on the same way from a snapshot', () => {
    fc.assert(
      fc.property(course, course, (before, after) => {
        const world = played(before);
        const other = new World();
        other.state = decodeSnapshot(encodeSnapshot(world.state));
        other.now = world.now;
        other.made = world.made;
        for (const one of after) {
          world.facts = other.facts = [];
          one(world);
          one(other);
          expect(other.facts).toEqual(world.facts);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is decided without changing the state', () => {
    fc.assert(
      fc.property(course, someSeats, (steps, seats) => {
        const { state, now } = played(steps);
        const before = Buffer.from(encodeSnapshot(state));
        const base = { id: 'x', eventId, deadline: now };
        const wants = [
          { by: 'seats', seats },
          { by: 'best', quantity: 3 },
        ] as const;
        for (const want of wants) {
          const command: CommandOf<'hold'> = {
            ...base,
            kind: 'hold',
            holdId: holdId(99),
            fingerprint: 'f',
            buyerId: buyerId(9),
            channel: 'public',
            want,
          };
          decide(state, command, now + 10_000_000);
        }
        const sell = { bookingId: bookingId(9), holdId: holdId(3), paymentId: 'p' };
        decide(state, { ...base, kind: 'sell', ...sell, equalSeats: true }, now + 300_000);
        expect(Buffer.from(encodeSnapshot(state)).equals(before)).toBe(true);
        check(state);
      }),
      { numRuns: 100 },
    );
  });

  it('changes a view exactly by the changes of its facts', () => {
    fc.assert(
      fc.property(course, (steps) => {
        const world = played(steps);
        const state = new World().state;
        let view: number[] = [];
        for (const { seq, at, facts } of world.entries) {
          for (const fact of facts) {
            const changes = changesOf(fact, state);
            evolve(state, fact, at, seq);
            if (changes === null) view = unpackView(packView(state), state.places.size);
            else for (const [place, now] of changes) view[place] = now;
          }
          expect(view).toEqual([...state.status]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps every seat at its index through chart versions', () => {
    const world = new World().open(layout);
    const before = seatIds.map((id) => placeOf(world.state.places, id));
    world.ask<'change-terms'>({
      kind: 'change-terms',
      version: 2,
      terms: termsOf(smaller, { chartVersion: 2 }),
    });
    expect(seatIds.map((id) => placeOf(world.state.places, id))).toEqual(before);
    expect(world.state.places.size).toBe(layout.seats.length + 6 + 2 + 1);
  });
});
