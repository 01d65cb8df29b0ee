import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { alive } from '#adapters/machine/processes.ts';

const run = promisify(execFile);
const commandMs = 10_000;

/** What a cut drops: both ways, only what the node sends, or only what it is sent. */
export type Direction = 'both' | 'out' | 'in';

export type Cut = { readonly port: number; readonly direction: Direction };

/** Where one node of the cluster lives. */
export type Place = {
  /** Its address, from here and from the servers. */
  readonly host: string;
  /** Put before a command, runs it there. */
  readonly launcher: readonly string[];
  /** Drops the packets between this place and ports of the servers until `heal`. */
  cut(cuts: readonly Cut[]): Promise<void>;
  heal(): Promise<void>;
};

export type Network = {
  /** Where servers listen. */
  readonly serverHost: string;
  /** False: all share the loopback, and nothing can be cut. */
  readonly separate: boolean;
  place(): Promise<Place>;
};

async function ip(...args: string[]): Promise<string> {
  return (await run('ip', args, { timeout: commandMs })).stdout;
}

/** Names begin with the process id of their maker, so that a later run finds what was left. */
const prefix = 'uc';
const namesOf = (pid: number | string) => ({
  bridge: `${prefix}${pid}b`,
  node: `${prefix}${pid}n`,
});

/**
 * A network of this machine alone: a bridge, and for each place a network namespace with one line
 * to it. Only a reason where the kernel or the rights for it are missing.
 */
export async function openNetwork(): Promise<Network | { readonly missing: string }> {
  try {
    await removeLeftOvers();
    await run('iptables', ['--version'], { timeout: commandMs });
    return await bridged();
  } catch (error) {
    await removeNetwork();
    return { missing: (error as Error).message.split('\n').slice(0, 2).join(': ') };
  }
}

/** Removes what `openNetwork` and its places have made; may be called before and twice. */
export async function removeNetwork(): Promise<void> {
  await removeAll(process.pid).catch(() => undefined);
}

async function bridged(): Promise<Network> {
  const { bridge, node } = namesOf(process.pid);
  const net = await freeNet();
  const serverHost = `${net}.1`;
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('addr', 'add', `${serverHost}/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  let places = 0;
  return {
    serverHost,
    separate: true,
    place: async () => {
      const number = ++places;
      const name = `${node}${number}`;
      const host = `${net}.${number + 1}`;
      await ip('netns', 'add', name);
      const line = `${name}v`;
      await ip('link', 'add', line, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await ip('link', 'set', line, 'master', bridge, 'up');
      await ip('-n', name, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
      const filter = new Filter(name, serverHost);
      return {
        host,
        launcher: ['ip', 'netns', 'exec', name],
        cut: (cuts) => filter.cut(cuts),
        heal: () => filter.heal(),
      };
    },
  };
}

/** Packet rules inside one namespace; they go with it. */
class Filter {
  readonly #name: string;
  readonly #serverHost: string;

  constructor(name: string, serverHost: string) {
    this.#name = name;
    this.#serverHost = serverHost;
  }

  async cut(cuts: readonly Cut[]): Promise<void> {
    for (const { port, direction } of cuts) {
      const rule = (chain: string, ...match: string[]): Promise<void> =>
        this.#iptables('-A', chain, '-p', 'tcp', ...match, '-j', 'DROP');
      const at = this.#serverHost;
      if (direction !== 'in') await rule('OUTPUT', '-d', at, '--dport', String(port));
      if (direction !== 'out') await rule('INPUT', '-s', at, '--sport', String(port));
    }
  }

  heal(): Promise<void> {
    return this.#iptables('-F');
  }

  async #iptables(...args: string[]): Promise<void> {
    const command = ['netns', 'exec', this.#name, 'iptables', '-w', '5', ...args];
    await run('ip', command, { timeout: commandMs });
  }
}

/** The first three numbers of a /24 that nobody here uses, from the range for network tests. */
async function freeNet(): Promise<string> {
  const used = await ip('-o', '-4', 'addr');
  for (let i = 0; i < 256; i++) {
    const net = `198.18.${(process.pid + i) % 256}`;
    if (!used.includes(`${net}.`)) return net;
  }
  throw new Error('No network of 198.18.0.0/16 is free');
}

async function listed(): Promise<{ spaces: string[]; links: string[] }> {
  const spaces = (await ip('netns', 'list')).split('\n').map((line) => line.split(' ')[0] ?? '');
  const lines = (await ip('-o', 'link')).split('\n');
  return { spaces, links: lines.map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? '') };
}

async function removeAll(pid: number | string): Promise<void> {
  const { bridge, node } = namesOf(pid);
  const { spaces, links } = await listed();
  // The kernel takes its time to end a namespace, and with it the lines that lead there.
  const mine = links.filter((link) => link === bridge || link.startsWith(node));
  for (const link of mine) await ip('link', 'del', link);
  for (const space of spaces) if (space.startsWith(node)) await ip('netns', 'del', space);
}

/** What a run that was killed before it could clean up has left. */
async function removeLeftOvers(): Promise<void> {
  const { spaces, links } = await listed();
  const pids = [...spaces, ...links].flatMap((name) => /^uc(\d+)[bn]/.exec(name)?.[1] ?? []);
  for (const pid of new Set(pids)) if (!alive(Number(pid))) await removeAll(pid);
}

/** Everything on the loopback, for machines without namespaces: nothing can be cut. */
export const sharedLoopback = (): Network => {
  const place: Place = {
    host: '127.0.0.1',
    launcher: [],
    cut: () => Promise.reject(new Error('The loopback cannot be cut')),
    heal: async () => undefined,
  };
  return {
    serverHost: '127.0.0.1',
    separate: false,
    place: async () => place,
  };
};
