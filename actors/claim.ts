import { makeEntry, ownerAfter, type Writer } from '#actors/entries.ts';
import type { Members } from '#actors/members.ts';
import { writeEntry } from '#actors/writer.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { type Directory, type Entry, isReadable, type Journal } from '#adapters/journal/port.ts';

export type ClaimDeps = Writer & {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly journal: Journal;
  readonly directory: Directory;
  readonly members: Members;
};

export type ClaimRequest = {
  readonly eventId: string;
  /** Whether an event without any entry may be begun: only an `open` does. */
  readonly mayCreate: () => boolean;
  /** Whether this node may own now. */
  readonly mayOwn: () => boolean;
  /** Ends the tries of a write whose outcome is unknown. */
  readonly stopped: () => boolean;
};

export type Claimed = {
  readonly kind: 'claimed';
  readonly seq: number;
  readonly epoch: number;
  readonly at: number;
  /** Whether the directory durably says `live`; only then may be served. Never rejects. */
  readonly live: Promise<boolean>;
};

export type ClaimOutcome =
  | Claimed
  /** A living node owns it. */
  | { readonly kind: 'moved'; readonly owner: string }
  /** Nobody living does, and this node may not. */
  | { readonly kind: 'unowned' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unavailable'; readonly why: string };

const triesMax = 10;

/**
 * Takes an event that nobody living owns, by a `claimed` entry behind its last one. Another entry
 * met there means: read the head again and try behind it, unless its writer lives. The directory is
 * written after the entry, while the caller restores. Rejects when the journal cannot be read.
 */
export async function claim(deps: ClaimDeps, request: ClaimRequest): Promise<ClaimOutcome> {
  const { eventId, stopped } = request;
  for (let tries = 0; tries < triesMax && !stopped(); tries++) {
    const head = await deps.journal.head(eventId);
    const verdict = await mayClaimBehind(deps, request, head);
    if (verdict === 'again') continue;
    if (verdict !== undefined) return verdict;
    const entry = claimEntry(deps, eventId, head);
    const written = await writeEntry(deps, entry, stopped);
    if (written.kind === 'stopped') return { kind: 'unavailable', why: 'claim unanswered' };
    if (written.kind === 'fenced') continue;
    const { seq, epoch, at } = entry;
    return { kind: 'claimed', seq, epoch, at, live: setLive(deps, entry, stopped) };
  }
  return { kind: 'unavailable', why: 'too many others claim' };
}

/** Undefined: claim behind `head`. */
async function mayClaimBehind(
  { members, journal }: ClaimDeps,
  { eventId, mayCreate, mayOwn }: ClaimRequest,
  head: Entry | undefined,
): Promise<ClaimOutcome | 'again' | undefined> {
  if (head === undefined) {
    if (mayCreate()) return mayOwn() ? undefined : { kind: 'unowned' };
    // Said to a caller, so it takes a linearizable read, like every refusal.
    if (await journal.exists(eventId, 1)) return 'again';
    // An `open` that came during the read must not be told so.
    return mayCreate() ? 'again' : { kind: 'not-found' };
  }
  if (!isReadable(head)) {
    return { kind: 'unavailable', why: `entries have format ${head.format}` };
  }
  const owner = ownerAfter(head);
  if (owner !== null && (await members.isAlive(owner.nodeId, owner.incarnation))) {
    return { kind: 'moved', owner: owner.nodeId };
  }
  return mayOwn() ? undefined : { kind: 'unowned' };
}

function claimEntry(deps: ClaimDeps, eventId: string, head: Entry | undefined): Entry {
  const epoch = (head?.epoch ?? 0) + 1;
  const { nodeId: node, incarnation } = deps;
  return makeEntry(deps, {
    eventId,
    seq: (head?.seq ?? 0) + 1,
    epoch,
    batchId: deps.ids.ulid(),
    at: Math.max(deps.members.serverNow(), head?.at ?? 0),
    facts: [JSON.stringify({ type: 'claimed', epoch, node, incarnation })],
  });
}

const retryMs = 50;

async function setLive(deps: ClaimDeps, entry: Entry, stopped: () => boolean): Promise<boolean> {
  while (!stopped()) {
    try {
      await deps.directory.setLive(entry.eventId, entry.node, entry.incarnation, entry.epoch);
      return true;
    } catch {
      await deps.clock.sleep(retryMs);
    }
  }
  return false;
}
