import { describe, expect, it } from '@jest/globals';
import { countsOf } from '#domain/inventory/state.ts';
import { codeOf, layoutOf, termsOf, World } from '#test/unit/domain/inventory/given.ts';

const layout = layoutOf([{ row: 'A', seats: 4 }]);
const open = (): World => new World().open(layout);
const block = (world: World, version: number, ...seats: string[]) =>
  world.ask<'block'>({ kind: 'block', version, seats });
const unblock = (world: World, version: number, ...seats: string[]) =>
  world.ask<'unblock'>({ kind: 'unblock', version, seats });
const change = (world: World, version: number, next = layout, chartVersion = 1) =>
  world.ask<'change-terms'>({
    kind: 'change-terms',
    version,
    terms: termsOf(next, { chartVersion }),
  });

describe('versions of the catalogue', () => {
  it('at or below the last one are done without a fact', () => {
    const world = open();
    block(world, 2, 'A-1');
    expect(block(world, 2, 'A-2')).toMatchObject({ value: { version: 2 } });
    expect(change(world, 1)).toMatchObject({ value: { version: 2 } });
    expect(world.ask<'open'>({ kind: 'open', version: 1, terms: termsOf(layout) }).ok).toBe(true);
    expect(world.facts).toEqual([]);
    expect(countsOf(world.state).blocked).toBe(1);
  });

  it('above the next one are a gap', () => {
    const world = open();
    expect(block(world, 3, 'A-1')).toMatchObject({ code: 'version-gap', data: { applied: 1 } });
    expect(codeOf(change(world, 3))).toBe('version-gap');
    expect(codeOf(change(new World(), 1))).toBe('version-gap');
    expect(codeOf(block(new World(), 1))).toBe('version-gap');
  });
});

describe('before the opening', () => {
  it('a hold finds nothing', () => {
    expect(codeOf(new World().take(1, 1, 'A-1'))).toBe('not-found');
  });

  it.each([
    ['a layout that cannot be read', { layout: 'damaged' }],
    ['a chart without places', { layout: termsOf(layoutOf([])).layout }],
    ['a category without a price', { prices: { B: 1 } }],
  ])('%s is refused', (_, wrong) => {
    const terms = termsOf(layout, wrong);
    expect(codeOf(new World().ask<'open'>({ kind: 'open', version: 1, terms }))).toBe(
      'invalid-chart',
    );
  });
});

describe('blocking', () => {
  it('takes free seats out of sale and names those it cannot have', () => {
    const world = open();
    world.take(1, 1, 'A-1');
    world.take(2, 2, 'A-2');
    world.sell(2, 2);
    expect(block(world, 2, 'A-1', 'A-2', 'A-3', 'Z-9')).toMatchObject({
      value: { skipped: ['A-1', 'A-2', 'Z-9'] },
    });
    expect(countsOf(world.state)).toEqual({ available: 1, reserved: 1, sold: 1, blocked: 1 });
    expect(codeOf(world.take(3, 3, 'A-3'))).toBe('seats-unavailable');
    expect(unblock(world, 3, 'A-2', 'A-3', 'A-4')).toMatchObject({ value: { skipped: ['A-2'] } });
    expect(codeOf(world.take(3, 3, 'A-3'))).toBe('ok');
  });

  it('ends a due hold as a whole first', () => {
    const world = open();
    world.take(1, 1, 'A-1', 'A-2');
    world.now += 600_000;
    expect(block(world, 2, 'A-1', 'A-2')).toMatchObject({ value: { skipped: [] } });
    expect(world.facts.map((fact) => fact.type)).toEqual(['expired', 'blocked']);
    expect(countsOf(world.state)).toMatchObject({ available: 2, blocked: 2 });
  });
});

describe('another chart version', () => {
  const next = layoutOf([
    { row: 'A', seats: 3 },
    { row: 'B', seats: 2 },
  ]);

  it('adds places behind the others and blocks free ones that are gone', () => {
    const world = open();
    world.take(1, 1, 'A-3');
    expect(codeOf(change(world, 2, next, 2))).toBe('ok');
    expect(countsOf(world.state)).toEqual({ available: 4, reserved: 1, sold: 0, blocked: 1 });
    expect(codeOf(world.take(2, 2, 'A-4'))).toBe('seats-unavailable');
    expect(world.take(2, 2, 'B-1')).toMatchObject({ ok: true });
    expect(world.sell(2, 2)).toMatchObject({ places: [4] });
    expect(unblock(world, 3, 'A-4')).toMatchObject({ value: { skipped: ['A-4'] } });
  });

  it('keeps a held or sold place that is gone until its buyer gives it back', () => {
    const world = open();
    world.take(1, 1, 'A-4');
    change(world, 2, next, 2);
    expect(world.sell(1, 1)).toMatchObject({ outcome: 'sold', places: [3] });
    world.unsell(1, 1);
    expect(countsOf(world.state)).toMatchObject({ sold: 0, blocked: 1 });
  });

  it('is not written again with every change of the terms', () => {
    const world = open();
    change(world, 2);
    expect(world.facts).toMatchObject([{ type: 'terms-changed', terms: { layout: '' } }]);
    expect(world.state.terms?.layout).toBe(termsOf(layout).layout);
    expect(world.state.layouts).toHaveLength(1);
  });
});
