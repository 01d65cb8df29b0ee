import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#adapters/journal/port.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { rankNodes } from '#domain/placement.ts';
import { buyerId, codes, eventId, holdId, Stage, type StageNode } from '#test/unit/actors/stage.ts';

let made = 0;
const hold = (stage: Stage, seat: number): Command =>
  stage.command<'hold'>({
    kind: 'hold',
    holdId: holdId(++made),
    fingerprint: 'f',
    buyerId: buyerId(++made),
    channel: 'public',
    want: { by: 'seats', seats: [`A-${seat}`] },
  });

const release = (stage: Stage, held: Command): Command => {
  if (held.kind !== 'hold') throw new Error('not a hold');
  const { holdId: id, buyerId: buyer } = held;
  return stage.command<'release'>({ kind: 'release', holdId: id, buyerId: buyer });
};

/** Node names in the order in which they should own the stage's event. */
const [best, second, third] = rankNodes(eventId, ['node-a', 'node-b', 'node-c']) as [
  string,
  string,
  string,
];

const opened = async (stage: Stage, node: StageNode): Promise<void> => {
  expect(codes(await stage.ask(node, stage.openCommand()))).toEqual(['ok']);
};

const moved = (owner: string) => ({ ok: false, code: 'moved', data: { owner } });

describe('claiming', () => {
  it('begins an event only for its opening', async () => {
    const stage = new Stage();
    const node = await stage.node('node-a');
    expect(codes(await stage.ask(node, hold(stage, 1)))).toEqual(['not-found']);
    await expect(stage.until(node.host.view(eventId))).rejects.toMatchObject({ code: 'not-found' });
    expect(stage.store.entries(eventId)).toEqual([]);
    await opened(stage, node);
    expect(await stage.written()).toEqual([['claimed'], ['opened']]);
    expect(await stage.store.directory.find(eventId)).toMatchObject({ live: true, epoch: 1 });
  });

  it('leaves an event to its living owner', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    const b = await stage.node('node-b');
    expect(await stage.ask(b, hold(stage, 1))).toMatchObject([moved('node-a')]);
    expect(await stage.until(b.host.wake(eventId))).toBe('node-a');
    expect(await stage.written()).toHaveLength(2);
  });

  it('takes over from a dead owner, with everything it had acknowledged', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node('node-a'), await stage.node('node-b')];
    await opened(stage, a);
    const held = hold(stage, 1);
    await stage.ask(a, held);
    stage.kill(a);
    expect(await stage.ask(b, hold(stage, 2))).toMatchObject([moved('node-a')]);
    await stage.pass(stage.limits.heartbeatDeadMs + 600);
    expect(codes(await stage.ask(b, hold(stage, 1), release(stage, held)))).toEqual([
      'seats-unavailable',
      'ok',
    ]);
    expect((await stage.store.journal.head(eventId))?.epoch).toBe(2);
  });

  it('looks at the heartbeat again for a suspect, and else repeats for a moment what it told', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node('node-a'), await stage.node('node-b')];
    await opened(stage, a);
    stage.kill(a);
    const [row] = await stage.store.nodes.all();
    await stage.pass(stage.limits.heartbeatDeadMs - (row?.ageMs ?? 0) - 20);
    const looks = () => b.journal.calls.filter((call) => call === 'head').length;
    await stage.ask(b, hold(stage, 1));
    await stage.ask(b, hold(stage, 1));
    expect(looks()).toBe(1);
    await stage.pass(40);
    const replies = await stage.until(b.host.execute(eventId, [hold(stage, 1)], 'node-a'));
    expect(codes(replies)).toEqual(['ok']);
  });

  it('calls nobody dead before its own heartbeat has gone on without a gap', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    stage.kill(a);
    await stage.pass(5_000);
    const b = await stage.node('node-b', false);
    expect(await stage.ask(b, hold(stage, 1))).toMatchObject([moved('node-a')]);
    await stage.pass(2_100);
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['ok']);
  });

  it('takes at once what its own earlier life had', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    stage.kill(a);
    const again = await stage.node('node-a', false);
    expect(codes(await stage.ask(again, hold(stage, 1)))).toEqual(['ok']);
  });

  it('by two nodes at once gives one owner', async () => {
    const stage = new Stage();
    const nodes = [await stage.node('node-a'), await stage.node('node-b')];
    const c = await stage.node('node-c');
    await opened(stage, c);
    stage.kill(c);
    await stage.pass(2_200);
    const asked = nodes.map((node) => node.host.execute(eventId, [hold(stage, 1)]));
    const answers = codes((await stage.until(Promise.all(asked))).flat()).toSorted();
    expect(answers).toEqual(['moved', 'ok']);
    expect((await stage.written()).flat().filter((type) => type === 'claimed')).toHaveLength(2);
  });

  it('is refused where an entry has a format that this version does not know', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    stage.kill(a);
    const head = (await stage.store.journal.head(eventId)) as Entry;
    await stage.store.journal.append({ ...head, seq: 3, batchId: 'new', format: 3 });
    const b = await stage.node('node-b');
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['unavailable']);
    expect((await stage.store.journal.head(eventId))?.seq).toBe(3);
  });
});

describe('handing over', () => {
  it('gives every event away before the node leaves, and tells who waits', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node(best), await stage.node(second)];
    await opened(stage, a);
    await stage.ask(a, hold(stage, 1));
    const stopped = a.host.stop();
    const late = a.host.execute(eventId, [hold(stage, 2)]);
    await stage.until(stopped);
    expect(codes(await stage.until(late))).toEqual(['moved']);
    expect((await stage.written()).at(-1)).toEqual(['handed-over']);
    expect(a.invited).toEqual([`${second} ${eventId}`]);
    expect((await stage.store.nodes.all()).map((row) => row.nodeId)).toEqual([second]);
    expect(await stage.until(b.host.wake(eventId))).toBe(second);
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['seats-unavailable']);
  });

  it('takes less than 250 ms an event', async () => {
    const stage = new Stage();
    const [a] = [await stage.node(best), await stage.node(second)];
    await opened(stage, a);
    const from = stage.scheduler.now;
    await stage.until(a.host.drain());
    expect(stage.scheduler.now - from).toBeLessThan(250);
  });

  it('stores a snapshot first where the next owner had much to replay, and serves on', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node(best), await stage.node(second)];
    await opened(stage, a);
    for (let i = 0; i < 60; i++) {
      const held = hold(stage, 1 + (i % 10));
      await stage.ask(a, held);
      await stage.ask(a, release(stage, held));
    }
    const drained = a.host.drain();
    const meanwhile = a.host.execute(eventId, [hold(stage, 3)]);
    await stage.until(drained);
    const [reply] = await stage.until(meanwhile);
    const head = (await stage.store.journal.head(eventId))?.seq ?? 0;
    const snapshot = (await stage.store.snapshots.load(eventId))?.seq ?? 0;
    expect(head - snapshot).toBeLessThanOrEqual(2);
    expect(await stage.until(b.host.wake(eventId))).toBe(second);
    const taken = codes(await stage.ask(b, hold(stage, 3)));
    expect(taken).toEqual([reply?.ok === true ? 'seats-unavailable' : 'ok']);
    expect(b.journal.calls.filter((call) => call.startsWith('replay'))).toHaveLength(1);
  });

  it('lets nobody but the chosen one claim while that one lives', async () => {
    const stage = new Stage();
    const [a, , c] = [await stage.node(best), await stage.node(second), await stage.node(third)];
    await opened(stage, a);
    await stage.until(a.host.drain());
    expect(await stage.ask(c, hold(stage, 1))).toMatchObject([moved(second)]);
  });

  it('moves an event to the node that should have it, after its tenure', async () => {
    const stage = new Stage();
    const a = await stage.node(second);
    await opened(stage, a);
    const b = await stage.node(best);
    await stage.pass(stage.limits.ownerTenureMs - 4_500);
    expect(await stage.written()).toHaveLength(2);
    await stage.pass(3_000);
    expect((await stage.written()).at(-1)).toEqual(['handed-over']);
    expect(await stage.until(b.host.wake(eventId))).toBe(best);
    await stage.pass(30_000);
    expect((await stage.written()).flat()).toHaveLength(4);
  });

  it('keeps a draining node from claiming again', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    await stage.until(a.host.drain());
    expect(a.host.offering).toBe(false);
    expect(codes(await stage.ask(a, hold(stage, 1)))).toEqual(['unavailable']);
    expect((await stage.store.directory.find(eventId))?.live).toBe(true);
  });

  it('is what a node with a wrong clock does', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node(best), await stage.node(second)];
    await opened(stage, a);
    a.life.skew = 1_500;
    await stage.pass(2_600);
    expect(a.host.offering).toBe(false);
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['ok']);
  });
});

describe('a node cut off from the database', () => {
  it('serves nothing after 2 s, keeps its actors, and asks the journal before it goes on', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    a.cut = true;
    await stage.pass(1_000);
    expect(codes(await stage.ask(a, hold(stage, 1)))).toEqual(['ok']);
    await stage.pass(1_600);
    expect(a.host.offering).toBe(false);
    expect(codes(await stage.ask(a, hold(stage, 2)))).toEqual(['unavailable']);
    expect(a.host.list()).toHaveLength(1);
    a.journal.calls.length = 0;
    a.cut = false;
    await stage.pass(600);
    expect(a.journal.calls).toEqual(['exists 4']);
    expect(codes(await stage.ask(a, hold(stage, 2)))).toEqual(['ok']);
    expect((await stage.written()).flat().filter((type) => type === 'claimed')).toHaveLength(1);
  });

  it('finds that it was succeeded', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node('node-a'), await stage.node('node-b')];
    await opened(stage, a);
    a.cut = true;
    await stage.pass(2_600);
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['ok']);
    a.cut = false;
    await stage.pass(600);
    expect(a.host.list()).toEqual([]);
    expect(await stage.ask(a, hold(stage, 2))).toMatchObject([moved('node-b')]);
  });

  it('was also cut off when its process stood still', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    a.life.pausedUntil = stage.scheduler.now + 10_000;
    await stage.pass(9_999);
    // The first thing after the pause is a request, before any timer has run.
    expect(codes(await stage.ask(a, hold(stage, 1)))).toEqual(['unavailable']);
    await stage.pass(700);
    expect(codes(await stage.ask(a, hold(stage, 1)))).toEqual(['ok']);
  });
});

describe('upkeep', () => {
  it('gives up an event that nobody uses, and claims it again when asked', async () => {
    const stage = new Stage({ passivateAfterIdleMs: 5_000 });
    const a = await stage.node('node-a');
    await opened(stage, a);
    await stage.pass(7_000);
    expect(a.host.list()).toEqual([]);
    expect(await stage.store.directory.find(eventId)).toMatchObject({ live: false, owner: null });
    const asked = stage.scheduler.now;
    expect(codes(await stage.ask(a, hold(stage, 1)))).toEqual(['ok']);
    expect(stage.scheduler.now - asked).toBeLessThan(50);
  });

  it('keeps an event in which a hold runs', async () => {
    const stage = new Stage({ passivateAfterIdleMs: 5_000 });
    const a = await stage.node('node-a');
    await opened(stage, a);
    await stage.ask(a, hold(stage, 1));
    await stage.pass(60_000);
    expect(a.host.list()).toHaveLength(1);
    await stage.pass(stage.limits.holdTtlMs);
    expect(a.host.list()).toEqual([]);
  });

  it('shows in the directory what became of an event, about a second late', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    await stage.ask(a, hold(stage, 1));
    await stage.pass(1_100);
    expect(await stage.store.directory.find(eventId)).toMatchObject({
      owner: 'node-a',
      incarnation: a.host.incarnation,
      seq: 3,
      counts: { available: 9, reserved: 1, sold: 0, blocked: 0 },
      nextExpiry: expect.any(Number),
    });
  });

  it('empties old entries below a snapshot, from which the next owner starts', async () => {
    const small = { snapshotEveryEntries: 10, compactionSparesMs: 0, compactEveryMs: 1_000 };
    const stage = new Stage(small);
    const a = await stage.node('node-a');
    await opened(stage, a);
    for (let i = 0; i < 24; i++) {
      const held = hold(stage, 1 + (i % 10));
      await stage.ask(a, held);
      if (i !== 5) await stage.ask(a, release(stage, held));
    }
    await stage.pass(3_000);
    const entries = stage.store.entries(eventId);
    const snapshot = await stage.store.snapshots.load(eventId);
    expect(snapshot?.seq).toBeGreaterThan(30);
    expect(entries.filter((e) => e.compacted === true).length).toBe(snapshot?.seq);
    expect(entries.map((e) => e.seq)).toEqual(entries.map((_, i) => i + 1));
    stage.kill(a);
    const b = await stage.node('node-b');
    expect(codes(await stage.ask(b, hold(stage, 6), hold(stage, 7)))).toEqual([
      'seats-unavailable',
      'ok',
    ]);
  });

  it('never reads an emptied entry as "no facts"', async () => {
    const stage = new Stage();
    const a = await stage.node('node-a');
    await opened(stage, a);
    await stage.ask(a, hold(stage, 1));
    stage.kill(a);
    // Emptied without a snapshot: something that must never be, and must never be served.
    await stage.store.journal.compact(eventId, 2, Number.POSITIVE_INFINITY);
    const b = await stage.node('node-b');
    expect(codes(await stage.ask(b, hold(stage, 1)))).toEqual(['unavailable']);
  });

  it('lets others find an event whose actor failed', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node(best), await stage.node(second)];
    await opened(stage, a);
    await stage.ask(a, hold(stage, 1));
    // Not even an expiry can be stored: nothing an actor could go on with.
    a.journal.charsMax = 10;
    await stage.pass(stage.limits.holdTtlMs + 2_000);
    expect(a.problems).toContain('an actor failed');
    expect(a.host.list()).toEqual([]);
    expect(await stage.until(b.host.orphans(10))).toEqual([eventId]);
    stage.kill(a);
    await stage.pass(2_200);
    await stage.until(b.host.wake(eventId));
    await stage.pass(100);
    expect((await stage.written()).at(-1)).toEqual(['expired']);
  });

  it('finds live events that nobody living holds', async () => {
    const stage = new Stage();
    const [a, b] = [await stage.node('node-a'), await stage.node('node-b')];
    await opened(stage, a);
    expect(await stage.until(b.host.orphans(10))).toEqual([]);
    stage.kill(a);
    await stage.pass(2_200);
    expect(await stage.until(b.host.orphans(10))).toEqual([eventId]);
    expect(await stage.until(b.host.wake(eventId))).toBe('node-b');
    expect(await stage.until(b.host.orphans(10))).toEqual([]);
  });
});
