import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Collection, Document, Filter } from 'mongodb';
import { calledAfter, calledAfterThoseOf, idsOfEvent } from '#adapters/store/id-ranges.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Row = { readonly _id: string };

const ulidOf = (n: number): string => String(n).padStart(26, '0');
const eventOf = (n: number): string => `evt_${ulidOf(n)}`;
const called = (prefix: string, event: number, own: number, part: string): string =>
  `${prefix}_${ulidOf(event)}${ulidOf(own)}${part}`;

describeWith(['mongod'], 'ids that begin with those they belong to', () => {
  let database: TestDatabase;
  let rows: Collection<Row>;

  beforeAll(async () => {
    database = await testDatabase('id-ranges');
    rows = database.db.collection<Row>('rows');
    const ids = [1, 2, 3].flatMap((event) =>
      [1, 2, 10].flatMap((own) => [
        called('bkg', event, own, ''),
        called('bkg', event, own, ':sale'),
        called('bkg', event, own, ':stray-pi_1:re_1'),
        called('bdl', event, own, ':stray'),
      ]),
    );
    const foreign = ['order (7).*:1', 'vch_1:issued'];
    await rows.insertMany([...ids, ...foreign].map((_id) => ({ _id })));
  });

  afterAll(() => database.drop());

  /** What is found, where nothing is read in vain but the next of each range. */
  async function found(_id: object, ranges: number): Promise<readonly string[]> {
    const filter = { _id } as Filter<Row>;
    const plan: Document = await rows.find(filter).explain('executionStats');
    const { totalKeysExamined, nReturned } = plan.executionStats;
    expect(totalKeysExamined).toBeLessThanOrEqual(nReturned + 2 * ranges + 1);
    return (await rows.find(filter).toArray()).map((row) => row._id).sort();
  }

  it('are found by their bookings', async () => {
    const bookingIds = [called('bkg', 1, 1, ''), called('bdl', 3, 10, '')];
    expect(await found(calledAfter(bookingIds), 2)).toEqual([
      called('bdl', 3, 10, ':stray'),
      called('bkg', 1, 1, ':sale'),
      called('bkg', 1, 1, ':stray-pi_1:re_1'),
    ]);
    expect(await found(calledAfter([]), 0)).toEqual([]);
  });

  it('are found by names that mean something in a pattern', async () => {
    expect(await found(calledAfter(['order (7).*']), 1)).toEqual(['order (7).*:1']);
    expect(await found(calledAfter(['.*']), 1)).toEqual([]);
  });

  it('are found by their events', async () => {
    const ofEvents = await found(calledAfterThoseOf([eventOf(1), eventOf(3)]), 4);
    expect(ofEvents).toHaveLength(24);
    expect(ofEvents.every((id) => id.includes(ulidOf(1)) || id.includes(ulidOf(3)))).toBe(true);
    const ofOne = await found(idsOfEvent(eventOf(2)), 1);
    expect(ofOne).toHaveLength(9);
    expect(ofOne.every((id) => id.startsWith(`bkg_${ulidOf(2)}`))).toBe(true);
  });
});
