import { describe, expect, it } from '@jest/globals';
import { dueExpiries } from '#domain/inventory/expiry.ts';
import { countsOf, nextDeadline } from '#domain/inventory/state.ts';
import { limits } from '#domain/limits.ts';
import {
  codeOf,
  holdId,
  layoutOf,
  seatsOf,
  termsOf,
  World,
} from '#test/unit/domain/inventory/given.ts';

const layout = layoutOf(
  [
    { row: 'A', seats: 6 },
    { row: 'B', seats: 6 },
  ],
  [{ id: 'floor', name: 'Floor', category: 2, count: 5 }],
);
const open = (): World => new World().open(layout);
const minute = 60_000;

describe('a hold', () => {
  it('takes the named seats for ten minutes at the price of the moment', () => {
    const world = open();
    const reply = world.take(1, 1, 'A-1', 'A-2');
    expect(reply).toMatchObject({
      ok: true,
      value: {
        holdId: holdId(1),
        status: 'held',
        seats: [
          { id: 'A-1', section: 'Stalls', row: 'A', number: '1', category: 'A' },
          { id: 'A-2', section: 'Stalls', row: 'A', number: '2', category: 'A' },
        ],
        quote: { currency: 'EUR', total: 10_000 },
        deadline: world.now + 10 * minute,
        replayed: false,
      },
    });
    expect(countsOf(world.state)).toEqual({ available: 15, reserved: 2, sold: 0, blocked: 0 });
  });

  it('refuses a seat another buyer holds, naming only the taken ones', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    const reply = world.take(2, 2, 'A-1', 'A-2');
    expect(reply).toMatchObject({ code: 'seats-unavailable', data: { seats: ['A-1'] } });
    expect(world.facts).toEqual([]);
  });

  it.each([
    ['no seat', { by: 'seats', seats: [] }],
    ['a seat twice', { by: 'seats', seats: ['A-1', 'A-1'] }],
    ['an unknown seat', { by: 'seats', seats: ['Z-1'] }],
    ['no quantity', { by: 'best', quantity: 0 }],
    ['half a seat', { by: 'best', quantity: 1.5 }],
    ['an unknown section', { by: 'best', quantity: 1, section: 'Moon' }],
    ['an unknown category', { by: 'best', quantity: 1, category: 'Z' }],
    ['an unknown area', { by: 'area', area: 'Moon', quantity: 1 }],
  ] as const)('refuses a wish for %s as invalid', (_, want) => {
    expect(open().hold(1, 1, want)).toMatchObject({
      code: 'invalid-request',
      data: { errors: [{}] },
    });
  });

  it('takes places of an area, the lowest numbers first', () => {
    const world = open();
    world.take(9, 9, 'floor/2');
    expect(seatsOf(world.hold(1, 1, { by: 'area', area: 'floor', quantity: 3 }))).toEqual([
      'floor/1',
      'floor/3',
      'floor/4',
    ]);
    const reply = world.hold(2, 2, { by: 'area', area: 'floor', quantity: 2 });
    expect(codeOf(reply)).toBe('sold-out');
  });

  it('is refused before the opening, after the closing, while paused and on a closed channel', () => {
    const world = open();
    const ask = (n: number, channel: 'public' | 'presale' = 'public') =>
      world.hold(n, 1, { by: 'seats', seats: ['A-1'] }, { channel });
    const change = (sale: Parameters<typeof termsOf>[1]) =>
      world.must<'change-terms'>({
        kind: 'change-terms',
        version: world.state.version + 1,
        terms: termsOf(layout, sale),
      });
    change({ sale: { status: 'open', opensAt: world.now + 1, closesAt: null } });
    expect(ask(1)).toMatchObject({ code: 'not-on-sale', data: { opensAt: world.now + 1 } });
    world.now += 1;
    expect(codeOf(ask(1, 'presale'))).toBe('not-on-sale');
    expect(codeOf(ask(1))).toBe('ok');
    change({ sale: { status: 'open', opensAt: null, closesAt: world.now } });
    expect(codeOf(ask(2))).toBe('not-on-sale');
    change({ sale: { status: 'paused', opensAt: null, closesAt: null } });
    expect(codeOf(ask(2))).toBe('not-on-sale');
    expect(codeOf(world.read(1, 1))).toBe('ok');
  });

  it('over the counter is taken whatever the public sale says, until the event is over', () => {
    const world = open();
    let n = 0;
    const ask = () => world.hold(++n, n, { by: 'best', quantity: 1 }, { channel: 'box-office' });
    const change = (terms: Parameters<typeof termsOf>[1]) =>
      world.must<'change-terms'>({
        kind: 'change-terms',
        version: world.state.version + 1,
        terms: termsOf(layout, { channels: ['box-office'], ...terms }),
      });
    expect(ask()).toMatchObject({ code: 'not-on-sale', data: { channel: 'box-office' } });
    change({ sale: { status: 'open', opensAt: world.now + 1, closesAt: world.now + 2 } });
    expect(codeOf(ask())).toBe('ok');
    change({ sale: { status: 'paused', opensAt: null, closesAt: 1 } });
    expect(codeOf(ask())).toBe('ok');
    change({ endsAt: world.now });
    expect(codeOf(ask())).toBe('not-on-sale');
    change({ sale: { status: 'cancelled', opensAt: null, closesAt: null } });
    expect(codeOf(ask())).toBe('not-on-sale');
  });

  it('over the counter is bounded for itself, not by what a buyer may have', () => {
    const floor = layoutOf([{ row: 'A', seats: 60 }]);
    const world = new World().open(floor, {
      channels: ['box-office'],
      limits: { ticketsPerBuyer: 1, liveHoldsPerBuyer: 1, holdTtlMs: 600_000 },
    });
    const ask = (n: number, quantity: number) =>
      world.hold(n, n, { by: 'best', quantity }, { channel: 'box-office' });
    expect(ask(1, limits.boxOfficePlacesMax + 1)).toMatchObject({
      code: 'limit-exceeded',
      data: { max: limits.boxOfficePlacesMax },
    });
    expect(codeOf(ask(2, limits.boxOfficePlacesMax))).toBe('ok');
  });

  it('is refused beyond the tickets a buyer may have, sold ones counted', () => {
    const world = open();
    world.hold(1, 1, { by: 'best', quantity: 4 });
    world.sell(1, 1);
    expect(codeOf(world.hold(2, 1, { by: 'best', quantity: 5 }))).toBe('limit-exceeded');
    expect(codeOf(world.hold(3, 1, { by: 'best', quantity: 4 }))).toBe('ok');
    world.unsell(1, 1);
    expect(codeOf(world.hold(4, 1, { by: 'best', quantity: 4 }))).toBe('ok');
  });

  it('is refused beyond two live holds; one that is due does not count', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.now += minute;
    world.take(2, 1, 'A-2');
    expect(world.take(3, 1, 'A-3')).toMatchObject({
      code: 'limit-exceeded',
      data: { limit: 'holds', max: 2, have: 2 },
    });
    world.now += 9 * minute;
    expect(codeOf(world.take(3, 1, 'A-3'))).toBe('ok');
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'held']);
  });

  it('lets limits of the organizer only lower those of the system', () => {
    const world = new World().open(layout, {
      limits: { ticketsPerBuyer: 100, liveHoldsPerBuyer: 100, holdTtlMs: 100 * minute },
    });
    const reply = world.hold(1, 1, { by: 'best', quantity: 4 });
    expect(reply).toMatchObject({ value: { deadline: world.now + limits.holdTtlMs } });
    expect(codeOf(world.hold(2, 1, { by: 'area', area: 'floor', quantity: 5 }))).toBe(
      'limit-exceeded',
    );
  });
});

describe('the end of a hold', () => {
  it('comes at its deadline for all its seats, in front of what takes one of them', () => {
    const world = open();
    world.take(1, 1, 'A-1', 'A-2');
    world.now += 10 * minute - 1;
    expect(codeOf(world.take(2, 2, 'A-2'))).toBe('seats-unavailable');
    world.now += 1;
    expect(codeOf(world.take(2, 2, 'A-2'))).toBe('ok');
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'held']);
    expect(countsOf(world.state)).toMatchObject({ available: 16, reserved: 1 });
  });

  it('comes before a search says sold-out', () => {
    const world = open();
    world.hold(1, 1, { by: 'area', area: 'floor', quantity: 5 });
    world.now += 10 * minute;
    expect(codeOf(world.hold(2, 2, { by: 'area', area: 'floor', quantity: 1 }))).toBe('ok');
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'held']);
  });

  it('is found by the sweep, earliest first, whole holds', () => {
    const world = open();
    for (const n of [1, 2, 3]) {
      world.take(n, n, `A-${2 * n - 1}`, `A-${2 * n}`);
      world.now += 1_000;
    }
    expect(nextDeadline(world.state)).toBe(1_000_000 + 10 * minute);
    expect(dueExpiries(world.state, 1_000_000 + 10 * minute - 1, 100)).toEqual([]);
    world.now += 10 * minute;
    const expired = (n: number) => ({ type: 'expired', hold: holdId(n) });
    expect(dueExpiries(world.state, world.now, 3)).toEqual([expired(1), expired(2)]);
    expect(dueExpiries(world.state, world.now, 100)).toEqual([1, 2, 3].map(expired));
  });

  it('is told as 410 for an hour, then forgotten', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.take(2, 1, 'A-2');
    world.release(2, 1);
    world.now += 10 * minute;
    expect(codeOf(world.read(1, 1))).toBe('reservation-expired');
    expect(world.facts).toEqual([{ type: 'expired', hold: holdId(1) }]);
    expect(codeOf(world.read(2, 1))).toBe('reservation-released');
    expect(codeOf(world.read(1, 2))).toBe('not-found');
    world.now += 60 * minute;
    world.take(3, 3, 'A-3');
    expect(codeOf(world.read(1, 1))).toBe('not-found');
    expect(codeOf(world.read(2, 1))).toBe('not-found');
  });

  it('is remembered for the last 64 of a buyer only', () => {
    const world = open();
    for (let n = 0; n < limits.holdMemoryPerBuyer + 1; n++) {
      world.take(n, 1, 'A-1');
      world.release(n, 1);
    }
    expect(codeOf(world.read(0, 1))).toBe('not-found');
    expect(codeOf(world.read(1, 1))).toBe('reservation-released');
    expect(world.state.ended.size).toBe(limits.holdMemoryPerBuyer);
  });
});

describe('the same command again', () => {
  it('gives the live hold and writes nothing', () => {
    const world = open();
    const first = world.take(1, 1, 'A-1');
    world.now += 1_000;
    const again = world.take(1, 1, 'A-1');
    expect(world.facts).toEqual([]);
    if (!first.ok || !again.ok) throw new Error('refused');
    expect(again.value).toEqual({ ...first.value, replayed: true });
  });

  it('with another body is refused, held or sold', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    expect(codeOf(world.take(1, 1, 'A-2'))).toBe('idempotency-key-reused');
    world.sell(1, 1);
    expect(codeOf(world.take(1, 1, 'A-2'))).toBe('idempotency-key-reused');
  });

  it('gives the sold hold as long as the event lives', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.sell(1, 1);
    world.now += 30 * 24 * 60 * minute;
    expect(world.take(1, 1, 'A-1')).toMatchObject({
      value: {
        status: 'sold',
        seats: [{ id: 'A-1' }],
        replayed: true,
        buyerId: expect.any(String),
      },
    });
  });

  it('after the end tells the end and holds nothing', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.release(1, 1);
    expect(codeOf(world.take(1, 1, 'A-1'))).toBe('reservation-released');
    world.take(2, 1, 'A-1');
    world.now += 10 * minute;
    expect(codeOf(world.take(2, 1, 'A-1'))).toBe('reservation-expired');
    expect(countsOf(world.state).reserved).toBe(0);
  });
});

describe('extending', () => {
  it('adds five minutes up to a life of twenty, once per command', () => {
    const world = open();
    const start = world.now;
    world.take(1, 1, 'A-1');
    const deadline = (reply: ReturnType<World['extend']>) => reply.ok && reply.value.deadline;
    expect(deadline(world.extend(1, 1, 'x1'))).toBe(start + 15 * minute);
    expect(deadline(world.extend(1, 1, 'x1'))).toBe(start + 15 * minute);
    expect(world.facts).toEqual([]);
    expect(deadline(world.extend(1, 1, 'x2'))).toBe(start + 20 * minute);
    expect(codeOf(world.extend(1, 1, 'x3'))).toBe('hold-not-extendable');
    world.now = start + 15 * minute;
    expect(codeOf(world.take(2, 2, 'A-1'))).toBe('seats-unavailable');
  });

  it('is for the buyer only, and not after the end or the sale', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.take(2, 1, 'A-2');
    expect(codeOf(world.extend(1, 2))).toBe('not-found');
    world.sell(2, 1);
    expect(codeOf(world.extend(2, 1))).toBe('reservation-sold');
    world.now += 10 * minute;
    expect(codeOf(world.extend(1, 1))).toBe('reservation-expired');
  });
});

describe('releasing', () => {
  it('frees the seats; a second time is a success without a fact', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    expect(codeOf(world.release(1, 2))).toBe('not-found');
    expect(codeOf(world.release(1, 1))).toBe('ok');
    expect(codeOf(world.release(1, 1))).toBe('ok');
    expect(world.facts).toEqual([]);
    expect(codeOf(world.take(2, 2, 'A-1'))).toBe('ok');
  });

  it('of a sold or expired one is refused', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.take(2, 1, 'A-2');
    world.sell(1, 1);
    expect(codeOf(world.release(1, 1))).toBe('reservation-sold');
    world.now += 10 * minute;
    expect(codeOf(world.release(2, 1))).toBe('reservation-expired');
  });
});

describe('pinning', () => {
  it('moves the deadline to at least five minutes from now, once in a life', () => {
    const world = open();
    const start = world.now;
    world.take(1, 1, 'A-1');
    world.now = start + 8 * minute;
    expect(world.pin(1, 1, 1)).toMatchObject({ value: { deadline: start + 13 * minute } });
    world.now = start + 12 * minute;
    expect(world.pin(1, 1, 1)).toMatchObject({ value: { deadline: start + 13 * minute } });
    expect(world.facts).toEqual([]);
    expect(world.pin(1, 1, 2)).toMatchObject({ value: { deadline: start + 13 * minute } });
  });

  it('never shortens a hold and never goes beyond its life', () => {
    const world = open();
    const start = world.now;
    world.take(1, 1, 'A-1');
    expect(world.pin(1, 1, 1)).toMatchObject({ value: { deadline: start + 10 * minute } });
    world.take(2, 1, 'A-2');
    world.extend(2, 1);
    world.extend(2, 1);
    world.now = start + 19 * minute;
    expect(world.pin(2, 1, 2)).toMatchObject({ value: { deadline: start + 20 * minute } });
  });

  it('of a hold that is over is refused', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.now += 10 * minute;
    expect(codeOf(world.pin(1, 1, 1))).toBe('reservation-expired');
  });
});
