import { describe, expect, it } from '@jest/globals';
import { rankNodes } from '#domain/placement.ts';

const nodes = ['inventory-1', 'inventory-2', 'inventory-3', 'inventory-4', 'inventory-5'];
const events = Array.from({ length: 10_000 }, (_, i) => `evt_01ARZ3NDEKTSV4RRFFQ69G${i + 1e4}`);

describe('rankNodes', () => {
  it('does not depend on the order of the nodes', () => {
    for (const event of events.slice(0, 50)) {
      expect(rankNodes(event, nodes.toReversed())).toEqual(rankNodes(event, nodes));
    }
  });

  it('gives every node about the same number of events', () => {
    const counts = new Map<string, number>();
    for (const event of events) {
      const best = rankNodes(event, nodes)[0] ?? '';
      counts.set(best, (counts.get(best) ?? 0) + 1);
    }
    for (const node of nodes) expect(Math.abs((counts.get(node) ?? 0) - 2_000)).toBeLessThan(200);
  });

  it('moves only the events of a node that leaves, and those evenly', () => {
    const left = nodes.slice(1);
    const moved = new Map<string, number>();
    for (const event of events) {
      const [before, second] = rankNodes(event, nodes);
      const [after] = rankNodes(event, left);
      if (before !== nodes[0]) expect(after).toBe(before);
      else {
        expect(after).toBe(second);
        moved.set(after ?? '', (moved.get(after ?? '') ?? 0) + 1);
      }
    }
    for (const node of left) expect(Math.abs((moved.get(node) ?? 0) - 500)).toBeLessThan(120);
  });

  it('answers nothing for no nodes', () => {
    expect(rankNodes('evt_1', [])).toEqual([]);
  });
});
