import { expect, it } from '@jest/globals';
import type { Command } from '#domain/inventory/commands.ts';
import { buyerId, codes, eventId, holdId, Stage, type StageNode } from '#test/unit/actors/stage.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

const keepMs = 60_000;
const small = {
  compactionSparesMs: 1_000,
  compactEveryMs: 2_000,
  keysKeptAfterEndMs: keepMs,
  passivateAfterIdleMs: 20_000,
};

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

/** An event that ends `inMs` from now, with ten seats, one held at a time, `times` over. */
async function used(stage: Stage, node: StageNode, inMs: number, times: number): Promise<void> {
  const endsAt = stage.scheduler.serverNow() + inMs;
  const terms = termsOf(layoutOf([{ row: 'A', seats: 10 }]), { endsAt });
  const open = stage.command<'open'>({ kind: 'open', version: 1, terms });
  expect(codes(await stage.ask(node, open))).toEqual(['ok']);
  for (let i = 0; i < times; i++) {
    const held = hold(stage, 1 + (i % 10));
    if (held.kind !== 'hold') throw new Error('not a hold');
    const { holdId: id, buyerId: buyer } = held;
    const release = stage.command<'release'>({ kind: 'release', holdId: id, buyerId: buyer });
    expect(codes(await stage.ask(node, held, release))).toEqual(['ok', 'ok']);
  }
}

const seqs = (stage: Stage): number[] => stage.store.entries(eventId).map((e) => e.seq);

it('keeps every key until the event has been over for long enough', async () => {
  const stage = new Stage({ ...small, passivateAfterIdleMs: 600_000 });
  const a = await stage.node('node-a');
  await used(stage, a, 30_000, 40);
  await stage.pass(30_000 + keepMs - 5_000);
  expect(seqs(stage)[0]).toBe(1);
  expect(await a.host.forgettable(10)).toEqual([]);
  const whole = await stage.written();
  await stage.pass(10_000);
  // The owner is awake: it has done so itself, down to its newest entry.
  expect(seqs(stage)).toEqual([whole.length]);
  expect(await stage.written()).toEqual(whole);
  expect(a.problems).toEqual([]);
});

it('lets a sleeping event be found, claimed and cut down, once', async () => {
  const stage = new Stage(small);
  const a = await stage.node('node-a');
  await used(stage, a, 10_000, 40);
  await stage.pass(25_000);
  expect(a.host.list()).toEqual([]);
  const { seq, epoch } = stage.store.entries(eventId).at(-1) ?? { seq: 0, epoch: 0 };
  await stage.pass(keepMs);
  expect(await stage.until(a.host.forgettable(10))).toEqual([eventId]);
  await stage.until(a.host.wake(eventId));
  await stage.pass(5_000);
  // Of what is younger than the time that keys are kept, nothing has gone.
  expect(seqs(stage)).toEqual([seq, seq + 1].slice(-seqs(stage).length));
  expect(stage.store.entries(eventId).at(-1)?.epoch).toBe(epoch + 1);
  await stage.pass(30_000);
  expect(a.host.list()).toEqual([]);
  expect(await stage.until(a.host.forgettable(10))).toEqual([]);
  await stage.pass(2 * keepMs);
  expect(await stage.until(a.host.forgettable(10))).toEqual([]);
});

it('leaves head, epoch and state right for whoever claims the event later', async () => {
  const stage = new Stage(small);
  const a = await stage.node('node-a');
  await used(stage, a, 10_000, 30);
  expect(codes(await stage.ask(a, hold(stage, 4)))).toEqual(['ok']);
  const before = stage.store.entries(eventId).at(-1);
  await stage.pass(2_000);
  stage.kill(a);
  await stage.pass(10_000 + keepMs + 5_000);
  const b = await stage.node('node-b');
  expect(await stage.until(b.host.forgettable(10))).toEqual([eventId]);
  await stage.until(b.host.wake(eventId));
  await stage.pass(5_000);
  expect(seqs(stage)[0]).toBe((before?.seq ?? 0) + 1);
  stage.kill(b);
  const c = await stage.node('node-c');
  // Held by another still: the hold lives for ten minutes.
  expect(codes(await stage.ask(c, hold(stage, 4)))).toEqual(['seats-unavailable']);
  const head = stage.store.entries(eventId).at(-1);
  expect(head?.epoch).toBe((before?.epoch ?? 0) + 2);
  expect(c.problems).toEqual([]);
});

it('deletes nothing when the snapshot or the archive fails, and tries again', async () => {
  const stage = new Stage({ ...small, passivateAfterIdleMs: 600_000 });
  const a = await stage.node('node-a');
  await used(stage, a, 10_000, 30);
  const { snapshots } = stage.store;
  const { load } = snapshots;
  Object.assign(snapshots, { load: () => Promise.reject(new Error('no answer')) });
  await stage.pass(10_000 + keepMs + 3_000);
  expect(seqs(stage)[0]).toBe(1);
  expect(a.problems).toContain('keys were not forgotten');
  Object.assign(snapshots, { load });
  await stage.pass(5_000);
  expect(seqs(stage)).toHaveLength(1);
});
