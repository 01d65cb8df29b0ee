import { createHash } from 'node:crypto';

/** Something that was done with money, or with a right that not everybody has. */
export type Act = {
  /** Names its cause: an act stands in the log once. */
  readonly source: string;
  /** Whose chain it belongs to. */
  readonly organizerId: string;
  /** Epoch ms at which it was done; the chain's order is that of its writing. */
  readonly at: number;
  /** A user's id, or `system` for what follows by itself. */
  readonly actor: string;
  /** `event.published`, `payment.captured`, … */
  readonly act: string;
  /** The id of what it was done to. */
  readonly subject: string;
  /** Plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;
};

/** An act in the chain of its organizer: 1, 2, 3, … each with the hash of the one before. */
export type AuditEntry = Act & {
  readonly seq: number;
  readonly prevHash: string;
  /** SHA-256 (hex) over the canonical JSON of all other fields. */
  readonly hash: string;
};

/** Where a chain ends. */
export type ChainEnd = { readonly seq: number; readonly hash: string };

/** Of a chain that has no entry yet. */
export const chainStart: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

/** The chain of acts on events that no organizer is known to own. */
export const nobody = 'unknown';

/** JSON with the keys of every object in order: equal values have one spelling. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    const field: unknown = value[key as keyof typeof value];
    if (field === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}

/** Exactly the fields of an act, whatever else the object has. */
export const actOf = ({ source, organizerId, at, actor, act, subject, data }: Act): Act => ({
  source,
  organizerId,
  at,
  actor,
  act,
  subject,
  data,
});

/** What `hash` must be. */
export const entryHash = (entry: Omit<AuditEntry, 'hash'>): string => {
  const { seq, prevHash } = entry;
  const text = canonicalJson({ ...actOf(entry), seq, prevHash });
  return createHash('sha256').update(text).digest('hex');
};

/** The acts as the next entries of their organizer's chain. */
export function chained(end: ChainEnd, acts: readonly Act[]): readonly AuditEntry[] {
  let { seq, hash: prevHash } = end;
  return acts.map((act) => {
    seq++;
    const entry = { ...actOf(act), seq, prevHash };
    const hash = entryHash(entry);
    prevHash = hash;
    return { ...entry, hash };
  });
}

export type FlawKind =
  /** An entry's content is not what was hashed. */
  | 'changed'
  /** Entries are not there. */
  | 'dropped'
  /** An entry stands where it was not written. */
  | 'reordered'
  /** Two neighbours do not belong together, or the end is not the one that was kept. */
  | 'forged'
  /** The last entries are gone. */
  | 'cut-off'
  /** Something was done, and the chain does not say so. */
  | 'unrecorded'
  /** The chain says what its source does not. */
  | 'unfounded';

export type Flaw = {
  readonly organizerId: string;
  readonly seq: number;
  readonly kind: FlawKind;
  readonly detail: string;
};

/** An entry that was moved is recognised within so many places. */
const movedFarthest = 1_000;

/** The place at which an entry's hash is right; undefined when there is none near. */
function writtenAs(entry: AuditEntry): number | undefined {
  for (let far = 1; far <= movedFarthest; far++) {
    for (const seq of [entry.seq - far, entry.seq + far]) {
      if (seq >= 1 && entryHash({ ...entry, seq }) === entry.hash) return seq;
    }
  }
  return undefined;
}

const spanOf = (from: number, to: number): string =>
  from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;

/** What is wrong with `entry` as the next one read behind `before`; empty when nothing is. */
export function linkFlaws(before: ChainEnd, entry: AuditEntry): readonly Flaw[] {
  const { organizerId, seq } = entry;
  const flaws: Flaw[] = [];
  const flaw = (kind: FlawKind, at: number, detail: string): void => {
    flaws.push({ organizerId, seq: at, kind, detail });
  };
  const next = before.seq + 1;
  if (seq > next) flaw('dropped', next, `${spanOf(next, seq - 1)} missing`);
  if (entryHash(entry) !== entry.hash) {
    const place = writtenAs(entry);
    if (place === undefined) flaw('changed', seq, 'its content is not what was written');
    else flaw('reordered', seq, `it was written as entry ${place}`);
  } else if (seq <= next && entry.prevHash !== before.hash) {
    flaw('forged', seq, 'it does not follow the entry before it');
  }
  return flaws;
}

/** What is wrong with the end of a chain whose last entry is `last`, by the end that was kept. */
export function endFlaws(
  organizerId: string,
  last: ChainEnd,
  kept: ChainEnd | undefined,
): readonly Flaw[] {
  const flaw = (kind: FlawKind, seq: number, detail: string): readonly Flaw[] => [
    { organizerId, seq, kind, detail },
  ];
  if (kept === undefined) {
    return last.seq === 0 ? [] : flaw('forged', last.seq, 'the end that was kept apart is gone');
  }
  if (last.seq < kept.seq) {
    return flaw('cut-off', kept.seq, `${spanOf(last.seq + 1, kept.seq)} gone from the end`);
  }
  if (last.seq > kept.seq) {
    return flaw('forged', last.seq, `the chain ended at entry ${kept.seq}`);
  }
  return last.hash === kept.hash
    ? []
    : flaw('forged', last.seq, 'its hash is not the one that was kept apart');
}
