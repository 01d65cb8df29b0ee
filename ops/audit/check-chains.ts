import type { AuditLog } from '#adapters/store/audit-log.ts';
import type { AuditSources, Original } from '#adapters/store/audit-sources.ts';
import {
  type AuditEntry,
  actOf,
  type ChainEnd,
  canonicalJson,
  chainStart,
  endFlaws,
  type Flaw,
  linkFlaws,
} from '#domain/audit.ts';

/** Ends of chains that were noted outside the database, by organizer. */
export type Anchors = Readonly<Record<string, ChainEnd>>;

export type ChainReport = {
  readonly organizerId: string;
  readonly entries: number;
  /** Where the chain ends now; absent when no end is kept. */
  readonly end: ChainEnd | undefined;
  readonly flaws: readonly Flaw[];
};

export type LogReport = {
  readonly chains: readonly ChainReport[];
  /** Acts that the sources have and the log has not. */
  readonly unrecorded: readonly string[];
};

/** After so many flaws a chain is only counted. */
const flawsMax = 100;
const sourcesAtOnce = 1_000;

/**
 * Walks the chains (of one organizer, or all) and compares them with the ends that were kept and
 * with what the acts were taken from. The system may be running meanwhile. Reads only.
 */
export async function checkChains(
  log: AuditLog,
  sources: AuditSources,
  only?: string,
  anchors: Anchors = {},
): Promise<LogReport> {
  const organizers =
    only === undefined
      ? [...new Set([...(await log.organizers()), ...Object.keys(anchors)])].sort()
      : [only];
  const chains: ChainReport[] = [];
  for (const organizerId of organizers) {
    chains.push(await checkChain(log, sources, organizerId, anchors[organizerId]));
  }
  return { chains, unrecorded: await unrecordedActs(log, sources, only) };
}

async function checkChain(
  log: AuditLog,
  sources: AuditSources,
  organizerId: string,
  anchor: ChainEnd | undefined,
): Promise<ChainReport> {
  // The end is read first: what is appended meanwhile lies behind it.
  const end = await log.end(organizerId);
  const flaws: Flaw[] = [];
  const note = (found: readonly Flaw[]): void => {
    flaws.push(...found.slice(0, flawsMax - flaws.length));
  };
  let before = chainStart;
  let entries = 0;
  const upTo = end?.seq ?? Number.POSITIVE_INFINITY;
  for await (const batch of log.walk(organizerId, upTo)) {
    const originals = await sources.originals(batch.map(({ source }) => source));
    for (const entry of batch) {
      note(linkFlaws(before, entry));
      note(foundationFlaws(entry, originals.get(entry.source)));
      if (entry.seq === anchor?.seq) note(anchorFlaws(organizerId, entry, anchor));
      before = { seq: entry.seq, hash: entry.hash };
      entries++;
    }
  }
  note(endFlaws(organizerId, before, end));
  if (anchor !== undefined && anchor.seq > before.seq) {
    note(anchorFlaws(organizerId, undefined, anchor));
  }
  if (end !== undefined) note(await beyondEnd(log, organizerId));
  return { organizerId, entries, end, flaws };
}

/** An entry is written with the end it makes: none can lie behind the end that is read after it. */
async function beyondEnd(log: AuditLog, organizerId: string): Promise<readonly Flaw[]> {
  const last = await log.last(organizerId);
  const end = await log.end(organizerId);
  if (last === undefined || end === undefined || last.seq <= end.seq) return [];
  return endFlaws(organizerId, last, end);
}

/** An entry must say what its source says. */
function foundationFlaws(entry: AuditEntry, original: Original | undefined): readonly Flaw[] {
  const { organizerId, seq } = entry;
  const flaw = (detail: string): readonly Flaw[] => [
    { organizerId, seq, kind: 'unfounded', detail },
  ];
  if (original === undefined) {
    // Messages that were delivered need not be kept for ever.
    return entry.source.startsWith('message:') ? [] : flaw(`there is no ${entry.source}`);
  }
  if ('act' in original) {
    const same = canonicalJson(original.act) === canonicalJson(actOf(entry));
    return same ? [] : flaw(`${entry.source} says something else`);
  }
  return original.organizerId === organizerId ? [] : flaw(`${entry.source} is another organizer's`);
}

function anchorFlaws(
  organizerId: string,
  entry: AuditEntry | undefined,
  { seq, hash }: ChainEnd,
): readonly Flaw[] {
  if (entry?.hash === hash) return [];
  const detail = `entry ${seq} is not the one whose hash was noted outside the database`;
  return [{ organizerId, seq, kind: entry === undefined ? 'cut-off' : 'forged', detail }];
}

/** Sources of acts that must stand in the log and do not, of one organizer or all. */
async function unrecordedActs(
  log: AuditLog,
  sources: AuditSources,
  only: string | undefined,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for await (const batch of sources.due(sourcesAtOnce)) {
    const known = await log.known(batch);
    const lost = batch.filter((source) => !known.has(source));
    const own = only === undefined ? lost : await sources.ofOrganizer(only, lost);
    missing.push(...own.slice(0, flawsMax - missing.length));
  }
  return missing;
}
