import type { Db } from 'mongodb';
import { factsOf } from '#actors/entries.ts';
import type { Entry as JournalEntry } from '#adapters/journal/port.ts';
import type { Accepted } from '#bench/failover/crowd.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';

type Entry = {
  readonly seq: number;
  readonly epoch: number;
  readonly node: string;
  readonly at: number;
  readonly facts: readonly Fact[];
};

/** A planned hand-over, by the server's time in the journal. */
export type Move = {
  readonly eventId: string;
  readonly handedOverAt: number;
  readonly claimedAt: number;
  readonly to: string;
};

async function entriesOf(db: Db, eventId: string): Promise<Entry[]> {
  const journal = db.collection<JournalEntry>('journal');
  const found = await journal.find({ eventId }).sort({ seq: 1 }).toArray();
  return found.map((entry) => {
    const { seq, epoch, node, at } = entry;
    return { seq, epoch, node, at, facts: factsOf(entry) };
  });
}

/** The node that the directory names as the owner. */
export async function ownerOf(db: Db, eventId: string): Promise<string> {
  const row = await db.collection<{ _id: string; owner: string }>('inventories').findOne({
    _id: eventId,
  });
  return row?.owner ?? '';
}

/** Every hand-over since then that was followed by a claim. */
export async function movesSince(db: Db, eventIds: readonly string[], since: number) {
  const moves: Move[] = [];
  for (const eventId of eventIds) {
    const entries = await entriesOf(db, eventId);
    for (const [i, { at, facts }] of entries.entries()) {
      const next = entries[i + 1];
      if (at < since || next === undefined) continue;
      if (!facts.some(({ type }) => type === 'handed-over')) continue;
      moves.push({ eventId, handedOverAt: at, claimedAt: next.at, to: next.node });
    }
  }
  return moves;
}

/**
 * What does not add up, as sentences: an accepted reservation that the journal does not have, an
 * entry of an owner that had been succeeded, and all that `verify:event` finds.
 */
export async function untruths(
  db: Db,
  eventIds: readonly string[],
  accepted: readonly Accepted[],
): Promise<string[]> {
  const found: string[] = [];
  for (const eventId of eventIds) {
    const entries = await entriesOf(db, eventId);
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1];
      const stale =
        entry.seq !== i + 1 ||
        (before !== undefined &&
          (entry.epoch < before.epoch ||
            (entry.epoch === before.epoch && entry.node !== before.node)));
      if (stale) found.push(`${eventId}: entry ${entry.seq} is of an owner that was succeeded`);
    }
    const held = new Set(
      entries.flatMap(({ facts }) => facts.map((f) => (f.type === 'held' ? f.hold : ''))),
    );
    const lost = accepted.filter((one) => one.eventId === eventId && !held.has(one.reservationId));
    for (const { reservationId } of lost) found.push(`${reservationId} was accepted and is lost`);
    const { findings } = await verifyEvent(db, eventId);
    found.push(...findings.map((finding) => `${eventId}: ${JSON.stringify(finding)}`));
  }
  return found;
}
