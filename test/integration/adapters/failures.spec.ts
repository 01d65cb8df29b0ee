import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { WriteConcern } from 'mongodb';
import { duplicatesIn } from '#adapters/store/failures.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'what a unique index refused', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase('failures');
    await database.db.collection<{ _id: number }>('things').insertMany([{ _id: 1 }, { _id: 3 }]);
  });

  afterAll(() => database.drop());

  const failureOf = (ids: readonly number[], writeConcern?: WriteConcern): Promise<unknown> =>
    database.db
      .collection<{ _id: number }>('things')
      .insertMany(
        ids.map((_id) => ({ _id })),
        { ordered: false, ...(writeConcern && { writeConcern }) },
      )
      .catch((error: unknown) => error);

  it('is named by its positions', async () => {
    expect(duplicatesIn(await failureOf([1, 2, 3]))).toEqual([0, 2]);
  });

  it('is not known when what was written did not reach enough members', async () => {
    // The only member acknowledges it, a second one never will.
    const tooMany = { w: 2, wtimeoutMS: 50 } as unknown as WriteConcern;
    expect(duplicatesIn(await failureOf([4], tooMany))).toBeUndefined();
    expect(duplicatesIn(await failureOf([1, 5], tooMany))).toBeUndefined();
  });

  it('is no answer to another failure', () => {
    expect(duplicatesIn(new Error('no such thing'))).toBeUndefined();
  });
});
