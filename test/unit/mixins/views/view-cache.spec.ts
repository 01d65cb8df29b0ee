import { beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import type { InventoryView } from '#broker/inventory-client.ts';
import type { Availability, Delta } from '#domain/availability.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { ViewCache } from '#mixins/views/view-cache.ts';

const counts = { available: 4, reserved: 0, sold: 0, blocked: 0 };
const viewOf = (eventId: string, version: number, byte = 0, chartVersion = 1): InventoryView => ({
  eventId,
  version,
  chartVersion,
  sale: 'open',
  counts,
  seats: Buffer.from([byte]).toString('base64'),
});
const delta = (from: number, version: number, changes: Delta['changes'] = []): Delta => ({
  eventId: 'a',
  from,
  version,
  sale: 'open',
  counts,
  changes,
});

/** An owner that answers `answer`, a watcher that writes down, and a clock to move. */
function setup(with_: Partial<typeof limits> = {}) {
  const state = {
    answer: (eventId: string): InventoryView | Promise<InventoryView> => viewOf(eventId, 1),
    fetches: [] as string[],
    watched: new Set<string>(),
    told: [] as string[],
    later: 0,
  };
  const clock = { ...systemClock, monotonic: () => performance.now() + state.later };
  const listener = {
    watched: () => [...state.watched],
    watches: (eventId: string) => state.watched.has(eventId),
    changed: (d: Delta) => void state.told.push(`delta ${d.from}-${d.version}`),
    replaced: (v: Availability) => void state.told.push(`snapshot ${v.version}`),
  };
  const fetch = async (eventId: string) => {
    state.fetches.push(eventId);
    return state.answer(eventId);
  };
  const views = new ViewCache(fetch, listener, clock, { ...limits, ...with_ });
  return { state, views, read: (eventId = 'a') => views.read(eventId, Date.now() + 1_000) };
}

describe('the view cache', () => {
  let { state, views, read } = setup();
  beforeEach(() => {
    ({ state, views, read } = setup());
  });

  it('fetches a view once for all who ask, and answers from memory then', async () => {
    await Promise.all([read(), read(), read()]);
    await read();
    expect(state.fetches).toEqual(['a']);
  });

  it('applies what fits and forgets what is old', async () => {
    await read();
    views.heard(delta(1, 3, [[0, 1]]));
    views.heard(delta(1, 2, [[0, 2]]));
    const view = await read();
    expect([view.version, view.seats[0]]).toEqual([3, 1]);
    expect(state.fetches).toHaveLength(1);
  });

  it('fetches at the next reading after a gap', async () => {
    await read();
    state.answer = (eventId) => viewOf(eventId, 9);
    views.heard(delta(7, 8));
    expect((await read()).version).toBe(9);
  });

  it('fetches at once after a gap in a view that is watched', async () => {
    await read();
    state.watched.add('a');
    state.answer = (eventId) => viewOf(eventId, 9, 1);
    views.heard(delta(7, 8));
    await systemClock.sleep(5);
    expect(state.told).toContain('delta 1-9');
  });

  it('fetches after two seconds of silence; a repeated version is no silence', async () => {
    await read();
    state.later = limits.viewSilenceMs - 100;
    views.heard(delta(1, 1));
    state.later += limits.viewSilenceMs - 100;
    await read();
    expect(state.fetches).toHaveLength(1);
    state.later += 200;
    await read();
    expect(state.fetches).toHaveLength(2);
  });

  it('never goes back, whatever a fetch answers', async () => {
    await read();
    views.heard(delta(1, 5, [[0, 1]]));
    state.later = limits.viewSilenceMs + 1;
    state.answer = (eventId) => viewOf(eventId, 4);
    expect((await read()).version).toBe(5);
  });

  it('applies deltas that arrive while it fetches', async () => {
    let answer = (_: InventoryView): void => undefined;
    state.answer = () => new Promise((resolve) => (answer = resolve));
    const reading = read();
    await systemClock.sleep(1);
    views.heard(delta(1, 2, [[1, 2]]));
    answer(viewOf('a', 1));
    const view = await reading;
    expect([view.version, view.seats[0]]).toEqual([2, 2 << 2]);
  });

  it('shows the last known view while the owner cannot be reached, then no more', async () => {
    await read();
    state.answer = () => Promise.reject(new UsherError('moving'));
    state.later = limits.viewSilenceMs + 1;
    expect((await read()).version).toBe(1);
    state.later = limits.failoverMs + 1;
    await expect(read()).rejects.toMatchObject({ code: 'moving' });
  });

  it('does not wait long for a slow owner when it has a view', async () => {
    ({ state, views, read } = setup({ queueWaitMs: 20 as never }));
    await read();
    state.later = limits.viewSilenceMs + 1;
    state.answer = () => new Promise(() => undefined);
    const start = performance.now();
    expect((await read()).version).toBe(1);
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('asks for an event that does not exist at most once a second', async () => {
    state.answer = () => Promise.reject(new UsherError('not-found'));
    for (let i = 0; i < 5; i++) await expect(read()).rejects.toMatchObject({ code: 'not-found' });
    expect(state.fetches).toHaveLength(1);
    state.later = 1_001;
    state.answer = (eventId) => viewOf(eventId, 1);
    await expect(read()).resolves.toHaveProperty('version', 1);
  });

  it('keeps a bounded number of views, those read last and those that are watched', async () => {
    ({ state, views, read } = setup({ viewsMax: 3 as never }));
    state.watched.add('a');
    for (const eventId of ['a', 'b', 'c', 'b', 'd']) await read(eventId);
    expect(views.size).toBe(3);
    state.fetches = [];
    for (const eventId of ['a', 'b', 'd']) await read(eventId);
    expect(state.fetches).toEqual([]);
    await read('c');
    expect(state.fetches).toEqual(['c']);
  });

  it('sweeps only what is watched and silent', async () => {
    await read('a');
    await read('b');
    state.watched.add('a');
    state.fetches = [];
    views.sweep();
    expect(state.fetches).toEqual([]);
    state.later = limits.viewSilenceMs + 1;
    views.sweep();
    expect(state.fetches).toEqual(['a']);
  });

  it('tells another chart as a snapshot, and cannot resume across it', async () => {
    await read();
    state.watched.add('a');
    views.heard(delta(1, 2));
    expect(views.since('a', 1)).toHaveLength(1);
    state.answer = (eventId) => viewOf(eventId, 5, 0, 2);
    views.heard(delta(5, 5));
    await systemClock.sleep(5);
    expect(state.told).toContain('snapshot 5');
    expect(views.since('a', 1)).toBeUndefined();
    expect(views.since('a', 5)).toEqual([]);
  });

  it('resumes from any version it still has the steps of', async () => {
    ({ state, views, read } = setup({ streamResumeDeltas: 2 as never }));
    await read();
    for (const [from, to] of [
      [1, 3],
      [3, 4],
      [4, 8],
    ] as const)
      views.heard(delta(from, to));
    expect(views.since('a', 1)).toBeUndefined();
    expect(views.since('a', 3)?.map(({ version }) => version)).toEqual([4, 8]);
    expect(views.since('a', 6)?.map(({ version }) => version)).toEqual([8]);
    expect(views.since('a', 8)).toEqual([]);
    expect(views.since('a', 9)).toBeUndefined();
    expect(views.since('b', 1)).toBeUndefined();
  });
});
