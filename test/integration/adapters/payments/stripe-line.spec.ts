import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '#adapters/clock/port.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { isOutdated, StripeLine } from '#adapters/payments/stripe-line.ts';
import { codeOf } from '#domain/errors.ts';

/** 0: the connection is closed instead. */
type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

const ok: Answer = { status: 200 };
const failure: Answer = { status: 500 };
const kept: Answer = { status: 500, headers: { 'Idempotent-Replayed': 'true' } };
const inUse: Answer = { status: 409 };

const bodyOf = ({ status }: Answer): object => {
  if (status === 200) return { id: 'cus_1', object: 'customer' };
  return status === 409
    ? { error: { type: 'idempotency_error', code: 'idempotency_key_in_use', message: 'running' } }
    : { error: { type: 'api_error', message: 'failed' } };
};

/** A provider that answers as it is told to. */
describe('requests that are made once per key', () => {
  let server: Server;
  let line: StripeLine;
  let answers: Answer[] = [];
  let keys: unknown[] = [];
  let pauses: number[] = [];

  /** Does not wait, and knows how long it would have. */
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    after: (ms, task) => systemClock.after(ms, task),
    tick: () => systemClock.tick(),
    sleep: async (ms) => {
      pauses.push(ms);
    },
  };

  const make = (base: string): Promise<string> =>
    line
      .keyed(base, (keyed) => line.stripe.customers.create({}, keyed))
      .then(
        ({ id }) => id,
        (error: unknown) => codeOf(error) ?? String(error),
      );

  beforeAll(async () => {
    server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key']);
      const answer = answers.shift() ?? ok;
      request.resume();
      if (answer.status === 0) return void request.socket.destroy();
      response.writeHead(answer.status, {
        'Content-Type': 'application/json',
        ...answer.headers,
      });
      response.end(JSON.stringify(bodyOf(answer)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  beforeEach(() => {
    [answers, keys, pauses] = [[], [], []];
    const { port } = server.address() as AddressInfo;
    const breaker = { inFlightMax: 10, failuresMax: 1_000, openMs: 1, roomAfterOutage: 10 };
    const apiBase = `http://127.0.0.1:${port}`;
    line = new StripeLine({ secretKey: 'sk_test_x', webhookSecret: 'w', apiBase, clock, breaker });
  });

  afterAll(() => {
    line.close();
    server.close();
  });

  it('repeat a failure that stands alone at once, under the same key', async () => {
    answers = [failure];
    await expect(make('a')).resolves.toBe('cus_1');
    expect(keys).toEqual(['a', 'a']);
    expect(pauses).toEqual([]);
  });

  it('take another key when the failure was kept under the first', async () => {
    answers = [failure, kept];
    await expect(make('b')).resolves.toBe('cus_1');
    expect(keys).toEqual(['b', 'b', 'b:2']);
    expect(pauses).toEqual([]);
  });

  it('wait a moment for a request that is still being worked on', async () => {
    answers = [inUse];
    await expect(make('c')).resolves.toBe('cus_1');
    expect(keys).toEqual(['c', 'c']);
    expect(pauses).toHaveLength(1);
  });

  it('are left to the SDK where the connection was closed, which repeats them once', async () => {
    answers = [{ status: 0 }, { status: 0 }];
    await expect(make('f')).resolves.toBe('payment-provider-unavailable');
    expect(keys).toEqual(['f', 'f']);
    expect(pauses).toEqual([]);
  });

  it('know whether they were asked before', async () => {
    answers = [failure];
    const known: boolean[] = [];
    await line.keyed('g', (keyed, again) => {
      known.push(again);
      return line.stripe.customers.create({}, keyed);
    });
    expect(known).toEqual([false, true]);
  });

  it('are repeated once and no more', async () => {
    answers = [failure, failure];
    await expect(make('d')).resolves.toBe('payment-provider-unavailable');
    expect(keys).toEqual(['d', 'd']);
  });

  it('wait before each repeat when many fail', async () => {
    for (let i = 0; i < 60; i++) {
      answers = [failure];
      await expect(make(`e${i}`)).resolves.toBe('cus_1');
    }
    // Fifty repeats are saved up, and the requests behind the first earn two more.
    expect(pauses).toHaveLength(60 - 52);
  });
});

describe('an answer that is kept under a key', () => {
  const created = 1_800_000_000;
  type Made = Parameters<typeof isOutdated>[0];
  const made = (status: string, ageMs: number, more: object = {}) =>
    ({
      status,
      created,
      lastResponse: {
        headers: {
          'idempotent-replayed': 'true',
          date: new Date(created * 1_000 + ageMs).toUTCString(),
          ...more,
        },
      },
    }) as unknown as Made;

  it.each([
    ['is what it was when the intent had ended', made('succeeded', 86_400_000), false, false],
    ['is the lost answer to the same call', made('requires_capture', 2_000), true, false],
    ['may be outdated when another call was asked', made('requires_capture', 2_000), false, true],
    ['may be outdated when it is old', made('requires_capture', 60_000), true, true],
    ['may be outdated when the buyer can act', made('requires_action', 2_000), true, true],
    [
      'may be outdated when nobody says how old',
      made('requires_capture', 0, { date: undefined }),
      true,
      true,
    ],
  ])('%s', (_, answer, again, outdated) => {
    expect(isOutdated(answer, again)).toBe(outdated);
  });

  it('and no other may be outdated', () => {
    const fresh = made('requires_capture', 60_000, { 'idempotent-replayed': undefined });
    expect(isOutdated(fresh, false)).toBe(false);
  });
});
