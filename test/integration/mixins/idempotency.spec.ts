import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Service, ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { UsherContext } from '#broker/call.ts';
import { reply, replyOf } from '#broker/reply.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Params = { body: unknown; route?: string; waitMs?: number; fail?: string };

describeWith(['mongod'], 'requests with an Idempotency-Key, on a real mongod', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let later = 0;
  let runs: string[] = [];
  const clock = { ...systemClock, now: () => Date.now() + later };

  beforeAll(async () => {
    database = await testDatabase('idempotency');
    const config = testConfig({
      mongodbUri: database.uri,
      limits: { ...limits, idempotencyPollMs: 20, callTimeoutMs: 600 },
    });
    const service: ServiceSchema = {
      name: 'thing',
      mixins: [idempotencyMixin({ config, clock, ids: systemIds }) as ServiceSchema],
      actions: {
        create(this: Service, ctx: UsherContext<Params>) {
          const { body, route = 'create', waitMs = 0, fail } = ctx.params;
          const { once } = this as Service & WithOnce;
          return once(ctx, route, body, async ({ ulid }) => {
            runs.push(ulid);
            await systemClock.sleep(waitMs);
            if (fail !== undefined) throw new UsherError(fail as 'sold-out');
            reply(ctx, { status: 202, headers: { Location: `/things/${ulid}` } });
            return { ulid, body };
          });
        },
      },
    };
    broker = await startBroker({ services: [service] });
  });

  afterAll(async () => {
    await broker.stop();
    await database.drop();
  });

  let keys = 0;
  const freshKey = () => `key-${++keys}`;

  async function create(key: string | undefined, params: Params, userId = 'usr_a') {
    const meta = {
      caller: { userId, roles: [], organizerIds: [] },
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
    const calling = broker.call('thing.create', params, { meta }) as Promise<{ ulid: string }> & {
      ctx: { meta: unknown };
    };
    const result = await calling;
    return { result, reply: replyOf(calling.ctx.meta, 'thing.create') };
  }

  it('runs once and gives the first success again, with its status and headers', async () => {
    runs = [];
    const key = freshKey();
    const first = await create(key, { body: { a: 1, b: 2 } });
    const second = await create(key, { body: { b: 2, a: 1 } });
    expect(runs).toHaveLength(1);
    expect(second.result).toEqual(first.result);
    expect(first.reply?.headers).not.toHaveProperty('Idempotent-Replayed');
    expect(second.reply).toMatchObject({
      status: 202,
      headers: { Location: `/things/${first.result.ulid}`, 'Idempotent-Replayed': 'true' },
    });
  });

  it('refuses another body under the same key', async () => {
    const key = freshKey();
    await create(key, { body: 1 });
    await expect(create(key, { body: 2 })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
  });

  it('keeps callers and routes apart', async () => {
    runs = [];
    const key = freshKey();
    await create(key, { body: 1 });
    await create(key, { body: 1 }, 'usr_b');
    await create(key, { body: 1, route: 'other' });
    expect(new Set(runs).size).toBe(3);
  });

  it('runs every time without a key', async () => {
    runs = [];
    await create(undefined, { body: 1 });
    await create(undefined, { body: 1 });
    expect(runs).toHaveLength(2);
  });

  it('lets the second wait for the first, however many ask at once', async () => {
    runs = [];
    const key = freshKey();
    const asked = Array.from({ length: 10 }, () => create(key, { body: 1, waitMs: 100 }));
    const answers = await Promise.all(asked);
    expect(runs).toHaveLength(1);
    expect(new Set(answers.map(({ result }) => result.ulid)).size).toBe(1);
    const replays = answers.filter(
      ({ reply: r }) => r?.headers?.['Idempotent-Replayed'] === 'true',
    );
    expect(replays).toHaveLength(9);
  });

  it('refuses, with a time to come back, when the first runs too long', async () => {
    const key = freshKey();
    const first = create(key, { body: 1, waitMs: 1_000 });
    await systemClock.sleep(30);
    await expect(create(key, { body: 1 })).rejects.toMatchObject({
      code: 'request-in-progress',
      data: { retryAfterSeconds: 1 },
    });
    await first;
  });

  it.each(['sold-out', 'unavailable'])('does not remember %s', async (fail) => {
    runs = [];
    const key = freshKey();
    await expect(create(key, { body: 1, fail })).rejects.toMatchObject({ code: fail });
    await expect(create(key, { body: 1 })).resolves.toHaveProperty('result.ulid');
    expect(runs).toHaveLength(2);
  });

  it('runs again, under the same ULID, when the first has crashed', async () => {
    const key = freshKey();
    const first = await create(key, { body: 1 });
    const crash = { $unset: { answer: '' }, $set: { lockedUntil: Date.now() + 60_000 } };
    const rows = database.db.collection('idempotency');
    await rows.updateOne({ answer: { $regex: first.result.ulid } }, crash);
    await expect(create(key, { body: 1 })).rejects.toMatchObject({ code: 'request-in-progress' });
    later = 60_001;
    const second = await create(key, { body: 1 });
    later = 0;
    expect(second.result.ulid).toBe(first.result.ulid);
    expect(second.reply?.headers).not.toHaveProperty('Idempotent-Replayed');
  });

  it('keeps an answer for a day by an index that removes it', async () => {
    const indexes = await database.db.collection('idempotency').indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ expireAfterSeconds: 0 }));
    const key = freshKey();
    const before = Date.now();
    const { result } = await create(key, { body: 1 });
    const row = await database.db
      .collection<{ expiresAt: Date }>('idempotency')
      .findOne({ answer: { $regex: result.ulid } });
    const keptMs = (row?.expiresAt.getTime() ?? 0) - before;
    expect(keptMs).toBeGreaterThanOrEqual(limits.idempotencyTtlMs);
    expect(keptMs).toBeLessThan(limits.idempotencyTtlMs + 10_000);
  });
});
