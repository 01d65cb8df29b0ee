import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Context, ServiceBroker, ServiceSchema } from 'moleculer';
import type { ResultOf } from '#broker/call.ts';
import { UsherError } from '#domain/errors.ts';
import { runLine, type Tools } from '#ops/repl/commands.ts';
import { joinAsOperator } from '#ops/repl/operator.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const eventId = 'evt_01M817153X4F1N4QP4ET0JTRXM';
const namespace = testNamespace();

/** Two inventory nodes as the operator sees them: `two` owns the event, `one` knows the directory. */
let owner: string | null = 'two';
const inventory = (node: string): ServiceSchema => ({
  name: 'inventory',
  actions: {
    inspect: (_: Context): ResultOf<'inventory.inspect'> => ({
      eventId,
      owner,
      epoch: 3,
      seq: node === owner ? 17 : 16,
      snapshotSeq: 10,
      counts: { available: 90, reserved: 4, sold: 5, blocked: 1 },
      mailbox: node === owner ? 2 : 0,
      holds: node === owner ? 2 : 0,
    }),
    list: (): ResultOf<'inventory.list'> => ({
      nodeId: node,
      events: node === owner ? [{ eventId, epoch: 3, seq: 17, mailbox: 2 }] : [],
    }),
    drain(): ResultOf<'inventory.drain'> {
      owner = null;
      return { handedOver: 1 };
    },
  },
});

const payments: ServiceSchema = {
  name: 'payments',
  actions: {
    backlog: (): ResultOf<'payments.backlog'> => {
      const reason = 'payment-provider-unavailable';
      const money = { amount: 1_250, currency: 'EUR' };
      const booking = {
        bookingId: `bkg_${eventId.slice(4)}${eventId.slice(4)}`,
        reason,
        tries: 7,
        since: 0,
        ...money,
      } as const;
      const sums = [{ reason, count: 1, amounts: [money], oldestMs: 120_000 } as const];
      const items = [booking];
      return {
        provider: 'away',
        count: 1,
        oldestMs: 120_000,
        complete: true,
        sums: sums.map((sum) => ({ ...sum, amounts: [...sum.amounts] })),
        items,
      };
    },
    reconciliation: () => {
      throw new UsherError('not-found');
    },
  },
};

describeWith(['nats-server', 'mongod'], "the operators' commands", () => {
  let nodes: ServiceBroker[] = [];
  let database: TestDatabase;
  let tools: Tools;
  const run = async (line: string): Promise<string> => (await runLine(tools, line)).join('\n');

  beforeAll(async () => {
    database = await testDatabase('repl');
    nodes = await Promise.all(
      ['one', 'two'].map((nodeId) =>
        startBroker({
          nodeId,
          namespace,
          natsUrl: natsUrl(),
          services: [inventory(nodeId), payments],
        }),
      ),
    );
    const broker = await joinAsOperator({ natsUrl: natsUrl(), namespace });
    tools = { broker, mongodbUri: database.uri };
    for (const until = Date.now() + 5_000; Date.now() < until; ) {
      if (['one', 'two'].every((node) => broker.registry.hasService('inventory', node))) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  afterAll(async () => {
    await Promise.all([tools?.broker, ...nodes].map((broker) => broker?.stop()));
    await database?.drop();
  });

  it('show the payments that are not final, and the last reconciliation', async () => {
    const text = await run('backlog');
    expect(text).toContain('the payment provider is away');
    expect(text).toContain('     1  payment-provider-unavailable  12.50 EUR  oldest 2 min');
    expect(text).toContain('12.50 EUR  payment-provider-unavailable, 7 tries');
    expect(await run('reconcile')).toContain('nothing was reconciled yet');
  });

  it('event: what the owner itself says', async () => {
    const shown = await run(`event ${eventId}`);
    for (const line of ['owner *two', 'epoch *3', 'seq *17', 'capacity *100', 'mailbox *2']) {
      expect(shown).toMatch(new RegExp(`^${line}$`, 'm'));
    }
  });

  it('events: those of every node', async () => {
    const shown = await run('events');
    expect(shown).toMatch(new RegExp(`^${eventId} +two +3 +17 +2$`, 'm'));
    expect(shown).toMatch(/^one: 0\ntwo: 1$/m);
  });

  it('verify: compares what is stored', async () => {
    await expect(run(`verify ${eventId}`)).resolves.toContain(eventId);
  });

  it('from a shell: one command, its exit code', async () => {
    const shell = (command: string): Promise<{ stdout: string }> =>
      promisify(execFile)(
        process.execPath,
        ['ops/repl/repl.ts', '--command', command, '--nats', natsUrl()],
        { env: { ...process.env, NAMESPACE: namespace }, timeout: 20_000 },
      );
    expect((await shell('events')).stdout).toContain(`${eventId}  two`);
    await expect(shell('nonsense')).rejects.toMatchObject({ code: 1 });
  }, 30_000);

  it('drain: hands over what a node holds', async () => {
    await expect(run('drain three')).rejects.toThrow('these do: one, two');
    await expect(run('drain two')).resolves.toBe('two has handed over 1 events');
    await expect(run(`event ${eventId}`)).resolves.toMatch(/^owner +nobody$/m);
  });

  it.each(['', 'nonsense', 'event', 'events now', 'event evt_1', `event ${eventId} ${eventId}`])(
    'refuses %j with a sentence',
    async (line) => {
      await expect(run(line)).rejects.toThrow(/not a command|not an event id/);
    },
  );
});

describeWith(['nats-server'], 'an operator without a cluster', () => {
  it('is told so', async () => {
    const lost = joinAsOperator({ natsUrl: natsUrl(), namespace: testNamespace() });
    await expect(lost).rejects.toThrow('no inventory node in the namespace');
    const nowhere = joinAsOperator({ natsUrl: 'nats://127.0.0.1:1', namespace });
    await expect(nowhere).rejects.toThrow('cannot be reached');
  }, 40_000);
});
