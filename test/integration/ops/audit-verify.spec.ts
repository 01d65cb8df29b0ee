import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Collection } from 'mongodb';
import {
  AuditLog,
  auditCollections,
  type EndDocument,
  type EntryDocument,
  entryOf,
} from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { collections, type LedgerDocument } from '#adapters/store/booking-documents.ts';
import { type AuditEntry, chained, chainStart, entryHash } from '#domain/audit.ts';
import { logLines } from '#ops/audit/audit-verify.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { book, entriesOf, ownedEvent } from '#test/support/books.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const run = promisify(execFile);

describeWith(['mongod'], 'audit:verify', () => {
  let database: TestDatabase;
  let log: AuditLog;
  let sources: AuditSources;
  let entries: Collection<EntryDocument>;
  let ends: Collection<EndDocument>;
  let ledger: Collection<LedgerDocument>;
  let organizerId: string;
  let eventId: string;

  const append = async (): Promise<void> => {
    const acts = await sources.pending(500);
    for (const [whose, own] of Map.groupBy(acts, (act) => act.organizerId)) {
      await log.append(whose, own);
    }
    await sources.recorded(acts);
  };

  /** Two organizers: one with 8 entries, one with 2. */
  beforeEach(async () => {
    database = await testDatabase('audit-verify');
    const { db } = database;
    log = new AuditLog(db);
    sources = new AuditSources(db);
    entries = db.collection(auditCollections.entries);
    ends = db.collection(auditCollections.ends);
    ledger = db.collection(collections.ledger);
    await log.prepare();
    ({ organizerId, eventId } = await ownedEvent(db));
    const other = await ownedEvent(db);
    for (const at of [1_000, 2_000]) await book(db, entriesOf(eventId, at, { cancelled: true }));
    await book(db, entriesOf(other.eventId, 1_500));
    await append();
  });

  afterEach(async () => {
    await database.drop();
  });

  const flaws = async () => {
    const report = await checkChains(log, sources);
    const found = report.chains.flatMap((chain) => chain.flaws);
    for (const flaw of found) expect(flaw.organizerId).toBe(organizerId);
    return {
      kinds: found.map(({ seq, kind }) => `${seq} ${kind}`),
      unrecorded: report.unrecorded,
      text: logLines(report).join('\n'),
    };
  };
  const at = async (seq: number): Promise<EntryDocument> => {
    const found = await entries.findOne({ organizerId, seq });
    if (found === null) throw new Error(`no entry ${seq}`);
    return found;
  };
  const put = async (entry: AuditEntry): Promise<void> => {
    const { source: _id, ...rest } = entry;
    await entries.replaceOne({ _id }, rest, { upsert: true });
  };

  it('finds nothing amiss in what was written, and goes on to later acts', async () => {
    expect((await flaws()).text).toContain('2 chains, 10 entries: all as written');
    await book(database.db, entriesOf(eventId, 3_000));
    // Not in the log yet, and not late either: its mark says that it is on its way.
    expect(await flaws()).toMatchObject({ kinds: [], unrecorded: [] });
    await append();
    expect((await flaws()).text).toContain('2 chains, 12 entries: all as written');
  });

  it('finds a changed entry', async () => {
    const { _id } = await at(3);
    await entries.updateOne({ _id }, { $set: { actor: 'usr_else' } });
    const found = await flaws();
    expect(found.kinds).toEqual(['3 changed', '3 unfounded']);
    expect(found.text).toContain('the audit log is damaged');
  });

  it('finds a changed entry whose hash was made anew', async () => {
    const changed = { ...entryOf(await at(3)), actor: 'usr_else' };
    await put({ ...changed, hash: entryHash(changed) });
    expect((await flaws()).kinds).toEqual(['3 unfounded', '4 forged']);
  });

  it('finds a dropped entry, and which act the log is silent about', async () => {
    const { _id } = await at(4);
    await entries.deleteOne({ _id });
    expect(await flaws()).toMatchObject({ kinds: ['4 dropped'], unrecorded: [_id] });
  });

  it('finds entries that have changed places', async () => {
    const [two, five] = [await at(2), await at(5)];
    await entries.updateOne({ _id: two._id }, { $set: { seq: 99 } });
    await entries.updateOne({ _id: five._id }, { $set: { seq: 2 } });
    await entries.updateOne({ _id: two._id }, { $set: { seq: 5 } });
    const { kinds, text } = await flaws();
    expect(kinds).toEqual(['2 reordered', '3 forged', '5 reordered', '6 forged']);
    expect(text).toContain('entry 2  reordered: it was written as entry 5');
  });

  it('finds a forged entry in the middle, though all behind it was written anew', async () => {
    const whole: AuditEntry[] = [];
    for await (const batch of log.walk(organizerId, 100)) whole.push(...batch);
    const invented = { ...(whole[1] as AuditEntry), source: 'ledger:bkg_invented:sale' };
    const anew = chained(chainStart, [...whole.slice(0, 2), invented, ...whole.slice(2)]);
    await entries.deleteMany({ organizerId });
    for (const entry of anew) await put(entry);
    expect((await flaws()).kinds).toEqual(['3 unfounded', '8 forged', '9 forged']);
    // Even with the kept end made to fit, the act has no cause.
    const { seq, hash } = anew.at(-1) as AuditEntry;
    await ends.updateOne({ _id: organizerId }, { $set: { seq, hash } });
    expect((await flaws()).kinds).toEqual(['3 unfounded']);
  });

  it('finds an end that was cut off, also when the kept end was cut with it', async () => {
    const lost = [(await at(7))._id, (await at(8))._id];
    await entries.deleteMany({ _id: { $in: lost } });
    expect((await flaws()).kinds).toEqual(['8 cut-off']);
    const { seq, hash } = await at(6);
    await ends.updateOne({ _id: organizerId }, { $set: { seq, hash } });
    const found = await flaws();
    expect(found.kinds).toEqual([]);
    expect([...found.unrecorded].sort()).toEqual(lost.sort());
  });

  it('finds chains that were swapped between organizers', async () => {
    const other = (await log.organizers()).find((id) => id !== organizerId) as string;
    const swap = async (collection: typeof entries | typeof ends, field: string) => {
      const rows = collection as unknown as Collection<Record<string, unknown>>;
      const [mine, theirs] = await Promise.all(
        [organizerId, other].map((id) => rows.find({ [field]: id }).toArray()),
      );
      await rows.deleteMany({ [field]: { $in: [organizerId, other] } });
      const renamed = (list: typeof mine = [], id: string) =>
        list.map((row) => ({ ...row, [field]: id }));
      await rows.insertMany([...renamed(mine, other), ...renamed(theirs, organizerId)]);
    };
    await swap(entries, 'organizerId');
    await swap(ends, '_id');
    const { chains } = await checkChains(log, sources);
    for (const { entries: count, flaws: found } of chains) {
      const changed = found.filter(({ kind }) => kind === 'changed');
      expect(changed).toHaveLength(count);
    }
  });

  it('finds a chain that is gone, or whose end is gone', async () => {
    await ends.deleteOne({ _id: organizerId });
    expect((await flaws()).kinds).toEqual(['8 forged']);
    await entries.deleteMany({ organizerId });
    expect((await flaws()).unrecorded).toHaveLength(8);
  });

  it('finds a source that was changed or removed after its act was recorded', async () => {
    const name = (id: string): string => id.slice('ledger:'.length);
    const postings = [{ debit: 'buyer', credit: 'organizer', amount: 1 }] as const;
    await ledger.updateOne({ _id: name((await at(1))._id) }, { $set: { postings } });
    await ledger.deleteOne({ _id: name((await at(2))._id) });
    expect((await flaws()).kinds).toEqual(['1 unfounded', '2 unfounded']);
  });

  it('looks at one organizer when asked to', async () => {
    await entries.deleteMany({ organizerId, seq: 8 });
    const mine = await checkChains(log, sources, organizerId);
    expect([mine.chains.length, mine.unrecorded.length]).toEqual([1, 1]);
    const other = (await log.organizers()).find((id) => id !== organizerId) as string;
    const theirs = await checkChains(log, sources, other);
    expect([theirs.chains[0]?.flaws, theirs.unrecorded]).toEqual([[], []]);
  });

  it('is a command: 0 when sound, 1 with what and where, ends kept in a file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'usher-')), 'anchors.json');
    const verify = () => {
      const args = ['ops/audit/audit-verify.ts', '--uri', database.uri, '--anchors', file];
      return run(process.execPath, args).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => error,
      );
    };
    expect(await verify()).toMatchObject({ code: 0 });
    const anchors = JSON.parse(readFileSync(file, 'utf8'));
    expect(anchors[organizerId]).toMatchObject({ seq: 8 });
    // Source, chain and kept end are made to agree: only the noted end knows better.
    const last = await at(8);
    const id = last._id.slice('ledger:'.length);
    const changed = { ...entryOf(last), at: last.at + 1 };
    const hash = entryHash(changed);
    await ledger.updateOne({ _id: id }, { $set: { at: changed.at } });
    await put({ ...changed, hash });
    await ends.updateOne({ _id: organizerId }, { $set: { hash } });
    expect((await flaws()).kinds).toEqual([]);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain('entry 8  forged: entry 8 is not the one whose hash was noted');
  }, 30_000);
});
