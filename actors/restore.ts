import { factsOf, UnknownFormat } from '#actors/entries.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Journal, Snapshots } from '#adapters/journal/port.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { decodeSnapshot } from '#domain/inventory/snapshot.ts';
import { createState, type EventState } from '#domain/inventory/state.ts';

type RestoreDeps = {
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
};

export type Restored = {
  readonly state: EventState;
  readonly snapshotSeq: number;
  /** Of the facts behind the snapshot. */
  readonly tailBytes: number;
};

/** A newer snapshot than the claim: somebody else owns the event by now. */
export class Superseded extends Error {}

const pageEntries = 50;
const triesMax = 5;
const betweenTriesMs = 50;

/**
 * The state at exactly `seq`, from the newest snapshot and the entries behind it. A gap, or an
 * emptied entry above the snapshot, is never read as "no facts": a newer snapshot must exist then,
 * so all starts again. Rejects when that does not help either, with `UnknownFormat` for an entry
 * that this version cannot read, with `Superseded` when the snapshot is beyond `seq`.
 */
export async function restore(deps: RestoreDeps, eventId: string, seq: number): Promise<Restored> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (tries > 0) await deps.clock.sleep(betweenTriesMs * tries);
    const snapshot = await deps.snapshots.load(eventId);
    if (snapshot !== undefined && snapshot.seq > seq) {
      throw new Superseded(`${eventId} has a snapshot at ${snapshot.seq}, above ${seq}`);
    }
    const state = snapshot ? decode(eventId, snapshot.bytes) : createState(eventId);
    const snapshotSeq = snapshot?.seq ?? 0;
    const tailBytes = await replay(deps, state, eventId, snapshotSeq, seq);
    if (tailBytes !== undefined) return { state, snapshotSeq, tailBytes };
  }
  throw new Error(`the journal of ${eventId} has a gap below ${seq}`);
}

function decode(eventId: string, bytes: Uint8Array): EventState {
  try {
    return decodeSnapshot(bytes);
  } catch (cause) {
    throw new UnknownFormat(`the snapshot of ${eventId} cannot be read`, { cause });
  }
}

/**
 * Evolves `state` by the entries above `after` up to `seq`. Answers how many bytes of facts they
 * had; undefined when one is missing or empty.
 */
async function replay(
  { journal, clock }: RestoreDeps,
  state: EventState,
  eventId: string,
  after: number,
  seq: number,
): Promise<number | undefined> {
  let bytes = 0;
  let done = after;
  while (done < seq) {
    const limit = Math.min(pageEntries, seq - done);
    const entries = await journal.replay(eventId, done + 1, limit);
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      if (entry.seq !== done + 1 || entry.compacted === true) return undefined;
      for (const fact of factsOf(entry)) evolve(state, fact, entry.at, entry.seq);
      done = entry.seq;
      bytes += entry.facts.length;
    }
    // Heartbeats of other events' actors must get through between two pages.
    await clock.tick();
  }
  return bytes;
}
