import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, ServiceBroker, ServiceSchema } from 'moleculer';
import { z } from 'zod';
import { action, service } from '#contracts/contract.ts';
import { UsherError } from '#domain/errors.ts';
import { rankNodes } from '#domain/placement.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { describeWith, natsUrl } from '#test/support/servers.ts';

const errors = ['sold-out'] as const;
const anything = z.object({ by: z.string() }).loose();
const toys = service({
  name: 'toys',
  actions: {
    echo: action({
      summary: 'Answers its params',
      params: z.strictObject({ count: z.coerce.number().default(1), tags: z.array(z.string()) }),
      result: anything,
      errors,
    }),
    placed: action({
      summary: 'Answers which node ran',
      params: z.object({ eventId: z.string() }),
      result: anything,
      errors,
      placement: 'event',
    }),
    here: action({
      summary: 'Runs where it is asked',
      params: z.object({}),
      result: anything,
      errors,
      placement: 'local',
    }),
    fail: action({
      summary: 'Fails in the way it is told',
      params: z.object({ how: z.enum(['refuse', 'crash', 'lie']) }),
      result: anything,
      errors,
    }),
    slow: action({
      summary: 'Takes a second',
      params: z.object({}),
      result: anything,
      errors,
      timeoutMs: 60,
    }),
    relay: action({
      summary: 'Passes its meta on to slow',
      params: z.object({}),
      result: anything,
      errors,
    }),
  },
});

let runs = 0;
const toyService = (): ServiceSchema => ({
  name: 'toys',
  actions: {
    echo: (ctx: Context) => ({ by: ctx.broker.nodeID, ...(ctx.params as object) }),
    placed: (ctx: Context) => ({ by: ctx.broker.nodeID }),
    here: (ctx: Context) => ({ by: ctx.broker.nodeID }),
    fail(ctx: Context<{ how: string }>) {
      if (ctx.params.how === 'refuse') throw new UsherError('sold-out', 'none', { left: 0 });
      if (ctx.params.how === 'crash') throw new TypeError('secret of /etc/passwd');
      return { nonsense: true };
    },
    slow: async (ctx: Context) => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { by: ctx.broker.nodeID };
    },
    relay: (ctx: Context) => ctx.call('toys.slow', {}),
  },
});

const failure = (promise: Promise<unknown>): Promise<UsherError> =>
  promise.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => error as UsherError,
  );

describeWith(['nats-server'], 'a node with the broker options', () => {
  let near: ServiceBroker;
  let far: ServiceBroker;
  let gate: ServiceBroker;

  beforeAll(async () => {
    const namespace = testNamespace();
    const common = { contracts: [toys], namespace, natsUrl: natsUrl() };
    [near, far, gate] = await Promise.all([
      startBroker({ ...common, nodeId: 'near', services: [toyService()] }),
      startBroker({ ...common, nodeId: 'far', services: [toyService()] }),
      startBroker({ ...common, nodeId: 'gate', services: [] }),
    ]);
    const deadline = Date.now() + 5_000;
    const complete = (): boolean =>
      [near, far, gate].every((broker) =>
        ['near', 'far'].every((node) => broker.registry.hasService('toys', node)),
      );
    while (!complete()) {
      if (Date.now() > deadline) throw new Error('the nodes did not find each other');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  afterAll(() => Promise.all([near, far, gate].map((broker) => broker?.stop())));

  it('gives handlers parsed params with their defaults', async () => {
    await expect(near.call('toys.echo', { count: '3', tags: [] })).resolves.toEqual({
      by: 'near',
      count: 3,
      tags: [],
    });
    await expect(near.call('toys.echo', { tags: ['a'] })).resolves.toMatchObject({ count: 1 });
  });

  it('names every mistake in params, unknown fields among them', async () => {
    const error = await failure(gate.call('toys.echo', { tags: ['a', 2], colour: 'red' }));
    expect(error.code).toBe('invalid-request');
    expect(error.data.errors).toEqual([
      { path: 'tags.1', message: expect.stringContaining('string') },
      { path: 'colour', message: 'unknown field' },
    ]);
  });

  it.each([
    ['here', 'near'],
    ['on another node', 'gate'],
  ])('keeps code and data of a refusal that was thrown %s', async (_where, from) => {
    const broker = from === 'near' ? near : gate;
    const error = await failure(broker.call('toys.fail', { how: 'refuse' }));
    expect(error).toBeInstanceOf(UsherError);
    expect(error).toMatchObject({ code: 'sold-out', message: 'none', data: { left: 0 } });
  });

  it.each(['near', 'gate'])(
    'makes a crash an internal error without its cause (seen from %s)',
    async (from) => {
      const error = await failure(
        (from === 'near' ? near : gate).call('toys.fail', { how: 'crash' }),
      );
      expect(error.code).toBe('internal');
      expect(JSON.stringify([error.message, error.data])).not.toContain('secret');
      if (from === 'gate') expect(error.stack).not.toContain('toyService');
    },
  );

  it('finds out a handler that answers against its contract', async () => {
    expect((await failure(near.call('toys.fail', { how: 'lie' }))).code).toBe('internal');
  });

  it('sends the calls of an event to the node that ranks first for it', async () => {
    for (const eventId of ['evt_a', 'evt_b', 'evt_c', 'evt_d', 'evt_e', 'evt_f']) {
      const [first] = rankNodes(eventId, ['near', 'far']);
      for (const broker of [near, far, gate]) {
        await expect(broker.call('toys.placed', { eventId })).resolves.toEqual({ by: first });
      }
    }
  });

  it('prefers its own node, and elsewhere takes turns', async () => {
    const by = async (broker: ServiceBroker): Promise<string> =>
      (await broker.call<{ by: string }, object>('toys.echo', { tags: [] })).by;
    expect(await by(near)).toBe('near');
    expect(await by(far)).toBe('far');
    expect(new Set([await by(gate), await by(gate)])).toEqual(new Set(['near', 'far']));
  });

  it('runs a local action elsewhere only on the node that is named', async () => {
    await expect(near.call('toys.here', {})).resolves.toEqual({ by: 'near' });
    await expect(near.call('toys.here', {}, { nodeID: 'far' })).resolves.toEqual({ by: 'far' });
    expect((await failure(gate.call('toys.here', {}))).code).toBe('unavailable');
  });

  it.each(['near', 'gate'])("ends a call after its contract's time-out (from %s)", async (from) => {
    const begun = Date.now();
    const error = await failure((from === 'near' ? near : gate).call('toys.slow', {}));
    expect(error.code).toBe('deadline-exceeded');
    expect(Date.now() - begun).toBeLessThan(700);
  });

  it('refuses a call whose deadline has passed, and its nested calls, without running', async () => {
    const before = runs;
    const meta = { deadlineAt: Date.now() - 1 };
    for (const name of ['toys.slow', 'toys.relay']) {
      for (const broker of [near, gate]) {
        expect((await failure(broker.call(name, {}, { meta }))).code).toBe('deadline-exceeded');
      }
    }
    expect(runs).toBe(before);
  });

  it('answers unavailable where nobody offers an action', async () => {
    const error = await failure(gate.call('toys.unheard-of', {}));
    expect(error).toMatchObject({ code: 'unavailable', data: { sent: false } });
  });
});

describe('a node alone', () => {
  it('places the calls of an event on itself', async () => {
    const alone = await startBroker({ services: [toyService()], contracts: [toys] });
    const eventId = 'evt_a';
    await expect(alone.call('toys.placed', { eventId })).resolves.toEqual({ by: alone.nodeID });
    await alone.stop();
  });
});
