import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#adapters/journal/port.ts';
import type { Command } from '#domain/inventory/commands.ts';
import type { Limits } from '#domain/limits.ts';
import { buyerId, codes, eventId, holdId, Stage, type StageNode } from '#test/unit/actors/stage.ts';

const setUp = async (change: Partial<Limits> = {}, seats = 10) => {
  const stage = new Stage(change);
  const node = await stage.node('node-a');
  expect(codes(await stage.ask(node, stage.openCommand(seats)))).toEqual(['ok']);
  node.journal.calls.length = 0;
  return { stage, node };
};

let holds = 0;
const hold = (stage: Stage, seat: number, buyer = ++holds, deadlineMs?: number): Command =>
  stage.command<'hold'>(
    {
      kind: 'hold',
      holdId: holdId(++holds),
      fingerprint: 'f',
      buyerId: buyerId(buyer),
      channel: 'public',
      want: { by: 'seats', seats: [`A-${seat}`] },
    },
    deadlineMs,
  );

/** Makes the next insert wait until `go` is called. */
const holdUp = (node: StageNode): { go: () => void } => {
  const gate = Promise.withResolvers<void>();
  node.journal.next('append', async (_, real) => {
    await gate.promise;
    return real();
  });
  return { go: gate.resolve };
};

const foreign = (stage: Stage, more: Partial<Entry> = {}): Entry => {
  const last = stage.store.entries(eventId).at(-1) as Entry;
  const epoch = last.epoch + 1;
  const facts = [{ type: 'claimed', epoch, node: 'node-b', incarnation: 'b-1' }];
  return {
    ...last,
    seq: last.seq + 1,
    epoch,
    node: 'node-b',
    incarnation: 'b-1',
    batchId: 'foreign',
    facts: JSON.stringify(facts),
    ...more,
  };
};

describe('batches', () => {
  it('collect what arrives while an insert is in flight', async () => {
    const { stage, node } = await setUp();
    const gate = holdUp(node);
    const first = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.pass(5);
    const rest = [2, 3, 4].map((seat) => node.host.execute(eventId, [hold(stage, seat)]));
    await stage.pass(5);
    gate.go();
    await stage.until(Promise.all([first, ...rest]));
    expect((await stage.written()).slice(2)).toEqual([['held'], ['held', 'held', 'held']]);
  });

  it('answer nobody before they are committed', async () => {
    const { stage, node } = await setUp();
    const gate = holdUp(node);
    let answered = false;
    const asked = node.host.execute(eventId, [hold(stage, 1)]).then((replies) => {
      answered = true;
      return replies;
    });
    await stage.pass(500);
    expect(answered).toBe(false);
    gate.go();
    expect(codes(await stage.until(asked))).toEqual(['ok']);
  });

  it('decide each command against the ones before it', async () => {
    const { stage, node } = await setUp();
    const replies = await stage.ask(node, hold(stage, 1), hold(stage, 1), hold(stage, 2));
    expect(codes(replies)).toEqual(['ok', 'seats-unavailable', 'ok']);
    expect((await stage.written()).slice(2)).toEqual([['held', 'held']]);
  });

  it('are capped in commands and in bytes', async () => {
    const { stage, node } = await setUp({ batchCommandsMax: 4, batchBytesMax: 400 });
    const replies = await stage.ask(node, ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => hold(stage, n)));
    expect(codes(replies)).toEqual(Array<string>(8).fill('ok'));
    const entries = stage.store.entries(eventId).slice(2);
    expect(entries.length).toBeGreaterThan(2);
    for (const entry of entries) expect(entry.facts.length).toBeLessThanOrEqual(400);
  });

  it('drop undecided what is past its deadline', async () => {
    const { stage, node } = await setUp();
    const gate = holdUp(node);
    const first = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.pass(5);
    const late = node.host.execute(eventId, [hold(stage, 2, 77, 100)]);
    expect(codes(await stage.until(late))).toEqual(['deadline-exceeded']);
    gate.go();
    await stage.until(first);
    await stage.pass(50);
    expect((await stage.written()).slice(2)).toEqual([['held']]);
  });

  it('have one time, never below that of the last entry', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1));
    stage.kill(node);
    const ahead = stage.scheduler.serverNow() + 60_000;
    await stage.store.journal.append(foreign(stage, { at: ahead }));
    const next = await stage.node('node-c');
    expect(codes(await stage.ask(next, hold(stage, 2)))).toEqual(['ok']);
    const times = stage.store.entries(eventId).map((entry) => entry.at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(ahead);
  });
});

describe('an unknown outcome', () => {
  it('is told to callers whose deadline passes, and the command is not done twice', async () => {
    const { stage, node } = await setUp();
    const gate = holdUp(node);
    const command = hold(stage, 1, 1, 300);
    const asked = node.host.execute(eventId, [command]);
    expect(codes(await stage.until(asked))).toEqual(['outcome-unknown']);
    gate.go();
    await stage.pass(50);
    const again = { ...command, deadline: command.deadline + 60_000 };
    const [reply] = await stage.ask(node, again);
    expect(reply).toMatchObject({ ok: true, value: { replayed: true } });
    expect((await stage.written()).slice(2)).toEqual([['held']]);
  });

  it('lets no other batch take the seq', async () => {
    const { stage, node } = await setUp();
    const unanswered = async () => {
      throw new Error('time-out');
    };
    for (let i = 0; i < 4; i++) node.journal.next('append', unanswered);
    const first = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.pass(1);
    const second = node.host.execute(eventId, [hold(stage, 2)]);
    expect(codes((await stage.until(Promise.all([first, second]))).flat())).toEqual(['ok', 'ok']);
    const appended = node.journal.calls.filter((call) => call.startsWith('append'));
    expect(appended).toEqual([...Array<string>(5).fill('append 3'), 'append 4']);
  });

  it('becomes moved when another entry stands there', async () => {
    const { stage, node } = await setUp();
    const asked = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.store.journal.append(foreign(stage));
    const [reply] = await stage.until(asked);
    expect(reply).toMatchObject({ ok: false, code: 'moved', data: { owner: 'node-b' } });
    expect(node.host.list()).toEqual([]);
  });

  it('is told when the node stops before it is known', async () => {
    const { stage, node } = await setUp();
    holdUp(node);
    const inFlight = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.pass(5);
    const waiting = node.host.execute(eventId, [hold(stage, 2)]);
    node.host.abandon();
    expect(codes(await stage.until(inFlight))).toEqual(['outcome-unknown']);
    expect(codes(await stage.until(waiting))).toEqual(['unavailable']);
  });
});

describe('an answer without a fact', () => {
  it('takes one linearizable read for the batch, at the next seq', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1));
    node.journal.calls.length = 0;
    const refused = await stage.ask(node, hold(stage, 1), hold(stage, 1));
    expect(codes(refused)).toEqual(['seats-unavailable', 'seats-unavailable']);
    expect(node.journal.calls).toEqual(['exists 4']);
  });

  it('takes none for a hold that is there, where the caller asks for no proof', async () => {
    const { stage, node } = await setUp();
    const mine = { buyerId: buyerId(7), holdId: holdId(++holds) };
    const want = { by: 'seats', seats: ['A-1'] } as const;
    const held = { ...mine, kind: 'hold', fingerprint: 'f', channel: 'public', want } as const;
    await stage.ask(node, stage.command<'hold'>(held));
    node.journal.calls.length = 0;
    const read = (holder: number, unproven?: true) =>
      stage.command<'read-hold'>({
        ...mine,
        kind: 'read-hold',
        buyerId: buyerId(holder),
        ...(unproven && { unproven }),
      });
    expect(codes(await stage.ask(node, read(7, true), read(7, true)))).toEqual(['ok', 'ok']);
    expect(node.journal.calls).toEqual([]);
    expect(codes(await stage.ask(node, read(8, true)))).toEqual(['not-found']);
    expect(codes(await stage.ask(node, read(7)))).toEqual(['ok']);
    expect(codes(await stage.ask(node, read(7, true), read(8, true)))).toEqual(['ok', 'not-found']);
    expect(node.journal.calls).toEqual(Array<string>(3).fill('exists 4'));
  });

  it('is not given by an owner that was succeeded', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1));
    await stage.store.journal.append(foreign(stage));
    const [reply] = await stage.ask(node, hold(stage, 1));
    expect(reply).toMatchObject({ code: 'moved', data: { owner: 'node-b' } });
  });

  it('waits while that read fails, and so does the next batch', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1));
    const fails = async () => {
      throw new Error('no answer');
    };
    for (let i = 0; i < 5; i++) node.journal.next('exists', fails);
    node.journal.calls.length = 0;
    const refused = node.host.execute(eventId, [hold(stage, 1)]);
    await stage.pass(1);
    const next = node.host.execute(eventId, [hold(stage, 2)]);
    expect(codes((await stage.until(Promise.all([refused, next]))).flat())).toEqual([
      'seats-unavailable',
      'ok',
    ]);
    expect(node.journal.calls).toEqual([...Array<string>(6).fill('exists 4'), 'append 4']);
  });
});

describe('what no entry can hold', () => {
  it('is refused when it is a lone command, with nothing written', async () => {
    const { stage, node } = await setUp();
    node.journal.charsMax = 100;
    const [reply] = await stage.ask(node, hold(stage, 1));
    expect(reply).toMatchObject({ ok: false, code: 'body-too-large' });
    expect(await stage.written()).toHaveLength(2);
    expect(node.problems).toContain('a batch cannot be stored');
    node.journal.charsMax = 10_000;
    expect(codes(await stage.ask(node, hold(stage, 1)))).toEqual(['ok']);
  });

  it('is split by commands, and what follows is decided anew', async () => {
    const { stage, node } = await setUp();
    node.journal.charsMax = 500;
    const commands = [1, 2, 2, 3, 4, 5, 1, 6].map((seat) => hold(stage, seat));
    expect(codes(await stage.ask(node, ...commands))).toEqual([
      ...['ok', 'ok', 'seats-unavailable', 'ok'],
      ...['ok', 'ok', 'seats-unavailable', 'ok'],
    ]);
    const entries = stage.store.entries(eventId).slice(2);
    expect(entries.length).toBeGreaterThan(1);
    expect(new Set(entries.map((entry) => entry.batchId)).size).toBe(entries.length);
    const [row] = await stage.until(Promise.all([node.host.inspect(eventId)]));
    expect(row?.counts).toMatchObject({ available: 4, reserved: 6 });
  });
});

describe('expiry', () => {
  it('is written when it is due, without any command', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1), hold(stage, 2));
    await stage.pass(stage.limits.holdTtlMs - 100);
    expect((await stage.written()).slice(3)).toEqual([]);
    await stage.pass(300);
    expect((await stage.written()).slice(3)).toEqual([['expired', 'expired']]);
    expect((await node.host.inspect(eventId))?.counts).toMatchObject({ available: 10 });
  });
});

describe('watching', () => {
  it('shows committed facts only', async () => {
    const { stage, node } = await setUp();
    await stage.ask(node, hold(stage, 1));
    const gate = holdUp(node);
    const asked = node.host.execute(eventId, [hold(stage, 2)]);
    await stage.pass(5);
    const view = node.host.view(eventId);
    await stage.pass(200);
    expect(node.deltas.at(-1)).toMatchObject({ version: 3, counts: { reserved: 1 } });
    gate.go();
    await stage.until(asked);
    const shown = await stage.until(view);
    expect(shown).toMatchObject({ eventId, version: 4, counts: { available: 8, reserved: 2 } });
  });

  it('is told each change once, chained by version, and the version each second', async () => {
    const { stage, node } = await setUp();
    await stage.pass(150);
    node.deltas.length = 0;
    await stage.ask(node, hold(stage, 1));
    await stage.ask(node, hold(stage, 2));
    await stage.pass(150);
    await stage.ask(node, hold(stage, 3));
    await stage.pass(150);
    const news = node.deltas.map(({ from, version, changes }) => ({ from, version, changes }));
    expect(news.flatMap(({ changes }) => changes)).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    for (const [i, { from }] of news.entries()) expect(from).toBe(news[i - 1]?.version ?? 2);
    node.deltas.length = 0;
    await stage.pass(2_050);
    expect(node.deltas.map(({ from, version, changes }) => [from, version, changes])).toEqual([
      [5, 5, []],
      [5, 5, []],
    ]);
  });

  it('must fetch everything where the changes do not fit one message', async () => {
    const { stage, node } = await setUp({ natsMessageBytesMax: 100 }, 40);
    await stage.pass(150);
    node.deltas.length = 0;
    await stage.ask(node, ...Array.from({ length: 20 }, (_, i) => hold(stage, i + 1)));
    await stage.pass(150);
    expect(node.deltas[0]).toMatchObject({ from: 3, version: 3, changes: [] });
  });
});
