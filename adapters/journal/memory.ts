import type {
  Directory,
  DirectoryRow,
  Entry,
  InventoryStore,
  Journal,
  NodeRow,
  Nodes,
  Snapshots,
} from '#adapters/journal/port.ts';
import { assertStorable } from '#adapters/journal/storable.ts';

/** Duplicate key, as MongoDB says it. The protocol looks at no error, so only tests read this. */
export class DuplicateEntry extends Error {
  readonly code = 11000;
}

/** The inventory's store in one process's memory. */
export type MemoryStore = InventoryStore & {
  /** All entries of an event in order, bodies as they are now; for checks after a run. */
  entries(eventId: string): readonly Entry[];
};

/**
 * The in-memory twin of `mongo.ts` for simulation and unit tests: one store that several hosts
 * share, always reachable, each call taking effect at once and answering in a later microtask.
 * `serverNow` is the database server's clock, epoch ms. Faults are added by wrapping its parts.
 */
export function createMemoryStore(serverNow: () => number): MemoryStore {
  const events = new Map<string, Entry[]>();
  const entries = (eventId: string): readonly Entry[] => events.get(eventId) ?? [];
  return {
    journal: createJournal(events),
    snapshots: createSnapshots(),
    directory: createDirectory(),
    nodes: createNodes(serverNow),
    entries,
  };
}

function createJournal(events: Map<string, Entry[]>): Journal {
  const archive = new Map<string, string>();
  // What the archive keeps besides bodies, of entries whose keys are gone.
  const forgotten = new Map<string, Entry[]>();
  const of = (eventId: string): Entry[] => events.get(eventId) ?? [];
  const page = (eventId: string, fromSeq: number, limit: number): Entry[] =>
    of(eventId)
      .filter((e) => e.seq >= fromSeq)
      .slice(0, limit);

  return {
    async append(entry) {
      const list = of(entry.eventId);
      // Kept in order of seq; a gap can only come from a caller that breaks the protocol.
      const at = list.findIndex((e) => e.seq >= entry.seq);
      if (at >= 0 && list[at]?.seq === entry.seq) {
        throw new DuplicateEntry(`${entry.eventId}:${entry.seq} is taken`);
      }
      list.splice(at < 0 ? list.length : at, 0, { ...entry });
      events.set(entry.eventId, list);
    },
    async read(eventId, seq) {
      return of(eventId).find((e) => e.seq === seq);
    },
    async exists(eventId, seq) {
      return of(eventId).some((e) => e.seq === seq);
    },
    async head(eventId) {
      return of(eventId).at(-1);
    },
    async replay(eventId, fromSeq, limit) {
      return page(eventId, fromSeq, limit);
    },
    assertStorable,
    async compact(eventId, upTo, olderThan) {
      let emptied = 0;
      const list = of(eventId);
      for (const [i, e] of list.entries()) {
        if (e.seq > upTo || e.at >= olderThan || e.compacted === true) continue;
        archive.set(`${eventId}:${e.seq}`, e.facts);
        list[i] = { ...e, facts: '', compacted: true };
        emptied++;
      }
      return emptied;
    },
    async forget(eventId, below, olderThan) {
      const list = of(eventId);
      const end = Math.min(below, list.at(-1)?.seq ?? 0);
      const stays = list.findIndex(
        (e) => e.seq >= end || e.compacted !== true || e.at >= olderThan,
      );
      const gone = list.splice(0, Math.max(stays, 0));
      forgotten.set(eventId, [...(forgotten.get(eventId) ?? []), ...gone]);
      return gone.length;
    },
    async history(eventId, fromSeq, limit) {
      return [...(forgotten.get(eventId) ?? []), ...of(eventId)]
        .filter((e) => e.seq >= fromSeq)
        .slice(0, limit)
        .map((e) => (e.compacted === true ? restored(e, archive.get(`${eventId}:${e.seq}`)) : e));
    },
  };
}

function restored(entry: Entry, facts: string | undefined): Entry {
  if (facts === undefined) throw new Error(`no body of ${entry.eventId}:${entry.seq}`);
  const { compacted: _, ...rest } = entry;
  return { ...rest, facts };
}

function createSnapshots(): Snapshots {
  const newest = new Map<string, { seq: number; bytes: Uint8Array }>();
  return {
    async save(eventId, seq, _epoch, bytes) {
      const known = newest.get(eventId);
      if (known === undefined || known.seq < seq)
        newest.set(eventId, { seq, bytes: bytes.slice() });
    },
    async load(eventId) {
      const found = newest.get(eventId);
      return found && { seq: found.seq, bytes: found.bytes.slice() };
    },
    // It keeps one only.
    async removeBelow() {},
  };
}

const emptyCounts = { available: 0, reserved: 0, sold: 0, blocked: 0 } as const;

function createDirectory(): Directory {
  const rows = new Map<string, DirectoryRow>();
  return {
    async setLive(eventId, owner, incarnation, epoch) {
      const old = rows.get(eventId);
      if (old !== undefined && old.epoch > epoch) return;
      const base = old ?? { seq: 0, snapshotSeq: 0, counts: emptyCounts, nextExpiry: null };
      rows.set(eventId, { ...base, eventId, owner, incarnation, live: true, epoch });
    },
    async clearLive(eventId, epoch) {
      const old = rows.get(eventId);
      if (old?.epoch !== epoch) return;
      rows.set(eventId, { ...old, owner: null, incarnation: null, live: false });
    },
    async refresh(changed) {
      for (const row of changed) {
        const old = rows.get(row.eventId);
        if (old?.epoch === row.epoch) rows.set(row.eventId, { ...row, live: old.live });
      }
    },
    async find(eventId) {
      return rows.get(eventId);
    },
    async live(afterEventId, limit) {
      return [...rows.values()]
        .filter((row) => row.live && row.eventId > afterEventId)
        .sort((a, b) => (a.eventId < b.eventId ? -1 : 1))
        .slice(0, limit);
    },
    async forgettable(now, afterEventId, limit) {
      const isDue = ({ forgetAt }: DirectoryRow): boolean => (forgetAt ?? now + 1) <= now;
      return [...rows.values()]
        .filter((row) => isDue(row) && row.eventId > afterEventId)
        .sort((a, b) => (a.eventId < b.eventId ? -1 : 1))
        .slice(0, limit);
    },
  };
}

function createNodes(serverNow: () => number): Nodes {
  const rows = new Map<string, { incarnation: string; offering: boolean; at: number }>();
  return {
    async beat(nodeId, incarnation, offering) {
      const at = serverNow();
      rows.set(nodeId, { incarnation, offering, at });
      return at;
    },
    async all() {
      const now = serverNow();
      return [...rows].map(
        ([nodeId, { incarnation, offering, at }]): NodeRow => ({
          nodeId,
          incarnation,
          offering,
          ageMs: now - at,
        }),
      );
    },
    async remove(nodeId, incarnation) {
      if (rows.get(nodeId)?.incarnation === incarnation) rows.delete(nodeId);
    },
  };
}
