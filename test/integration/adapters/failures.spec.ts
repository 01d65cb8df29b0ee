import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Db, MongoBulkWriteError, MongoClient, type WriteConcern } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { MessageStore } from '#adapters/mail/store.ts';
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

  /** A client whose one connection is cut before `ask` is made. */
  const cutOff = async <T>(ask: (db: Db) => Promise<T>): Promise<unknown> => {
    const target = Number(new URL(database.uri).port);
    const sockets: Socket[] = [];
    const proxy = createServer((socket) => {
      const server = connect(target, '127.0.0.1');
      sockets.push(socket, server);
      for (const one of [socket, server]) one.on('error', () => undefined);
      socket.pipe(server).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const uri = `mongodb://127.0.0.1:${port}/${database.db.databaseName}?directConnection=true`;
    const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 200 }).connect();
    await client.db().collection('things').findOne();
    proxy.close();
    for (const socket of sockets) socket.destroy();
    try {
      return await ask(client.db());
    } catch (error) {
      return error;
    } finally {
      await client.close();
    }
  };

  it('is not known when the server did not answer', async () => {
    const failure = await cutOff((db) =>
      db.collection<{ _id: number }>('things').insertMany([{ _id: 6 }], { ordered: false }),
    );
    // The driver says so in the words of a bulk write in which nothing was refused.
    expect(failure).toBeInstanceOf(MongoBulkWriteError);
    expect(duplicatesIn(failure)).toBeUndefined();
  });

  it('keeps no message from being stored again', async () => {
    const message = { _id: 'm', kind: 'booking-confirmed', to: { userId: 'u' }, data: {} } as const;
    const failure = await cutOff((db) => new MessageStore(db, systemClock).add([message], 1_000));
    expect(failure).toMatchObject({ code: 'unavailable' });
  });
});
