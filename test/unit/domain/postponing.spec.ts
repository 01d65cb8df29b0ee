import { describe, expect, it } from '@jest/globals';
import { newDateMistakes, postponedDates } from '#domain/postponing.ts';

const now = 1_000;
const event = {
  status: 'published' as const,
  startsAt: 10_000,
  endsAt: 12_000,
  doorsAt: 9_000,
  closesAt: 9_500,
};
const date = { startsAt: 20_000, endsAt: 23_000, refundUntil: 15_000 };

describe('an event that is put off', () => {
  it('takes doors and the end of its sale with it', () => {
    expect(postponedDates(event, date, now)).toEqual({
      startsAt: 20_000,
      endsAt: 23_000,
      doorsAt: 19_000,
      closesAt: 19_500,
    });
    const plain = { ...event, doorsAt: null, closesAt: null };
    expect(postponedDates(plain, date, now)).toMatchObject({ doorsAt: null, closesAt: null });
  });

  it('must be published and not be over', () => {
    for (const status of ['draft', 'cancelled'] as const) {
      expect(() => postponedDates({ ...event, status }, date, now)).toThrow(status);
    }
    expect(() => postponedDates(event, date, event.endsAt)).toThrow('over');
  });

  it('needs dates that can be', () => {
    const paths = (more: object): string[] =>
      newDateMistakes({ ...date, ...more }, now).map(({ path }) => path);
    expect(paths({})).toEqual([]);
    expect(paths({ refundUntil: null })).toEqual([]);
    expect(paths({ startsAt: now })).toContain('startsAt');
    expect(paths({ endsAt: date.startsAt })).toEqual(['endsAt']);
    expect(paths({ refundUntil: now })).toEqual(['refundUntil']);
    expect(paths({ refundUntil: date.startsAt + 1 })).toEqual(['refundUntil']);
  });
});
