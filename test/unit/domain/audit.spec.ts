import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Act,
  type AuditEntry,
  canonicalJson,
  chained,
  chainStart,
  endFlaws,
  entryHash,
  type Flaw,
  linkFlaws,
} from '#domain/audit.ts';

const act = (n: number): Act => ({
  source: `ledger:${n}`,
  organizerId: 'org_1',
  at: 1_000 + n,
  actor: 'usr_1',
  act: 'booking.sold',
  subject: `bkg_${n}`,
  data: { amount: n, seats: ['A-1'] },
});
const chain = (length: number): readonly AuditEntry[] =>
  chained(
    chainStart,
    Array.from({ length }, (_, i) => act(i + 1)),
  );

/** Walks entries as a verification does; the end is that of the whole chain. */
function flawsOf(entries: readonly AuditEntry[], whole: readonly AuditEntry[]): readonly Flaw[] {
  const flaws: Flaw[] = [];
  let before = chainStart;
  for (const entry of [...entries].sort((a, b) => a.seq - b.seq)) {
    flaws.push(...linkFlaws(before, entry));
    before = entry;
  }
  return [...flaws, ...endFlaws('org_1', before, whole.at(-1))];
}
const found = (flaws: readonly Flaw[]) => flaws.map(({ seq, kind }) => [seq, kind]);
const rehashed = (entry: AuditEntry): AuditEntry => ({ ...entry, hash: entryHash(entry) });
const replaced = (entries: readonly AuditEntry[], seq: number, by: Partial<AuditEntry>) =>
  entries.map((entry) => (entry.seq === seq ? { ...entry, ...by } : entry));

describe('canonical JSON', () => {
  it('is the same whatever the order of the keys, and reads back as the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        const plain = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(text)).toEqual(plain);
        expect(canonicalJson(plain)).toBe(text);
      }),
    );
    expect(canonicalJson({ b: 1, a: [{ d: null, c: 'x' }] })).toBe(
      '{"a":[{"c":"x","d":null}],"b":1}',
    );
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });
});

describe('a chain', () => {
  it('goes on where it ended, and every entry has the hash of the one before', () => {
    const first = chain(3);
    const end = first.at(-1) as AuditEntry;
    const [next] = chained(end, [act(4)]);
    expect(next).toMatchObject({ seq: 4, prevHash: end.hash });
    expect(first.map(({ hash }) => hash)).toEqual(first.map(entryHash));
  });

  it('has no flaw as it was written, of any length', () => {
    for (const length of [0, 1, 2, 50]) expect(flawsOf(chain(length), chain(length))).toEqual([]);
  });

  it('shows an entry whose content was changed, in any field', () => {
    const whole = chain(5);
    const changes: Partial<AuditEntry>[] = [
      { at: 1 },
      { actor: 'usr_2' },
      { act: 'booking.cancelled' },
      { subject: 'bkg_x' },
      { source: 'ledger:x' },
      { organizerId: 'org_2' },
      { data: { amount: 4, seats: ['A-1'] } },
    ];
    for (const by of changes) {
      expect(found(flawsOf(replaced(whole, 3, by), whole))).toEqual([[3, 'changed']]);
    }
  });

  it('shows which entries were dropped', () => {
    const whole = chain(6);
    const without = whole.filter(({ seq }) => seq !== 3 && seq !== 4);
    expect(flawsOf(without, whole)).toEqual([
      { organizerId: 'org_1', seq: 3, kind: 'dropped', detail: 'entries 3 to 4 are missing' },
    ]);
  });

  it('shows entries that have changed places, and where they were written', () => {
    const whole = chain(6);
    const moved = whole.map((e) => ({ ...e, seq: e.seq === 2 ? 5 : e.seq === 5 ? 2 : e.seq }));
    const flaws = flawsOf(moved, whole);
    expect(flaws.filter(({ kind }) => kind === 'reordered')).toMatchObject([
      { seq: 2, detail: 'it was written as entry 5' },
      { seq: 5, detail: 'it was written as entry 2' },
    ]);
    expect(found(flaws.filter(({ kind }) => kind !== 'reordered'))).toEqual([
      [3, 'forged'],
      [6, 'forged'],
    ]);
  });

  it('shows an entry that was written anew with its hash, by the one behind it', () => {
    const whole = chain(5);
    const forged = whole.map((e) => (e.seq === 3 ? rehashed({ ...e, data: { amount: 0 } }) : e));
    expect(found(flawsOf(forged, whole))).toEqual([[4, 'forged']]);
  });

  it('shows a chain that was written anew to its end, by the end that was kept', () => {
    const whole = chain(5);
    const anew = chained(chainStart, [act(1), act(2), { ...act(3), data: {} }, act(4), act(5)]);
    expect(found(flawsOf(anew, whole))).toEqual([[5, 'forged']]);
  });

  it('shows that its end was cut off, up to all of it', () => {
    const whole = chain(5);
    expect(found(flawsOf(whole.slice(0, 3), whole))).toEqual([[5, 'cut-off']]);
    expect(found(flawsOf([], whole))).toEqual([[5, 'cut-off']]);
  });

  it('shows entries behind its end, and an end that is gone', () => {
    const whole = chain(5);
    expect(found(flawsOf(whole, whole.slice(0, 4)))).toEqual([[5, 'forged']]);
    expect(found(flawsOf(whole, []))).toEqual([[5, 'forged']]);
  });

  it('shows any one change to any one entry', () => {
    const whole = chain(8);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('at', 'seq', 'hash', 'prevHash', 'subject', 'drop', 'rehash'),
        (seq, what) => {
          const entries = whole.flatMap((entry): AuditEntry[] => {
            if (entry.seq !== seq) return [entry];
            if (what === 'drop') return [];
            if (what === 'rehash') return [rehashed({ ...entry, at: 7 })];
            if (what === 'at' || what === 'seq') return [{ ...entry, [what]: entry[what] + 100 }];
            return [{ ...entry, [what]: `${entry[what as 'hash']}x` }];
          });
          expect(flawsOf(entries, whole)).not.toEqual([]);
        },
      ),
    );
  });
});
