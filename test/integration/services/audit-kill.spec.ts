import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { book, entriesOf, ownedEvent } from '#test/support/books.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const script = fileURLToPath(new URL('./audit-process.ts', import.meta.url));
const bookingsCount = 150;
const kills = 6;

describeWith(['mongod'], 'a worker that is killed while it writes the audit log', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase('audit-kill');
  });

  afterAll(async () => {
    await database?.drop();
  });

  /** Runs a worker until it has added something and `ms` more, or until it finds nothing. */
  const worker = async (ms?: number): Promise<void> => {
    const child = spawn(process.execPath, [script, database.uri], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const sources = new AuditSources(database.db);
    try {
      await once(child.stdout, 'data');
      if (ms !== undefined) return await systemClock.sleep(ms);
      for (let look = 0; look < 900; look++) {
        if ((await sources.pending(1)).length === 0) return;
        await systemClock.sleep(100);
      }
      throw new Error('acts still wait');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  };

  it('leaves one whole chain with every act once', async () => {
    const { db } = database;
    const log = new AuditLog(db);
    await log.prepare();
    const { organizerId, eventId } = await ownedEvent(db);
    // One, two or three bookings with one mark.
    for (let at = 0, together = 1; at < bookingsCount; at += together) {
      together = Math.min(1 + (at % 3), bookingsCount - at);
      const some = Array.from({ length: together }, (_, i) => entriesOf(eventId, at + i));
      await book(db, some.flat());
    }
    for (let kill = 0; kill < kills; kill++) await worker(5 + 7 * kill);
    await worker();
    const { chains, unrecorded } = await checkChains(log, new AuditSources(db));
    expect(chains).toMatchObject([{ organizerId, entries: 2 * bookingsCount, flaws: [] }]);
    expect(unrecorded).toEqual([]);
  }, 180_000);
});
