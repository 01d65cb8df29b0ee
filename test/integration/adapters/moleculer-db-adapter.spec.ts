import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { MoleculerDbAdapter, type Versioned } from '#adapters/store/moleculer-db-adapter.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Toy = Versioned & { readonly name: string; readonly size: number };

describeWith(['mongod', 'nats-server'], 'moleculer-db on driver 7', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let other: ServiceBroker;
  let toys: MoleculerDbAdapter<Toy>;

  beforeAll(async () => {
    database = await testDatabase('moleculer-db');
    const shared = { namespace: testNamespace(), natsUrl: natsUrl() };
    const adapter = new MoleculerDbAdapter<Toy>(database.uri, 'toys', [{ key: { size: 1 } }]);
    const bind = (bound: MoleculerDbAdapter<Toy>): void => {
      toys = bound;
    };
    const service = {
      name: 'toys',
      mixins: [collectionMixin(adapter, bind)],
      actions: { ping: () => 'pong' },
    };
    broker = await startBroker({ ...shared, services: [service] });
    other = await startBroker({ ...shared, services: [] });
    await other.waitForServices(['toys'], 10_000);
    const rows = Array.from({ length: 7 }, (_, i) => ({
      _id: `t${i}`,
      version: 1,
      name: `toy ${i % 3}`,
      size: i,
    }));
    await toys.insertMany(rows);
  });

  afterAll(async () => {
    await other.stop();
    await broker.stop();
    await database.drop();
  });

  it('finds, counts and gets through the actions of moleculer-db', async () => {
    const found = await broker.call('toys.find', { query: { size: { $gte: 4 } }, sort: '-size' });
    expect(found).toMatchObject([{ _id: 't6' }, { _id: 't5' }, { _id: 't4' }]);
    expect(await broker.call('toys.find', { limit: 2, offset: 1, sort: 'size' })).toMatchObject([
      { _id: 't1' },
      { _id: 't2' },
    ]);
    expect(await broker.call('toys.count', { query: { name: 'toy 0' } })).toBe(3);
    expect(await broker.call('toys.get', { id: 't3', fields: ['name'] })).toEqual({
      name: 'toy 0',
    });
    const many = await broker.call('toys.get', { id: ['t1', 't2'], mapping: true });
    expect(many).toMatchObject({ t1: { size: 1 }, t2: { size: 2 } });
  });

  it('keeps these actions to its own node, and has no writing ones', async () => {
    expect(await other.call('toys.ping')).toBe('pong');
    const absent = { code: 'unavailable' };
    await expect(other.call('toys.get', { id: 't1' })).rejects.toMatchObject(absent);
    for (const name of ['create', 'insert', 'update', 'remove', 'list']) {
      await expect(broker.call(`toys.${name}`, { id: 't1' })).rejects.toMatchObject(absent);
    }
  });

  it('refuses a stale write by version and tells a gone row from it', async () => {
    const changed = await toys.updateVersioned('t0', 1, { set: { name: 'renamed' } });
    expect(changed).toMatchObject({ name: 'renamed', version: 2, size: 0 });
    await expect(toys.updateVersioned('t0', 1, { set: { name: 'late' } })).rejects.toMatchObject({
      code: 'stale-version',
      data: { version: 2 },
    });
    await expect(toys.updateVersioned('none', 1, {})).rejects.toMatchObject({ code: 'not-found' });
  });

  it('answers the first row when an id comes again', async () => {
    const first = await toys.insertOnce({ _id: 'x', version: 1, name: 'first', size: 100 });
    const again = await toys.insertOnce({ _id: 'x', version: 1, name: 'second', size: 101 });
    expect(again).toEqual(first);
    await toys.removeById('x');
  });

  it.each([false, true])(
    'pages through rows that come and go (descending: %s)',
    async (descending) => {
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < 20; page++) {
        const query = { filter: {}, by: 'name' as const, descending, limit: 2, cursor };
        const { items, nextCursor } = await toys.page(query);
        seen.push(...items.map((row) => row._id));
        if (page === 0) await toys.insert({ _id: 'new', version: 1, name: 'toy 1', size: 9 });
        if (page === 1) await toys.removeById('new');
        if (nextCursor === null) break;
        cursor = nextCursor;
      }
      const stable = seen.filter((id) => id !== 'new');
      expect(stable.toSorted()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5', 't6']);
    },
  );

  it('refuses to work before it is connected', async () => {
    const idle = new MoleculerDbAdapter<Toy>(database.uri, 'toys');
    expect(() => idle.rows).toThrow(
      expect.objectContaining({ code: 'unavailable' }) as unknown as Error,
    );
  });
});
