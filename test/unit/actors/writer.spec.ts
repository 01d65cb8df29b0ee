import { describe, expect, it } from '@jest/globals';
import { verifyClear, writeEntry } from '#actors/writer.ts';
import type { Entry } from '#adapters/journal/port.ts';
import { Stage, StuntJournal } from '#test/unit/actors/stage.ts';

const eventId = 'evt_w';

const entry = (batchId: string, node = 'node-a'): Entry => ({
  eventId,
  seq: 1,
  epoch: 1,
  node,
  incarnation: 'life-1',
  batchId,
  at: 1,
  format: 1,
  facts: '[]',
});

const set = () => {
  const stage = new Stage();
  const journal = new StuntJournal(stage.store.journal);
  const clock = stage.scheduler.clockOf(stage.scheduler.born('writer'));
  const never = (): boolean => false;
  const write = (mine: Entry, stopped = never) =>
    stage.until(writeEntry({ journal, clock }, mine, stopped));
  const verify = (stopped = never) =>
    stage.until(verifyClear({ journal, clock }, eventId, 1, stopped));
  return { stage, journal, write, verify };
};

const fails = async (): Promise<never> => {
  throw new Error('no answer');
};

describe('writing an entry', () => {
  it('is committed when the insert is acknowledged, without a read', async () => {
    const { journal, write } = set();
    expect(await write(entry('mine'))).toEqual({ kind: 'committed' });
    expect(journal.calls).toEqual(['append 1']);
  });

  it('that was applied but not acknowledged is committed', async () => {
    const { journal, write } = set();
    journal.next('append', async (_, real) => {
      await real();
      throw new Error('time-out');
    });
    expect(await write(entry('mine'))).toEqual({ kind: 'committed' });
    expect(journal.calls).toEqual(['append 1', 'read 1']);
  });

  it('that was not applied is written again, the same at the same seq', async () => {
    const { stage, journal, write } = set();
    journal.next('append', fails);
    journal.next('append', fails);
    expect(await write(entry('mine'))).toEqual({ kind: 'committed' });
    expect(journal.calls).toEqual(['append 1', 'read 1', 'append 1', 'read 1', 'append 1']);
    expect(stage.store.entries(eventId).map((e) => e.batchId)).toEqual(['mine']);
  });

  it('that is applied late is committed once', async () => {
    const { stage, journal, write } = set();
    journal.next('append', async (_, real) => {
      stage.scheduler.after(3, undefined, () => void real());
      throw new Error('time-out');
    });
    expect(await write(entry('mine'))).toEqual({ kind: 'committed' });
    expect(stage.store.entries(eventId)).toHaveLength(1);
  });

  it('takes no error for an answer, not even a duplicate key', async () => {
    const { journal, write } = set();
    // The key of a write that is rolled back afterwards: a majority read shows nothing.
    journal.next('append', async () => {
      throw Object.assign(new Error('duplicate'), { code: 11_000 });
    });
    expect(await write(entry('mine'))).toEqual({ kind: 'committed' });
  });

  it('is fenced when another entry stands there, and says whose', async () => {
    const { stage, write } = set();
    await stage.store.journal.append(entry('other', 'node-b'));
    expect(await write(entry('mine'))).toEqual({ kind: 'fenced', owner: 'node-b' });
  });

  it('goes on while reads fail, until told to stop', async () => {
    const { stage, journal, write } = set();
    for (let i = 0; i < 3; i++) {
      journal.next('append', fails);
      journal.next('read', fails);
    }
    const stopAt = stage.scheduler.now + 12;
    const outcome = await write(entry('mine'), () => stage.scheduler.now >= stopAt);
    expect(outcome).toEqual({ kind: 'stopped' });
    expect(stage.store.entries(eventId)).toHaveLength(0);
  });
});

describe('making sure that nobody else has written', () => {
  it('is clear by the linearizable read alone', async () => {
    const { journal, verify } = set();
    expect(await verify()).toEqual({ kind: 'clear' });
    expect(journal.calls).toEqual(['exists 1']);
  });

  it('asks again after an error', async () => {
    const { journal, verify } = set();
    journal.next('exists', fails);
    journal.next('exists', fails);
    expect(await verify()).toEqual({ kind: 'clear' });
    expect(journal.calls).toEqual(['exists 1', 'exists 1', 'exists 1']);
  });

  it('is fenced when an entry exists, and says whose', async () => {
    const { stage, verify } = set();
    await stage.store.journal.append(entry('other', 'node-b'));
    expect(await verify()).toEqual({ kind: 'fenced', owner: 'node-b' });
  });
});
