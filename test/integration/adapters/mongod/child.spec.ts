import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { lockDataFolder } from '#adapters/machine/data-folder.ts';
import { alive, startOf } from '#adapters/machine/processes.ts';
import { findMongod } from '#adapters/mongod/binary.ts';
import { type Mongod, startMongod } from '#adapters/mongod/child.ts';
import { defaultCacheDir } from '#config/folders.ts';
import { temporaryFolder } from '#test/support/process.ts';

let folder: ReturnType<typeof temporaryFolder>;
let binary: string;

beforeEach(async () => {
  folder = temporaryFolder();
  const search = {
    searchPath: process.env.PATH ?? '',
    cacheDir: defaultCacheDir(process.env),
    clock: systemClock,
    say: () => undefined,
  };
  binary = process.env.USHER_MONGOD ?? (await findMongod(search)).path;
});
afterEach(() => folder.remove());

const start = (program = binary): Promise<Mongod> =>
  startMongod({
    binary: program,
    folder: folder.path,
    clock: systemClock,
    database: 'usher',
    cacheGb: 0.25,
  });

it('moves to another port with its data, as a replica set that takes transactions', async () => {
  const first = await start();
  const write = async ({ uri }: Mongod, x: number): Promise<number> => {
    const client = new MongoClient(uri);
    await client.withSession((session) =>
      session.withTransaction(() => client.db().collection('kept').insertOne({ x }, { session })),
    );
    const count = await client.db().collection('kept').countDocuments();
    await client.close();
    return count;
  };
  expect(await write(first, 1)).toBe(1);
  await first.stop();
  const second = await start();
  expect(second.uri).not.toBe(first.uri);
  expect(await write(second, 2)).toBe(2);
  await second.stop();
});

it('first stops a server that was left running on the same folder', async () => {
  const left = await start();
  const next = await start();
  expect(alive(left.pid)).toBe(false);
  await next.stop();
});

it('leaves a process alone that only has the id of the server that was left', async () => {
  const other = spawn('sleep', ['60']);
  const { pid } = other;
  const record = { pid, start: 'another', port: 1 };
  writeFileSync(join(folder.path, 'mongod.json'), JSON.stringify(record));
  const server = await start();
  expect(alive(pid ?? 0)).toBe(true);
  other.kill();
  await once(other, 'exit');
  await server.stop();
});

it('says why a program that is no mongod did not start', async () => {
  const program = join(folder.path, 'mongod');
  writeFileSync(program, '#!/bin/sh\nexit 3\n');
  chmodSync(program, 0o755);
  await expect(start(program)).rejects.toThrow(/mongod did not start \(exit code 3\).*mongod\.log/);
});

it('takes a data folder once', () => {
  const unlock = lockDataFolder(folder.path);
  const lock = join(folder.path, 'usher.lock');
  writeFileSync(lock, JSON.stringify({ pid: process.ppid, start: startOf(process.ppid) }));
  expect(() => lockDataFolder(folder.path)).toThrow(/is in use by process \d+: stop it/);
  unlock();
  lockDataFolder(folder.path)();
});
