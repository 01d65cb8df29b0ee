import { describe, expect, it } from '@jest/globals';
import { flameGraph } from '#bench/profile/flame.ts';
import { sharesOf } from '#bench/profile/groups.ts';
import { type CpuProfile, type Frame, mergeStacks, placeOf } from '#bench/profile/stacks.ts';

const zod = 'file:///somewhere/node_modules/zod/v4/core/parse.js';
const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 6 },
  children,
});

/** `run` calls `parse` from two lines, so it has two nodes; one of them calls native code. */
const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3]),
    node(2, '(idle)', ''),
    node(3, 'run', 'node:internal/main', [4, 5]),
    node(4, 'parse', zod),
    node(5, 'parse', zod, [6, 7]),
    node(6, 'test', ''),
    node(7, '', zod),
  ],
  startTime: 1_000,
  endTime: 1_100,
  samples: [3, 4, 2, 5, 6, 7],
  timeDeltas: [10, 10, 20, 30, 5, 5],
};
const always = { from: 0, to: Number.POSITIVE_INFINITY };
const at = (frame: Frame, ...names: string[]): Frame | undefined =>
  names.reduce<Frame | undefined>((found, name) => found?.children.get(name), frame);
const parse = 'zod/v4/core/parse.js:parse';

function weightsAddUp(frame: Frame): boolean {
  const children = [...frame.children.values()];
  const sum = children.reduce((total, child) => total + child.total, frame.self);
  return sum === frame.total && children.every(weightsAddUp);
}

describe('merged stacks', () => {
  it('add up to all the time but the idle one', () => {
    const root = mergeStacks(profile, always);
    expect(root.total).toBe(90 - 30);
    expect(weightsAddUp(root)).toBe(true);
    const shares = [...sharesOf(root).values()];
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1);
  });

  it('hold one frame for a function however often its caller calls it', () => {
    const root = mergeStacks(profile, always);
    const run = at(root, 'node:internal/main:run');
    expect(run).toMatchObject({ self: 10, total: 60 });
    expect([...(run?.children.keys() ?? [])]).toEqual([parse]);
    expect(at(root, 'node:internal/main:run', parse)).toMatchObject({ self: 25, total: 50 });
  });

  it('leave out what lies outside the span', () => {
    const root = mergeStacks(profile, { from: 1_025, to: 1_072 });
    expect(root.total).toBe(15 + 2);
    expect(weightsAddUp(root)).toBe(true);
  });

  it('count native code with the group of its caller', () => {
    const test = at(mergeStacks(profile, always), 'node:internal/main:run', parse, 'test');
    expect(test).toMatchObject({ group: 'zod', self: 5 });
    expect(sharesOf(mergeStacks(profile, always)).get('zod')).toBeCloseTo(50 / 60);
  });
});

describe('a flame graph', () => {
  it('names every frame of a share, and none below it', () => {
    const root = mergeStacks(profile, always);
    const svg = flameGraph(root, 'a <title>');
    expect(svg).toContain('a &lt;title&gt;');
    expect(svg).toContain('<title>zod/v4/core/parse.js:parse: 83.3 %, itself 41.7 % (zod)</title>');
    const tiny = { ...root, total: root.total * 1_000 };
    expect(flameGraph(tiny, '').match(/<title>/g)).toHaveLength(1);
  });

  it('shows no path of the machine', () => {
    expect(placeOf(import.meta.url)).toBe('test/unit/bench/stacks.spec.ts');
    expect(placeOf('file:///home/somebody/tool.js')).toBe('tool.js');
    expect(placeOf('node:internal/streams/writable')).toBe('node:internal/streams/writable');
  });
});
