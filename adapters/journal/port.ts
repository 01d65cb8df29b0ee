import type { Counts } from '#domain/inventory/commands.ts';
import { factFormats } from '#domain/inventory/fact-text.ts';

/** One batch of facts of one event; `_id` in the store is `<eventId>:<seq, 12 digits>`. */
export type Entry = {
  readonly eventId: string;
  /** 1, 2, 3, … without a gap. */
  readonly seq: number;
  readonly epoch: number;
  readonly node: string;
  readonly incarnation: string;
  /** Identity of this batch: tells "mine" from "another's" after an unknown outcome. */
  readonly batchId: string;
  /** Epoch ms on the database's clock; never below that of the entry before. */
  readonly at: number;
  /** Of `facts`, see `domain/inventory/fact-text.ts`. An unknown format refuses ownership. */
  readonly format: number;
  /** Empty text when compacted. */
  readonly facts: string;
  readonly compacted?: boolean;
};

/** The format that is written. */
export const entryFormat: number = factFormats.short;

/** Whether this version can read an entry. */
export const isReadable = ({ format }: Pick<Entry, 'format'>): boolean =>
  format === factFormats.named || format === factFormats.short;

/**
 * The record of seat facts: the only truth and the only lock. Every call has a time limit of its
 * own and rejects when it passes. A rejected `append` decides nothing: the entry may be there, may
 * appear later, or never.
 */
export interface Journal {
  /** One plain insert, majority and journaled; resolves only on acknowledgement. */
  append(entry: Entry): Promise<void>;
  /** Majority read on the primary. */
  read(eventId: string, seq: number): Promise<Entry | undefined>;
  /** Linearizable read of one exact key on the primary: is there an entry at `seq`? */
  exists(eventId: string, seq: number): Promise<boolean>;
  /** Majority read on the primary of the highest entry. */
  head(eventId: string): Promise<Entry | undefined>;
  /** Majority read on the primary of at most `limit` entries from `fromSeq` on, in order of seq. */
  replay(eventId: string, fromSeq: number, limit: number): Promise<readonly Entry[]>;
  /** Throws when the entry cannot be stored by any server: too large, not serialisable. */
  assertStorable(entry: Entry): void;

  /** Copies bodies of `seq ≤ upTo` with `at < olderThan` to the archive, then empties them. Keys
   * stay. `upTo` must be below a snapshot that was read back. Answers how many were emptied. */
  compact(eventId: string, upTo: number, olderThan: number): Promise<number>;
  /**
   * Deletes the oldest keys, in order, of entries with `seq < below` and `at < olderThan` whose
   * bodies were read back from the archive; never the newest entry. `below` must be the seq of a
   * snapshot that was read back. Bounded: what is left over is for the next call. Answers how many.
   */
  forget(eventId: string, below: number, olderThan: number): Promise<number>;
  /** Archive and journal together, in order of seq, for audit and verification. */
  history(eventId: string, fromSeq: number, limit: number): Promise<readonly Entry[]>;
}

/** A state at a committed seq, in chunks; only complete ones are ever answered. */
export interface Snapshots {
  /** Writes the chunks, then the header, and reads the header back; all majority. Older ones but
   * the one before may be removed. */
  save(eventId: string, seq: number, epoch: number, bytes: Uint8Array): Promise<void>;
  /** The highest complete one, by majority read on the primary. */
  load(eventId: string): Promise<{ seq: number; bytes: Uint8Array } | undefined>;
  /** Removes every snapshot below `seq`, that of a complete one which was read back. */
  removeBelow(eventId: string, seq: number): Promise<void>;
}

export type DirectoryRow = {
  readonly eventId: string;
  /** Null: handed over, and not claimed since. */
  readonly owner: string | null;
  readonly incarnation: string | null;
  readonly live: boolean;
  readonly epoch: number;
  readonly seq: number;
  readonly snapshotSeq: number;
  readonly counts: Counts;
  /** Epoch ms of the earliest hold deadline; null when nothing is held. */
  readonly nextExpiry: number | null;
  /** Epoch ms from which keys of its journal may be deleted; absent or null: nothing to do. */
  readonly forgetAt?: number | null;
};

/** Look-up copy of who owns what. Trusted for nothing but `live`. */
export interface Directory {
  /** Durable before the first command is served; a higher epoch is never overwritten. */
  setLive(eventId: string, owner: string, incarnation: string, epoch: number): Promise<void>;
  /** Matches the epoch; after `handed-over {to: null}` is committed. The owner becomes null. */
  clearLive(eventId: string, epoch: number): Promise<void>;
  /** About once a second per changed event. Matches the epoch; writes all but `live`. */
  refresh(rows: readonly DirectoryRow[]): Promise<void>;
  find(eventId: string): Promise<DirectoryRow | undefined>;
  /** Live events, in pages by event id. */
  live(afterEventId: string, limit: number): Promise<readonly DirectoryRow[]>;
  /** Events with `forgetAt ≤ now` (epoch ms), in pages by event id. */
  forgettable(now: number, afterEventId: string, limit: number): Promise<readonly DirectoryRow[]>;
}

export type NodeRow = {
  readonly nodeId: string;
  readonly incarnation: string;
  /** Whether it takes events: not while it drains, is cut off or has a wrong clock. */
  readonly offering: boolean;
  readonly ageMs: number;
};

/** Heartbeats of inventory nodes, aged by the database server's clock. */
export interface Nodes {
  /** Writes `{_id, incarnation, offering, at: $$NOW}`; answers the server's time (epoch ms). */
  beat(nodeId: string, incarnation: string, offering: boolean): Promise<number>;
  /** All rows with their age by the server's clock. */
  all(): Promise<readonly NodeRow[]>;
  /** Removes the row of exactly this incarnation. */
  remove(nodeId: string, incarnation: string): Promise<void>;
}

/** Everything the inventory keeps. */
export type InventoryStore = {
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly directory: Directory;
  readonly nodes: Nodes;
};
