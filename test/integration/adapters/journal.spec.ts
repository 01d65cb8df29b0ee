import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { createMemoryStore } from '#adapters/journal/memory.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import type {
  Directory,
  DirectoryRow,
  Entry,
  Journal,
  Nodes,
  Snapshots,
} from '#adapters/journal/port.ts';
import { limits } from '#domain/limits.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Store = {
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly directory: Directory;
  readonly nodes: Nodes;
};

const entryAt = (eventId: string, seq: number, more: Partial<Entry> = {}): Entry => ({
  eventId,
  seq,
  epoch: 1,
  node: 'node-a',
  incarnation: 'life-1',
  batchId: `batch-${seq}`,
  at: 1_000 * seq,
  format: 1,
  facts: `[{"type":"released","hold":"rsv_${seq}"}]`,
  ...more,
});

const fill = async (journal: Journal, eventId: string, count: number): Promise<void> => {
  for (let seq = 1; seq <= count; seq++) await journal.append(entryAt(eventId, seq));
};

const seqs = (entries: readonly Entry[]): number[] => entries.map((e) => e.seq);

/** What every implementation of the ports must do, told once. */
function journalSuite(store: () => Store): void {
  describe('journal', () => {
    it('gives back what was appended, exactly', async () => {
      const { journal } = store();
      const entry = entryAt('evt_exact', 1, {
        facts: '[{"type":"expired","hold":"rsv_ü\\ud83d"}]',
      });
      await journal.append(entry);
      expect(await journal.read('evt_exact', 1)).toEqual(entry);
      expect(await journal.head('evt_exact')).toEqual(entry);
    });

    it('lets nobody write a seq twice', async () => {
      const { journal } = store();
      await journal.append(entryAt('evt_twice', 1));
      await expect(
        journal.append(entryAt('evt_twice', 1, { batchId: 'other' })),
      ).rejects.toMatchObject({ code: 11_000 });
      expect((await journal.read('evt_twice', 1))?.batchId).toBe('batch-1');
    });

    it('knows which entries exist', async () => {
      const { journal } = store();
      await fill(journal, 'evt_exists', 2);
      expect(await journal.exists('evt_exists', 2)).toBe(true);
      expect(await journal.exists('evt_exists', 3)).toBe(false);
      expect(await journal.read('evt_exists', 3)).toBeUndefined();
      expect(await journal.head('evt_none')).toBeUndefined();
    });

    it('keeps events apart whose ids begin alike', async () => {
      const { journal } = store();
      await fill(journal, 'evt_pre', 1);
      await fill(journal, 'evt_prefix', 3);
      expect((await journal.head('evt_pre'))?.seq).toBe(1);
      expect(seqs(await journal.replay('evt_pre', 1, 10))).toEqual([1]);
    });

    it('replays in order of seq, page by page', async () => {
      const { journal } = store();
      await fill(journal, 'evt_pages', 12);
      expect(seqs(await journal.replay('evt_pages', 1, 5))).toEqual([1, 2, 3, 4, 5]);
      expect(seqs(await journal.replay('evt_pages', 9, 5))).toEqual([9, 10, 11, 12]);
      expect(await journal.replay('evt_pages', 13, 5)).toEqual([]);
    });

    it('finds an entry that cannot be stored before it is sent', () => {
      const { journal } = store();
      const large = 'x'.repeat(limits.entryBytesMax + 1);
      expect(() => journal.assertStorable(entryAt('evt_large', 1, { facts: large }))).toThrow(
        'too large',
      );
      expect(() => journal.assertStorable(entryAt('evt_large', 1))).not.toThrow();
    });

    it('empties old bodies below the given seq, keeps keys and the history', async () => {
      const { journal } = store();
      const eventId = 'evt_compact';
      await fill(journal, eventId, 250);
      expect(await journal.compact(eventId, 240, 230_000)).toBe(229);
      const first = await journal.read(eventId, 1);
      expect(first).toMatchObject({ facts: '', compacted: true, batchId: 'batch-1', at: 1_000 });
      expect((await journal.read(eventId, 230))?.compacted).toBeUndefined();
      await expect(journal.append(entryAt(eventId, 1))).rejects.toThrow();
      expect(await journal.history(eventId, 228, 4)).toEqual(
        [228, 229, 230, 231].map((seq) => entryAt(eventId, seq)),
      );
      // Again, after more time: only what is new is emptied.
      expect(await journal.compact(eventId, 240, 999_000)).toBe(11);
      expect(await journal.compact(eventId, 240, 999_000)).toBe(0);
      expect((await journal.history(eventId, 1, 250)).every((e) => e.facts !== '')).toBe(true);
    });
  });

  describe('forgetting keys', () => {
    const emptied = async (eventId: string, count: number, upTo: number): Promise<void> => {
      await fill(store().journal, eventId, count);
      await store().journal.compact(eventId, upTo, Number.MAX_SAFE_INTEGER);
    };
    const left = async (eventId: string): Promise<number[]> =>
      seqs(await store().journal.replay(eventId, 1, 1_000));

    it('deletes old ones below the seq, and history still tells all of them', async () => {
      const { journal } = store();
      const eventId = 'evt_forget';
      await emptied(eventId, 30, 25);
      expect(await journal.forget(eventId, 20, 11_000)).toBe(10);
      expect((await left(eventId))[0]).toBe(11);
      expect(await journal.forget(eventId, 20, 999_000)).toBe(9);
      expect((await left(eventId))[0]).toBe(20);
      expect(await journal.forget(eventId, 20, 999_000)).toBe(0);
      const all = Array.from({ length: 30 }, (_, i) => entryAt(eventId, i + 1));
      expect(await journal.history(eventId, 1, 100)).toEqual(all);
      expect(await journal.history(eventId, 8, 15)).toEqual(all.slice(7, 22));
      expect((await journal.head(eventId))?.seq).toBe(30);
    });

    it('spares the newest entry, and everything from the first body on that stands', async () => {
      const { journal } = store();
      await emptied('evt_newest', 5, 5);
      expect(await journal.forget('evt_newest', 99, 999_000)).toBe(4);
      expect(await left('evt_newest')).toEqual([5]);
      await emptied('evt_stands', 9, 3);
      expect(await journal.forget('evt_stands', 8, 999_000)).toBe(3);
      expect((await left('evt_stands'))[0]).toBe(4);
      expect(await journal.forget('evt_none', 8, 999_000)).toBe(0);
    });

    it('finds events by when keys may go', async () => {
      const { directory } = store();
      const counts = { available: 1, reserved: 0, sold: 0, blocked: 0 };
      const base = { owner: null, incarnation: null, live: false, epoch: 1, seq: 1, counts };
      const rows = [1_000, 2_000, null].map((forgetAt, i) => {
        return { ...base, eventId: `evt_due${i}`, snapshotSeq: 0, nextExpiry: null, forgetAt };
      });
      for (const { eventId } of rows) await directory.setLive(eventId, 'node-a', 'life-1', 1);
      await directory.refresh(rows);
      const found = async (now: number, after = '') =>
        (await directory.forgettable(now, after, 9)).map(({ eventId }) => eventId);
      expect(await found(999)).toEqual([]);
      expect(await found(1_000)).toEqual(['evt_due0']);
      expect(await found(5_000)).toEqual(['evt_due0', 'evt_due1']);
      expect(await found(5_000, 'evt_due0')).toEqual(['evt_due1']);
    });
  });

  describe('snapshots', () => {
    it('keeps the one from which older ones are removed', async () => {
      const { snapshots } = store();
      await snapshots.save('evt_below', 5, 1, new Uint8Array([5]));
      await snapshots.save('evt_below', 9, 1, new Uint8Array([9]));
      await snapshots.removeBelow('evt_below', 9);
      expect((await snapshots.load('evt_below'))?.seq).toBe(9);
    });

    it('answers the highest one, of any size', async () => {
      const { snapshots } = store();
      const bytes = new Uint8Array(9_000_000).map((_, i) => i * 7);
      await snapshots.save('evt_snap', 20, 1, bytes);
      await snapshots.save('evt_snap', 10, 1, new Uint8Array([1, 2, 3]));
      const found = await snapshots.load('evt_snap');
      expect(found?.seq).toBe(20);
      expect(Buffer.compare(found?.bytes ?? new Uint8Array(), bytes)).toBe(0);
      expect(await snapshots.load('evt_sna')).toBeUndefined();
    });

    it('takes the same seq twice, from two owners', async () => {
      const { snapshots } = store();
      await snapshots.save('evt_same', 5, 1, new Uint8Array([5]));
      await snapshots.save('evt_same', 5, 2, new Uint8Array([5]));
      expect(await snapshots.load('evt_same')).toMatchObject({ seq: 5 });
    });
  });

  describe('directory', () => {
    const rowOf = (eventId: string, epoch: number): DirectoryRow => ({
      eventId,
      owner: 'node-a',
      incarnation: 'life-1',
      live: true,
      epoch,
      seq: 7,
      snapshotSeq: 5,
      counts: { available: 1, reserved: 2, sold: 3, blocked: 4 },
      nextExpiry: 123,
    });

    it('never lets a lower epoch overwrite a higher one', async () => {
      const { directory } = store();
      await directory.setLive('evt_epoch', 'node-b', 'life-2', 3);
      await directory.setLive('evt_epoch', 'node-a', 'life-1', 2);
      await directory.refresh([rowOf('evt_epoch', 2)]);
      await directory.clearLive('evt_epoch', 2);
      expect(await directory.find('evt_epoch')).toMatchObject({
        owner: 'node-b',
        incarnation: 'life-2',
        live: true,
        epoch: 3,
        seq: 0,
      });
    });

    it('refreshes all but live, and clears live by epoch', async () => {
      const { directory } = store();
      await directory.setLive('evt_row', 'node-a', 'life-1', 1);
      await directory.refresh([rowOf('evt_row', 1)]);
      expect(await directory.find('evt_row')).toEqual(rowOf('evt_row', 1));
      await directory.clearLive('evt_row', 1);
      await directory.refresh([{ ...rowOf('evt_row', 1), seq: 8 }]);
      expect(await directory.find('evt_row')).toMatchObject({ live: false, seq: 8 });
    });

    it('lists live events in pages', async () => {
      const { directory } = store();
      for (const id of ['evt_l3', 'evt_l1', 'evt_l2']) {
        await directory.setLive(id, 'node-a', 'life-1', 1);
      }
      await directory.clearLive('evt_l2', 1);
      const page = await directory.live('evt_l', 10);
      expect(page.map((row) => row.eventId).filter((id) => id.startsWith('evt_l'))).toEqual([
        'evt_l1',
        'evt_l3',
      ]);
      expect((await directory.live('evt_l1', 1)).map((row) => row.eventId)).toEqual(['evt_l3']);
    });
  });

  describe('nodes', () => {
    it('ages heartbeats by the server, and removes only its own life', async () => {
      const { nodes } = store();
      const first = await nodes.beat('node-$a', '$life-1', true);
      const second = await nodes.beat('node-$a', '$life-2', false);
      expect(second).toBeGreaterThanOrEqual(first);
      await nodes.remove('node-$a', '$life-1');
      const row = (await nodes.all()).find((r) => r.nodeId === 'node-$a');
      expect(row).toMatchObject({ incarnation: '$life-2', offering: false });
      expect(row?.ageMs).toBeGreaterThanOrEqual(0);
      expect(row?.ageMs).toBeLessThan(5_000);
      await nodes.remove('node-$a', '$life-2');
      expect((await nodes.all()).map((r) => r.nodeId)).not.toContain('node-$a');
    });
  });
}

describe('in memory', () => {
  const store = createMemoryStore(() => Date.now());
  journalSuite(() => store);
});

describeWith(['mongod'], 'in MongoDB', () => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    database = await testDatabase('journal');
    await prepareInventory(database.db);
    store = createMongoInventory(database.db, limits, systemClock);
  });
  afterAll(() => database.drop());
  journalSuite(() => store);

  it('ignores chunks without a header, and removes them with the next snapshots', async () => {
    const chunks = database.db.collection<{ _id: string }>('snapshot_chunks');
    await chunks.insertOne({ _id: 'evt_torn:000000000009:1:0000' });
    expect(await store.snapshots.load('evt_torn')).toBeUndefined();
    for (const seq of [10, 11]) await store.snapshots.save('evt_torn', seq, 1, new Uint8Array(3));
    expect(await chunks.countDocuments({ _id: /^evt_torn:000000000009/ })).toBe(0);
    expect((await store.snapshots.load('evt_torn'))?.seq).toBe(11);
  });

  it('ends every call in time when the server falls silent', async () => {
    const proxy = await silentProxy(database.uri);
    const client = new MongoClient(proxy.uri, {
      directConnection: true,
      serverSelectionTimeoutMS: 500,
    });
    try {
      await client.connect();
      const limited = { ...limits, databaseTimeoutMs: 300, heartbeatDeadMs: 300 };
      const { journal, snapshots, nodes } = createMongoInventory(client.db(), limited, systemClock);
      await journal.append(entryAt('evt_slow', 1));
      proxy.fallSilent();
      const startedAt = Date.now();
      const calls = [
        journal.append(entryAt('evt_slow', 2)),
        journal.exists('evt_slow', 2),
        journal.head('evt_slow'),
        snapshots.load('evt_slow'),
        nodes.beat('node-a', 'life-1', true),
      ];
      const settled = await Promise.allSettled(calls);
      expect(settled.map((outcome) => outcome.status)).toEqual(calls.map(() => 'rejected'));
      expect(Date.now() - startedAt).toBeLessThan(2_000);
    } finally {
      proxy.close();
      await client.close(true);
    }
  });
});

/** Forwards to the server of `uri` until it falls silent: connections stay, nothing answers. */
async function silentProxy(uri: string) {
  const target = new URL(uri);
  const sockets: Socket[] = [];
  let silent = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    sockets.push(near, far);
    near.on('data', (data) => silent || far.write(data)).on('error', () => far.destroy());
    far.on('data', (data) => silent || near.write(data)).on('error', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return {
    uri: `mongodb://127.0.0.1:${port}${target.pathname}`,
    fallSilent: () => {
      silent = true;
    },
    close,
  };
}
