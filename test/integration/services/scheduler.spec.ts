import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { runNow } from '#adapters/scheduler/agenda.ts';
import { call } from '#broker/call.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { createSchedulerService } from '#services/scheduler.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const longOver = makeId('event', systemIds.ulid());

/** What the jobs call, with a note of each call. */
function neighbours(orphans: Set<string>, calls: string[]): ServiceSchema[] {
  return [
    {
      name: 'inventory',
      actions: {
        orphans: () => ({ events: [...orphans] }),
        forgettable: () => ({ events: calls.includes(`wake ${longOver}`) ? [] : [longOver] }),
        wake: ({ params }) => {
          calls.push(`wake ${params.eventId}`);
          orphans.delete(params.eventId);
          return { owner: 'a' };
        },
      },
    },
    {
      name: 'bookings',
      actions: {
        dueInstalments: () => {
          calls.push('charge');
          return { begun: 0, more: false };
        },
        reminders: () => {
          calls.push('remind');
          const rounds = calls.filter((name) => name === 'remind').length;
          return { queued: rounds < 3 ? 2 : 0, more: rounds < 3 };
        },
      },
    },
    {
      name: 'catalogue',
      actions: {
        reprice: ({ params }) => {
          calls.push(`reprice ${params.cursor ?? 'all'}`);
          const nextCursor = params.cursor === undefined ? 'more' : null;
          return { looked: 1, changed: 1, failed: 0, nextCursor };
        },
      },
    },
    {
      name: 'audit',
      actions: {
        append: () => {
          calls.push('append');
          const rounds = calls.filter((name) => name === 'append').length;
          return { added: 1, failed: 0, more: rounds < 2 };
        },
      },
    },
    {
      name: 'payments',
      actions: {
        reconcile: () => {
          calls.push('reconcile');
          throw new UsherError('payment-provider-unavailable');
        },
        catchUp: () => {
          calls.push('catch up');
          return { taken: 2, more: false };
        },
      },
    },
  ];
}

async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It did not happen in time');
    await systemClock.sleep(20);
  }
}

describeWith(['mongod'], 'the scheduler service', () => {
  let database: TestDatabase;
  let brokers: ServiceBroker[];
  let orphans: Set<string>;
  let calls: string[];

  const start = async (nodeId: string): Promise<ServiceBroker> => {
    const config = testConfig({ mongodbUri: database.uri, nodeId });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createSchedulerService(runtime), ...neighbours(orphans, calls)];
    const broker = await startBroker({ services, nodeId });
    brokers.push(broker);
    return broker;
  };

  beforeEach(async () => {
    database = await testDatabase('scheduler');
    brokers = [];
    calls = [];
    orphans = new Set([makeId('event', systemIds.ulid()), makeId('event', systemIds.ulid())]);
  });

  afterEach(async () => {
    for (const broker of brokers) await broker.stop();
    await database.drop();
  });

  it('wakes orphans, reminds until nothing is left, reconciles: once for all workers', async () => {
    const events = [...orphans].map((eventId) => `wake ${eventId}`);
    const [one] = await Promise.all([start('one'), start('two')]);
    await until(async () => (await call(one, 'scheduler.tallies', {})).jobs.length === 10);
    const reconciled = ['window', 'deep', 'preview'].map(() => 'reconcile');
    expect([...calls].sort()).toEqual(
      [
        ...events,
        `wake ${longOver}`,
        'charge',
        ...['remind', 'remind', 'remind', ...reconciled, 'append', 'append'],
        ...['reprice all', 'reprice more', 'catch up'],
      ].sort(),
    );
    const { jobs } = await call(one, 'scheduler.tallies', {});
    expect(jobs.map(({ name, runs, errors }) => ({ name, runs, errors }))).toEqual([
      { name: 'append-audit', runs: 1, errors: 0 },
      { name: 'catch-up-webhooks', runs: 1, errors: 0 },
      { name: 'charge-instalments', runs: 1, errors: 0 },
      { name: 'forget-events', runs: 1, errors: 0 },
      { name: 'reconcile-deep', runs: 1, errors: 1 },
      { name: 'reconcile-payments', runs: 1, errors: 1 },
      { name: 'reconcile-preview', runs: 1, errors: 1 },
      { name: 'remind-buyers', runs: 1, errors: 0 },
      { name: 'reprice-events', runs: 1, errors: 0 },
      { name: 'wake-events', runs: 1, errors: 0 },
    ]);
    expect(jobs[4]?.lastError).toContain('payment provider');
  });

  it('does a turn at once when told to', async () => {
    const reconciled = () => calls.filter((name) => name === 'reconcile').length;
    await start('one');
    await until(() => reconciled() === 3);
    await systemClock.sleep(200);
    expect(await runNow(database.db, 'reconcile-payments')).toBe(true);
    await until(() => reconciled() === 4);
    expect(await runNow(database.db, 'no-such-job')).toBe(false);
  });

  it('wakes an event whose owner has died meanwhile within seconds', async () => {
    await start('one');
    await until(() => orphans.size === 0);
    const died = makeId('event', systemIds.ulid());
    orphans.add(died);
    await until(() => calls.includes(`wake ${died}`), 6_000);
  });
});
