import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startUsher, temporaryFolder } from '#test/support/process.ts';
import { freePort } from '#test/support/servers.ts';

const anyPorts = { PORT: '0', OPS_PORT: '0', LOG_LEVEL: 'error' };
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Starts it, expects exit code 1 within 20 s, and answers all that it wrote. */
async function refusal(settings: Readonly<Record<string, string>>): Promise<string> {
  const usher = startUsher(folder.path, settings);
  expect(await usher.ended()).toEqual({ code: 1, signal: null });
  return usher.output().trim();
}

async function listening(): Promise<{ server: Server; port: number }> {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, resolve));
  return { server, port };
}

describe('a start that cannot succeed says why in one sentence and ends with code 1', () => {
  it('when its port is taken', async () => {
    const { server, port } = await listening();
    expect(await refusal({ ...anyPorts, PORT: String(port) })).toBe(
      `Usher cannot start. Port ${port} is taken by another program: stop it, or set PORT`,
    );
    server.close();
  });

  it('when the port for operators is taken', async () => {
    const { server, port } = await listening();
    expect(await refusal({ ...anyPorts, OPS_PORT: String(port) })).toBe(
      `Usher cannot start. Port ${port} is taken by another program: stop it, or set OPS_PORT`,
    );
    server.close();
  });

  it('when no mongod is to be had', async () => {
    // Nothing on the PATH, no Python, an empty cache, and a name server that knows no host.
    const bin = join(folder.path, 'bin');
    mkdirSync(bin);
    const output = await refusal({
      ...anyPorts,
      PATH: bin,
      XDG_CACHE_HOME: join(folder.path, 'cache'),
      MONGOMS_RUNTIME_DOWNLOAD: 'false',
    });
    expect(output.split('\n').at(-1)).toMatch(
      /^Usher cannot start\. No MongoDB server is to be had here: set MONGODB_URI .*PATH.*PyPI/,
    );
  });

  it('when the file system takes no new folder', async () => {
    if (process.platform !== 'linux') return;
    expect(await refusal({ ...anyPorts, DATA_DIR: '/proc/usher' })).toMatch(
      /^Usher cannot start\. The data folder \S+\/usher cannot be written \(ENOENT\): .*DATA_DIR/,
    );
  });

  it('when the data folder cannot be written', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    expect(await refusal({ ...anyPorts, DATA_DIR: './file/data' })).toMatch(
      /^Usher cannot start\. The data folder \S+\/data cannot be written \(ENOTDIR\): .*DATA_DIR/,
    );
  });

  it('when the configuration has mistakes, all of them at once', async () => {
    expect(await refusal({ PORT: 'x', ROLE: 'cook' })).toBe(
      'Usher cannot start. The configuration has 2 problems: ROLE must be all or a list of ' +
        'gateway, inventory, core, worker, not "cook"; PORT must be a port number from 0 to ' +
        '65535, not "x".',
    );
  });

  it('when the file .env is damaged', async () => {
    writeFileSync(join(folder.path, '.env'), 'PORT=4000\n<<<<<<< HEAD\n');
    expect(await refusal({})).toBe(
      'Usher cannot start. The configuration has a problem: .env line 2 is not of the form ' +
        'NAME=value.',
    );
  });

  it('when production would run on stand-ins', async () => {
    const output = await refusal({ NODE_ENV: 'production' });
    for (const name of ['MONGODB_URI', 'REDIS_URL', 'ELASTICSEARCH_NODE', 'SMTP_URL']) {
      expect(output).toContain(`${name} is needed: production does not use`);
    }
  });

  it('when the database or NATS of the settings do not answer', async () => {
    const nobody = await freePort();
    const settings = { ...anyPorts, LIMITS: 'startWaitMs=1000' };
    const mongodb = { ...settings, MONGODB_URI: `mongodb://user:secret@127.0.0.1:${nobody}/` };
    const output = await refusal(mongodb);
    expect(output).toContain(`MongoDB at 127.0.0.1:${nobody} (MONGODB_URI) cannot be used`);
    expect(output).not.toContain('secret');
    const nats = { ...settings, NATS_URL: `nats://127.0.0.1:${nobody}` };
    expect(await refusal(nats)).toContain(`NATS at 127.0.0.1:${nobody} (NATS_URL) cannot be`);
  });
});

it('a lock that a dead process left does not keep the data folder', async () => {
  const data = join(folder.path, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'usher.lock'), JSON.stringify({ pid: 2 ** 22 + 1, start: '1' }));
  chmodSync(data, 0o755);
  const usher = startUsher(folder.path, anyPorts);
  await usher.until(/Try next/);
  usher.child.kill('SIGTERM');
  expect(await usher.ended()).toEqual({ code: 0, signal: null });
});
