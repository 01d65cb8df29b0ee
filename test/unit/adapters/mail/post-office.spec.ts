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

function stage(due: string[] = []) {
  const clock = new ManualClock();
  const [sent, noted, dropped]: [string[], string[], string[]] = [[], [], []];
  let [looks, atOnce, most] = [0, 0, 0];
  const store: PostOfficePorts['store'] = {
    add: async ({ _id }) => docOf(_id, clock),
    takeDue: async () => {
      looks++;
      const key = due.shift();
      return key === undefined ? null : docOf(key, clock);
    },
    sent: async (key) => {
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
      send: async ({ subject }) => {
        most = Math.max(most, ++atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce--;
        sent.push(subject);
      },
      close: () => {},
    },
    compose: async ({ _id }) =>
      _id.startsWith('past')
        ? undefined
        : { to: 'a@example.org', subject: _id, text: '', html: '' },
    trouble: () => {},
  });
  const turns = async () => {
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const message = (key: string) => docOf(key, clock);
  const counts = { looks: () => looks, most: () => most };
  return { clock, office, sent, noted, dropped, message, turns, ...counts };
}

describe('the post office', () => {
  it('sends what is stored here without a look for more', async () => {
    const { office, sent, noted, message, turns, looks } = stage();
    await Promise.all(['a', 'b', 'c'].map((key) => office.take(message(key))));
    await turns();
    expect(sent.sort()).toEqual(['a', 'b', 'c']);
    expect(noted.sort()).toEqual(['a', 'b', 'c']);
    expect(looks()).toBe(0);
  });

  it('drops what is not true any more', async () => {
    const { office, sent, noted, dropped, message, turns } = stage();
    await Promise.all(['a', 'past-b'].map((key) => office.take(message(key))));
    await turns();
    expect([sent, noted, dropped]).toEqual([['a'], ['a'], ['past-b']]);
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
