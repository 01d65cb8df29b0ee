import { describe, expect, it } from '@jest/globals';
import { PostOffice, type PostOfficePorts } from '#adapters/mail/post-office.ts';
import type { MessageDoc } from '#adapters/mail/store.ts';
import { buyerId, CountingIds, ManualClock } from '#test/unit/flows/world.ts';

const docOf = (key: string, clock: ManualClock): MessageDoc => ({
  _id: key,
  kind: 'booking-confirmed',
  to: { userId: buyerId },
  data: {},
  state: 'due',
  tries: 1,
  storedAt: clock.now(),
});

function stage(due: string[] = [], atOnceMax = 64) {
  const clock = new ManualClock();
  const [sent, noted, dropped]: [string[], string[], string[]] = [[], [], []];
  const composed: number[] = [];
  const trips: 'away'[] = [];
  let [looks, atOnce, most] = [0, 0, 0];
  const store: PostOfficePorts['store'] = {
    add: async (messages) => messages.map(({ _id }) => docOf(_id, clock)),
    takeDue: async () => {
      looks++;
      const key = due.shift();
      return key === undefined ? null : docOf(key, clock);
    },
    sent: async (key) => {
      if (trips.shift() === 'away') throw new Error('no answer');
      noted.push(key);
    },
    notSent: async () => {},
    drop: async (key) => {
      dropped.push(key);
    },
  };
  const office = new PostOffice({
    clock,
    ids: new CountingIds(),
    store,
    from: 'tickets@example.org',
    mailer: {
      name: 'test',
      atOnceMax,
      send: async ({ subject }) => {
        most = Math.max(most, ++atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce--;
        sent.push(subject);
      },
      close: () => {},
    },
    compose: async (messages) => {
      composed.push(messages.length);
      return messages.map(({ _id }) =>
        _id.startsWith('past')
          ? 'outdated'
          : { to: 'a@example.org', subject: _id, text: '', html: '' },
      );
    },
    trouble: () => {},
  });
  const turns = async () => {
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const message = (key: string) => docOf(key, clock);
  const seen = { sent, noted, dropped, composed, looks: () => looks, most: () => most };
  return { clock, office, message, turns, trips, ...seen };
}

describe('the post office', () => {
  it('sends what is stored here without a look for more', async () => {
    const { office, sent, noted, composed, message, turns, looks } = stage();
    await office.take(['a', 'b', 'c'].map(message));
    await turns();
    expect(composed).toEqual([3]);
    expect(sent.sort()).toEqual(['a', 'b', 'c']);
    expect(noted.sort()).toEqual(['a', 'b', 'c']);
    expect(looks()).toBe(0);
  });

  it('drops what is not true any more', async () => {
    const { office, sent, noted, dropped, message, turns } = stage();
    await office.take(['a', 'past-b'].map(message));
    await turns();
    expect([sent, noted, dropped]).toEqual([['a'], ['a'], ['past-b']]);
  });

  it('gives the mailer no more at once than it takes, and sends all', async () => {
    const { office, sent, message, turns, most } = stage([], 10);
    const keys = Array.from({ length: 200 }, (_, i) => `m-${i}`);
    for (let at = 0; at < 200; at += 40) await office.take(keys.slice(at, at + 40).map(message));
    await turns();
    expect(sent.sort()).toEqual(keys.sort());
    expect(most()).toBe(10);
  });

  it('notes again that a mail was sent when the database was away', async () => {
    const { office, clock, sent, noted, message, turns, trips } = stage();
    trips.push('away', 'away');
    await office.take([message('a')]);
    for (let second = 0; second < 3; second++) {
      await turns();
      clock.advance(1_000);
    }
    await turns();
    expect(noted).toEqual(['a']);
    expect(sent).toEqual(['a']);
  });

  it('sends with its sweep what is due, many at once while there is more', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `due-${i}`);
    const { office, clock, sent, turns, looks, most } = stage([...keys]);
    office.start();
    await turns();
    expect(looks()).toBe(0);
    clock.advance(1_300);
    await turns();
    expect(sent.sort()).toEqual(keys.sort());
    expect(most()).toBeGreaterThan(10);
    await office.drain();
  });
});
