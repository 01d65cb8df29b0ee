import type { Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { createMongoDirectory } from '#adapters/journal/mongo-directory.ts';
import { createMongoJournal } from '#adapters/journal/mongo-journal.ts';
import { createMongoNodes } from '#adapters/journal/mongo-nodes.ts';
import { createMongoSnapshots } from '#adapters/journal/mongo-snapshots.ts';
import type { InventoryStore } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

/**
 * What the inventory keeps, in MongoDB: collections `journal`, `journal_archive`, `snapshots`,
 * `snapshot_chunks`, `inventories`, `nodes`. Every key begins with the event, so that reads of an
 * event are ranges of `_id`; `prepareInventory` makes the one further index. Each call ends within
 * `limits.databaseTimeoutMs` (heartbeats: `heartbeatDeadMs`), whatever the server does.
 */
export function createMongoInventory(db: Db, limits: Limits, clock: Clock): InventoryStore {
  return {
    journal: createMongoJournal(db, limits, clock),
    snapshots: createMongoSnapshots(db, limits, clock),
    directory: createMongoDirectory(db, limits, clock),
    nodes: createMongoNodes(db, limits, clock),
  };
}

/** Creates the indexes; does nothing where they are. To be run before the first use. */
export async function prepareInventory(db: Db): Promise<void> {
  await db
    .collection('inventories')
    .createIndex({ live: 1, _id: 1 }, { partialFilterExpression: { live: true } });
  await db
    .collection('inventories')
    .createIndex(
      { forgetAt: 1, _id: 1 },
      { partialFilterExpression: { forgetAt: { $type: 'number' } } },
    );
}
