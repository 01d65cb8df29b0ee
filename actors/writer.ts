import type { Clock } from '#adapters/clock/port.ts';
import type { Entry, Journal } from '#adapters/journal/port.ts';

/**
 * `committed`: the entry stands. `fenced`: another's entry stands there, this one never will;
 * `owner` is its writer, where known. `stopped`: given up while the outcome was unknown.
 */
export type WriteOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'fenced'; readonly owner: string | null }
  | { readonly kind: 'stopped' };

/** `clear`: nothing stands at the asked seq. */
export type VerifyOutcome =
  | { readonly kind: 'clear' }
  | { readonly kind: 'fenced'; readonly owner: string | null }
  | { readonly kind: 'stopped' };

type WriterDeps = { readonly journal: Journal; readonly clock: Clock };

/** Waits between tries of the same thing: doubling from the first to the last, ms. */
const backoff = { firstMs: 5, lastMs: 200 } as const;

/**
 * Rules 3 and 4 of the seat protocol. Inserts `entry`; when that is not acknowledged, whatever the
 * error, the same entry is inserted again at the same seq until a majority read shows one there.
 * Ends early only when `stopped()` says so, which decides nothing about the entry.
 */
export async function writeEntry(
  { journal, clock }: WriterDeps,
  entry: Entry,
  stopped: () => boolean,
): Promise<WriteOutcome> {
  for (let waitMs: number = backoff.firstMs; ; waitMs = Math.min(waitMs * 2, backoff.lastMs)) {
    try {
      await journal.append(entry);
      return { kind: 'committed' };
    } catch {
      // The error decides nothing: only what a majority read shows does.
    }
    try {
      const found = await journal.read(entry.eventId, entry.seq);
      if (found?.batchId === entry.batchId) return { kind: 'committed' };
      if (found !== undefined) return { kind: 'fenced', owner: found.node };
    } catch {
      // Read again after the next insert.
    }
    if (stopped()) return { kind: 'stopped' };
    await clock.sleep(waitMs);
    if (stopped()) return { kind: 'stopped' };
  }
}

/**
 * Rule 5: what was decided without a fact may be told only after a linearizable read that began
 * after the decision shows no entry at `seq`. An error answers nothing and is read again.
 */
export async function verifyClear(
  { journal, clock }: WriterDeps,
  eventId: string,
  seq: number,
  stopped: () => boolean,
): Promise<VerifyOutcome> {
  for (let waitMs: number = backoff.firstMs; ; waitMs = Math.min(waitMs * 2, backoff.lastMs)) {
    try {
      if (!(await journal.exists(eventId, seq))) return { kind: 'clear' };
      return { kind: 'fenced', owner: await writerOf(journal, eventId, seq) };
    } catch {
      // Read again below.
    }
    if (stopped()) return { kind: 'stopped' };
    await clock.sleep(waitMs);
    if (stopped()) return { kind: 'stopped' };
  }
}

/** Who wrote the entry, for the caller's next try; null when it cannot be read now. */
async function writerOf(journal: Journal, eventId: string, seq: number): Promise<string | null> {
  try {
    return (await journal.read(eventId, seq))?.node ?? null;
  } catch {
    return null;
  }
}
