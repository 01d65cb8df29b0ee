import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
/**
 * How Node runs a node of Usher: `npm start` and the container say the same. A checkout's objects
 * live for as long as its payment takes; with 16 MB for young ones, the default, they were copied
 * again and again (MB; three times that is what it may come to under load).
 */
export const nodeFlags = ['--max-semi-space-size=128'] as const;
const readyMs = 60_000;
const stopMs = 30_000;

export type NodePlan = {
  /** Unique, such as `inventory-2`; also the id of the Moleculer node. */
  readonly name: string;
  readonly role: string;
  /** The API's port; only gateways use it. */
  readonly port: number;
  readonly opsPort: number;
  readonly env: Readonly<Record<string, string>>;
  /** Where it is reached from here; default this machine's loopback. */
  readonly host?: string;
  /** A command that becomes the node, such as `ip netns exec <name>`. */
  readonly launcher?: readonly string[];
};

export type NodeEvents = {
  line(name: string, line: string): void;
  /** It ended although nobody asked it to. */
  died(name: string, how: string): void;
};

/** One process of a cluster, which can be killed and started again under the same name. */
export class NodeProcess {
  readonly plan: NodePlan;
  readonly #events: NodeEvents;
  #child: ChildProcess | undefined;
  #exit: Promise<unknown> = Promise.resolve();
  #asked = false;
  #retired = false;

  constructor(plan: NodePlan, events: NodeEvents) {
    this.plan = plan;
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /**
   * Starts the process, in a group of its own so that a Ctrl-C reaches only the launcher. The
   * channel between the two ends it should the launcher die.
   */
  start(): void {
    if (this.running || this.#retired) return;
    const { name, role, port, opsPort, env, launcher = [] } = this.plan;
    const [program = '', ...args] = [...launcher, process.execPath, ...nodeFlags, main];
    this.#asked = false;
    const child = spawn(program, args, {
      env: {
        ...process.env,
        ...env,
        ...{ ROLE: role, NODE_ID: name, PORT: `${port}`, OPS_PORT: `${opsPort}` },
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    this.#child = child;
    this.#exit = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => this.#events.line(name, line));
    }
    child.once('exit', (code, signal) => {
      if (this.#asked) return;
      this.#events.died(name, code === null ? `by ${signal}` : `with exit code ${code}`);
    });
  }

  /** Resolves when the node says that it is ready; rejects when it ends or after a minute. */
  async ready(): Promise<void> {
    let last = 'no answer';
    for (let waited = 0; waited < readyMs && this.running; waited += 100) {
      try {
        const { host = '127.0.0.1', opsPort } = this.plan;
        const response = await fetch(`http://${host}:${opsPort}/health/ready`, {
          signal: AbortSignal.timeout(5_000),
        });
        if (response.ok) return;
        last = await response.text();
      } catch {
        // It does not listen yet.
      }
      await sleep(100);
    }
    throw new Error(`${this.plan.name} did not become ready (${last})`);
  }

  /** Sends a signal. What ends by it has not died by itself. */
  signal(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#asked = true;
    this.#child?.kill(signal);
  }

  /** Resolves when the process is gone. */
  async gone(): Promise<void> {
    await this.#exit;
  }

  /** Lets it drain, and kills it after half a minute; it can be started again. */
  async drain(): Promise<void> {
    if (!this.running) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), stopMs);
    await this.#exit.finally(() => clearTimeout(timer));
  }

  /** Lets it drain for good. */
  async stop(): Promise<void> {
    this.#retired = true;
    await this.drain();
  }
}
