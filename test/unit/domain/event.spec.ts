import { describe, expect, it } from '@jest/globals';
import {
  type EventRules,
  eventMistakes,
  eventStatuses,
  isZone,
  saleStateAt,
  statusAfter,
  termsOf,
} from '#domain/event.ts';

const hour = 3_600_000;
const event: EventRules = {
  status: 'published',
  startsAt: 100 * hour,
  endsAt: 103 * hour,
  opensAt: 10 * hour,
  closesAt: 99 * hour,
  zone: 'Europe/Vienna',
  currency: 'EUR',
  prices: [
    { category: 'A', amount: 100 },
    { category: 'B', amount: 50 },
  ],
  fees: [],
  taxes: [],
  limits: {},
};
const ceilings = { ticketsPerBuyer: 8, liveHoldsPerBuyer: 2, holdTtlMs: 600_000 };

describe('the life of an event', () => {
  it('goes through its states by the clock', () => {
    const at = (now: number, changes: Partial<EventRules> = {}) =>
      saleStateAt({ ...event, ...changes }, now);
    expect(at(0, { status: 'draft' })).toBe('not-published');
    expect(at(0)).toBe('scheduled');
    expect(at(10 * hour)).toBe('on-sale');
    expect(at(50 * hour, { status: 'paused' })).toBe('paused');
    expect(at(99 * hour)).toBe('closed');
    expect(at(103 * hour)).toBe('ended');
    expect(at(103 * hour, { status: 'paused' })).toBe('ended');
    expect(at(103 * hour, { status: 'cancelled' })).toBe('cancelled');
    expect(at(0, { opensAt: null })).toBe('on-sale');
    expect(at(102 * hour, { closesAt: null })).toBe('on-sale');
  });

  it('moves only along its table, and repeats a move that was made', () => {
    expect(statusAfter('draft', 'publish')).toBe('published');
    expect(statusAfter('published', 'publish')).toBe('published');
    expect(statusAfter('published', 'pause')).toBe('paused');
    expect(statusAfter('paused', 'resume')).toBe('published');
    for (const status of eventStatuses) expect(statusAfter(status, 'cancel')).toBe('cancelled');
    const forbidden = [
      ['draft', 'pause'],
      ['draft', 'resume'],
      ['paused', 'publish'],
      ['cancelled', 'publish'],
      ['cancelled', 'pause'],
      ['cancelled', 'resume'],
    ] as const;
    for (const [status, move] of forbidden) {
      expect(() => statusAfter(status, move)).toThrow(
        expect.objectContaining({ code: 'state-forbids' }) as unknown as Error,
      );
    }
  });

  it('finds every mistake at once', () => {
    const wrong: EventRules = {
      ...event,
      endsAt: event.startsAt,
      zone: '+02:00',
      currency: 'ABC',
      closesAt: event.opensAt,
      prices: [
        { category: 'A', amount: 1 },
        { category: 'A', amount: 2 },
        { category: 'C', amount: 3 },
      ],
    };
    expect(eventMistakes(wrong, ['A', 'B']).map(({ path }) => path)).toEqual([
      'endsAt',
      'zone',
      'currency',
      'sale.closesAt',
      'prices.1',
      'prices.2',
      'prices',
    ]);
    expect(eventMistakes(event, ['A', 'B'])).toEqual([]);
  });

  it('knows zones by their names', () => {
    expect(isZone('America/Argentina/Buenos_Aires')).toBe(true);
    expect(isZone('UTC')).toBe(true);
    expect(isZone('Mars/Olympus')).toBe(false);
    expect(isZone('+01:00')).toBe(false);
  });

  it('gives the seats terms that lower limits and never sell past the end', () => {
    const limits = { ticketsPerBuyer: 4, holdTtlMs: 9_999_999 };
    const terms = termsOf(
      { ...event, chartVersion: 3, closesAt: null, limits },
      'packed',
      ceilings,
    );
    expect(terms).toMatchObject({
      chartVersion: 3,
      layout: 'packed',
      prices: { A: 100, B: 50 },
      limits: { ticketsPerBuyer: 4, liveHoldsPerBuyer: 2, holdTtlMs: 600_000 },
      sale: { status: 'open', opensAt: 10 * hour, closesAt: 103 * hour },
      endsAt: 103 * hour,
    });
    const status = 'draft' as const;
    expect(() => termsOf({ ...event, status, chartVersion: 1 }, '', ceilings)).toThrow();
  });
});
