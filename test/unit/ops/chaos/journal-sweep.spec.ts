import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#adapters/journal/port.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { sweepEntries } from '#ops/chaos/journal-sweep.ts';

const eventId = 'evt_sweep';

type Spec = Partial<Entry> & { readonly does: readonly object[] };

/** A journal of one owner, times one second apart; `does` are facts, the rest overrides. */
function journal(...specs: readonly Spec[]): Entry[] {
  return specs.map(({ does, ...over }, i) => ({
    eventId,
    seq: i + 1,
    epoch: 1,
    node: 'inventory-1',
    incarnation: 'first',
    batchId: `batch-${i}`,
    at: 1_000 * (i + 1),
    format: 1,
    facts: JSON.stringify(does as readonly Fact[]),
    ...over,
  }));
}

const claimed = {
  does: [{ type: 'claimed', epoch: 1, node: 'inventory-1', incarnation: 'first' }],
};
const held = (hold: string, ...places: number[]) => ({
  type: 'held',
  ...{ hold, places, deadline: 60_000 },
});
const sold = (booking: string, hold: string, ...places: number[]) => ({
  type: 'sold',
  ...{ booking, hold, places },
});
const released = (hold: string) => ({ type: 'released', hold });

describe('a sweep of a journal', () => {
  it('finds nothing in a true one, and knows what it has', () => {
    const {
      findings,
      held: holds,
      released: given,
      taken,
    } = sweepEntries(
      eventId,
      journal(
        claimed,
        { does: [held('a', 1, 2), held('b', 3)] },
        { does: [sold('one', 'a', 1, 2), released('b')] },
        { does: [{ type: 'unsold', booking: 'one', places: [1], blocked: false }] },
        { does: [held('c', 1)] },
        { does: [{ type: 'expired', hold: 'c' }], at: 60_000 },
      ),
    );
    expect(findings).toEqual([]);
    expect([...holds]).toEqual(['a', 'b', 'c']);
    expect([...given]).toEqual(['b']);
    expect([...taken]).toEqual([[2, 's']]);
  });

  it.each<[string, Spec[]]>([
    ['a place that two have', [{ does: [held('a', 1)] }, { does: [held('b', 1)] }]],
    [
      'a place sold twice',
      [{ does: [held('a', 1)] }, { does: [sold('one', 'a', 1)] }, { does: [sold('two', 'b', 1)] }],
    ],
    [
      'a second answer to a booking',
      [
        { does: [held('a', 1), sold('one', 'a', 1)] },
        { does: [{ type: 'sell-refused', booking: 'one' }] },
      ],
    ],
    ['a hold made twice', [{ does: [held('a', 1), released('a')] }, { does: [held('a', 1)] }]],
    [
      'a hold that ends twice',
      [{ does: [held('a', 1), released('a')] }, { does: [released('a')] }],
    ],
    [
      'a hold that ends before its time',
      [{ does: [held('a', 1), { type: 'expired', hold: 'a' }] }],
    ],
    [
      'a sale given back by another booking',
      [{ does: [{ type: 'unsold', booking: 'x', places: [1] }] }],
    ],
    ['an entry of a former owner', [{ does: [held('a', 1)], incarnation: 'zombie' }]],
    ['an epoch without a claim', [{ does: [held('a', 1)], epoch: 2 }]],
    ['a missing entry', [{ does: [held('a', 1)], seq: 3 }]],
    ['time that goes back', [{ does: [held('a', 1)], at: 10 }]],
  ])('finds %s', (_, specs) => {
    expect(sweepEntries(eventId, journal(claimed, ...specs)).findings).toHaveLength(1);
  });

  it('times a planned hand-over from the old owner to the new one', () => {
    const claim = { type: 'claimed', epoch: 2, node: 'inventory-2', incarnation: 'second' };
    const second = { epoch: 2, incarnation: 'second' };
    const { findings, handOvers } = sweepEntries(
      eventId,
      journal(
        claimed,
        { does: [{ type: 'handed-over', to: 'inventory-2' }], at: 5_000 },
        { does: [claim], ...second, at: 5_040 },
        { does: [held('a', 1)], ...second, at: 5_100 },
      ),
    );
    expect(findings).toEqual([]);
    expect(handOvers).toEqual([{ at: 5_000, claimedMs: 40, acceptsMs: 100 }]);
  });
});
