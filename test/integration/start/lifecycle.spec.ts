import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { alive } from '#adapters/machine/processes.ts';
import { startUsher, temporaryFolder, type Usher } from '#test/support/process.ts';

let folder: ReturnType<typeof temporaryFolder>;
let running: Usher[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  for (const usher of running) usher.child.kill('SIGTERM');
  await Promise.all(running.map((usher) => usher.ended()));
  running = [];
  folder.remove();
});

/** Started and ready to serve; in the same folder each time, so with the same data. */
async function start(settings: Readonly<Record<string, string>> = {}): Promise<Usher> {
  const quiet = { PORT: '0', OPS_PORT: '0', LOG_LEVEL: 'error', DEMO: 'false' };
  const usher = startUsher(folder.path, { ...quiet, ...settings });
  running.push(usher);
  await usher.until(/Try next/);
  return usher;
}

const mongodOf = (): { pid: number; port: number } =>
  JSON.parse(readFileSync(join(folder.path, 'data/mongodb/mongod.json'), 'utf8'));

async function withDatabase<T>(task: (client: MongoClient) => Promise<T>): Promise<T> {
  const { port } = mongodOf();
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?replicaSet=rs0`);
  return task(client).finally(() => client.close());
}

async function gone(pid: number): Promise<boolean> {
  for (let waited = 0; waited < 100 && alive(pid); waited++) await sleep(50);
  return !alive(pid);
}

it('starts with nothing configured, leaves no process, and keeps its data', async () => {
  const first = await start();
  expect(first.output()).toMatch(/Database {3}MongoDB \d+\.\d+\.\d+ from /);
  await withDatabase((client) => client.db('usher').collection('kept').insertOne({ x: 1 }));
  const { pid } = mongodOf();
  first.child.kill('SIGINT');
  expect(await first.ended()).toEqual({ code: 0, signal: null });
  expect(alive(pid)).toBe(false);

  await start();
  const kept = await withDatabase((client) => client.db('usher').collection('kept').findOne());
  expect(kept?.x).toBe(1);
});

it('takes its mongod along when it is killed, and goes on where it was', async () => {
  const first = await start();
  await withDatabase((client) =>
    client
      .db('usher')
      .collection('kept')
      .insertOne({ x: 2 }, { writeConcern: { j: true } }),
  );
  const { pid } = mongodOf();
  first.child.kill('SIGKILL');
  await first.ended();

  await start();
  expect(await gone(pid)).toBe(true);
  const kept = await withDatabase((client) => client.db('usher').collection('kept').findOne());
  expect(kept?.x).toBe(2);
});

it('does not share its data folder with a second process', async () => {
  const first = await start();
  const second = startUsher(folder.path, { PORT: '0', OPS_PORT: '0' });
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(second.output()).toContain(`is in use by process ${first.child.pid}: stop it`);
});

it('ends with code 1 when its mongod ends', async () => {
  const usher = await start();
  process.kill(mongodOf().pid, 'SIGKILL');
  expect(await usher.ended()).toEqual({ code: 1, signal: null });
  expect(usher.output()).toContain('The MongoDB of this process ended by itself');
});

it('ends at once at the second signal, with its mongod', async () => {
  const usher = await start();
  const { pid } = mongodOf();
  usher.child.kill('SIGINT');
  await usher.until(/draining/);
  usher.child.kill('SIGINT');
  expect((await usher.ended()).code).toBe(1);
  expect(await gone(pid)).toBe(true);
});

it('tells operators that it lives, what is missing, and what it counts', async () => {
  const usher = await start();
  const [, url] = await usher.until(/Operators {2}(http:\S+)\/health\/ready/);
  expect(await (await fetch(`${url}/health/live`)).json()).toMatchObject({ live: true });
  const ready = await fetch(`${url}/health/ready`);
  expect(await ready.json()).toMatchObject({ checks: { node: 'ok', mongodb: 'ok' } });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^usher_actions_running\{node="[^"]+"\} \d+$/m);
  expect(metrics).toMatch(/^nodejs_eventloop_lag_p99_seconds/m);
  expect(metrics).toMatch(/^usher_events_owned\{node="[^"]+"\} 0$/m);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
});

/** When the whole request is on its way, and the status of its answer. */
function signUp(url: string, index: number) {
  const asked = request(`${url}/v1/auth/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  });
  const sent = once(asked, 'finish');
  const answered = once(asked, 'response').then(([response]: IncomingMessage[]) => {
    response?.resume();
    return response?.statusCode;
  });
  asked.end(JSON.stringify({ email: `b${index}@example.com`, password: 'long enough', name: 'B' }));
  return { sent, answered };
}

it('cuts off no request when it drains', async () => {
  const usher = await start();
  const [, url] = await usher.until(/API {8}(http:\S+)/);
  // Signing up hashes a password, which takes long enough to be caught by the signal.
  const signups = Array.from({ length: 12 }, (_, index) => signUp(`${url}`, index));
  await Promise.all(signups.map(({ sent }) => sent));
  // An answer to what came after them says that they have arrived.
  for (const _ of [1, 2]) await fetch(`${url}/v1/payments/browser`);
  usher.child.kill('SIGTERM');
  // Every one has a whole answer; on a slow machine some had waited too long for their turn.
  const statuses = await Promise.all(signups.map(({ answered }) => answered));
  expect(statuses).toContain(201);
  expect(statuses.filter((status) => status !== 201 && status !== 503)).toEqual([]);
  expect(await usher.ended()).toEqual({ code: 0, signal: null });
});
