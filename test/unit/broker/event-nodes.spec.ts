import { describe, expect, it } from '@jest/globals';
import { nodesForEvent } from '#broker/event-nodes.ts';
import { rankNodes } from '#domain/placement.ts';

const eventId = 'evt_1';
const ids = ['a', 'b', 'c', 'd'];
const on = (id: string, takesEvents?: boolean) => ({
  id,
  node: { metadata: takesEvents === undefined ? {} : { takesEvents } },
});

describe('nodes to ask for an event', () => {
  it('come in hash order', () => {
    expect(
      nodesForEvent(
        eventId,
        ids.map((id) => on(id, true)),
      ),
    ).toEqual(rankNodes(eventId, ids));
  });

  it('that take no events come last, in hash order too', () => {
    const ranked = rankNodes(eventId, ids);
    const [first = '', second = '', third = '', fourth = ''] = ranked;
    const endpoints = ids.map((id) => on(id, id !== first && id !== third));
    expect(nodesForEvent(eventId, endpoints)).toEqual([second, fourth, first, third]);
  });

  it('take events unless they say otherwise', () => {
    const [first = ''] = rankNodes(eventId, ids);
    const endpoints = ids.map((id) => (id === first ? { id } : on(id, true)));
    expect(nodesForEvent(eventId, endpoints)[0]).toBe(first);
  });
});
