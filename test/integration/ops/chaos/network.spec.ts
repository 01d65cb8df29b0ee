import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Network, openNetwork, type Place, removeNetwork } from '#ops/chaos/network.ts';

const opened = await openNetwork();
if ('missing' in opened && process.env.CI !== undefined) throw new Error(opened.missing);
const whereAllowed = 'missing' in opened ? describe.skip : describe;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

whereAllowed('a network of namespaces [needs root, ip and iptables]', () => {
  const network = opened as Network;
  const servers: Server[] = [];
  let one: Place;
  let other: Place;

  beforeAll(async () => {
    one = await network.place();
    other = await network.place();
    for (let i = 0; i < 2; i++) {
      const server = createServer((socket) => socket.end('hello'));
      server.listen(0, network.serverHost);
      await once(server, 'listening');
      servers.push(server);
    }
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await removeNetwork();
  });

  const port = (i: number): number => {
    const address = servers[i]?.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  };

  /** Whether a program at the place is answered by the server. */
  async function answered(place: Place, i: number): Promise<boolean> {
    const script = `
      const socket = require('node:net').connect(${port(i)}, '${network.serverHost}');
      socket.on('data', () => process.exit(0)).on('error', () => process.exit(1));
      setTimeout(() => process.exit(1), 600);`;
    const [program = '', ...args] = [...place.launcher, process.execPath, '-e', script];
    const [code] = await once(spawn(program, args, { stdio: 'ignore' }), 'exit');
    return code === 0;
  }

  it.each(['both', 'out', 'in'] as const)(
    'cuts one place off one server (%s)',
    async (direction) => {
      expect(await answered(one, 0)).toBe(true);
      await one.cut([{ port: port(0), direction }]);
      expect(await answered(one, 0)).toBe(false);
      expect(await answered(one, 1)).toBe(true);
      expect(await answered(other, 0)).toBe(true);
      await one.heal();
      expect(await answered(one, 0)).toBe(true);
    },
  );

  it('leaves nothing behind', async () => {
    const mine = `uc${process.pid}`;
    expect(ip('netns', 'list')).toContain(mine);
    await removeNetwork();
    expect(ip('netns', 'list')).not.toContain(mine);
    expect(ip('-o', 'link')).not.toContain(mine);
  });
});
