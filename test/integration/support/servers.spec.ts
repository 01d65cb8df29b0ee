import { expect, it } from '@jest/globals';
import { connect } from 'nats';
import { describeWith, natsUrl, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'the servers of a test run', () => {
  it('give every caller a database of its own', async () => {
    const [a, b] = await Promise.all([testDatabase('same'), testDatabase('same')]);
    await a.db.collection('things').insertOne({ x: 1 });
    expect(await b.db.collection('things').countDocuments()).toBe(0);
    expect(a.uri).toContain(a.db.databaseName);
    await Promise.all([a.drop(), b.drop()]);
  });

  it('end a transaction that was left open after five seconds', async () => {
    const { db, drop } = await testDatabase('parameters');
    const answer = await db
      .admin()
      .command({ getParameter: 1, transactionLifetimeLimitSeconds: 1 });
    expect(answer.transactionLifetimeLimitSeconds).toBe(5);
    await drop();
  });

  it('carry a message over NATS', async () => {
    const connection = await connect({ servers: natsUrl() });
    expect(await connection.rtt()).toBeGreaterThanOrEqual(0);
    await connection.close();
  });
});
