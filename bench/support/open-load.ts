import { connect, type Socket } from 'node:net';
import { busyShare } from '#adapters/machine/busy-share.ts';
import { type LoadResult, type Target, wholeAnswer } from '#bench/support/raw-load.ts';
import { Samples } from '#bench/support/stats.ts';

export type OpenLoadResult = Omit<LoadResult, 'latency'> & {
  /** Of answers with status 200, from the time the request was due. */
  readonly accepted: Samples;
  /** Of refusals with 429 or 503, from the time they were sent. */
  readonly refused: Samples;
  /** Refusals that named no time to come back. */
  readonly withoutRetryAfter: number;
  /** Part of the time in which the generator itself was busy: near 1 it delays what it measures. */
  readonly generatorBusy: number;
  /** Requests that were due and never sent: there was no connection left for them. */
  readonly unsent: number;
};

type Answer = NonNullable<ReturnType<typeof wholeAnswer>>;
type Lane = { readonly socket: Socket; pending: string; dueAt: number; sentAt: number };

/**
 * Open-loop HTTP/1.1 load: `perSecond` requests a second whatever the answers do, each counted from
 * the time it was due, so that a stall shows in every request it delays. A request that finds all
 * connections busy waits for one.
 */
export async function openLoad(options: {
  readonly targets: readonly Target[];
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly next: () => Buffer | undefined;
}): Promise<OpenLoadResult> {
  const { perSecond, seconds, next } = options;
  const tally = new Tally();
  const idle: Lane[] = [];
  const due: number[] = [];
  let first = 0;
  let busy = 0;
  const send = (): void => {
    while (first < due.length && idle.length > 0) {
      const bytes = next();
      if (bytes === undefined) return;
      const lane = idle.shift() as Lane;
      lane.dueAt = due[first++] as number;
      lane.sentAt = performance.now();
      lane.socket.write(bytes);
      busy++;
    }
  };
  const lanes = await openLanes(options.targets, options.connections, (lane, answer, text) => {
    busy--;
    tally.answered(lane, answer, text);
    idle.push(lane);
    send();
  });
  idle.push(...lanes);
  const busyPart = busyShare();
  const started = performance.now();
  for (let now = started; now < started + seconds * 1_000; now = performance.now()) {
    const until = Math.floor(((now - started) / 1_000) * perSecond);
    while (due.length < until) due.push(started + (due.length / perSecond) * 1_000);
    send();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const lasted = (performance.now() - started) / 1_000;
  const generatorBusy = busyPart();
  const unsent = due.length - first;
  first = due.length;
  for (const end = performance.now() + 5_000; busy > 0 && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const { socket } of lanes) socket.destroy();
  return { ...tally.result(), broken: busy, unsent, generatorBusy, seconds: lasted };
}

/** Connected sockets; `answered` gets every whole answer. */
function openLanes(
  targets: readonly Target[],
  count: number,
  answered: (lane: Lane, answer: Answer, text: string) => void,
): Promise<Lane[]> {
  const open = (index: number): Promise<Lane> =>
    new Promise((resolve, reject) => {
      const socket = connect({ ...(targets[index % targets.length] as Target), noDelay: true });
      const lane: Lane = { socket, pending: '', dueAt: 0, sentAt: 0 };
      socket.on('connect', () => resolve(lane));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        lane.pending += chunk.toString('latin1');
        const answer = wholeAnswer(lane.pending);
        if (answer === undefined) return;
        const text = lane.pending;
        lane.pending = '';
        answered(lane, answer, text);
      });
    });
  return Promise.all(Array.from({ length: count }, (_, i) => open(i)));
}

const refusals = new Set([429, 503]);

class Tally {
  readonly #statuses = new Map<number, number>();
  readonly #codes = new Map<string, number>();
  readonly #accepted = new Samples();
  readonly #refused = new Samples();
  #withoutRetryAfter = 0;

  answered(lane: Lane, { status, code }: Answer, text: string): void {
    const now = performance.now();
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (code !== undefined) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    if (status === 200) this.#accepted.add(now - lane.dueAt);
    if (!refusals.has(status)) return;
    this.#refused.add(now - lane.sentAt);
    if (!/\r\nretry-after: \d/i.test(text)) this.#withoutRetryAfter++;
  }

  result() {
    return {
      statuses: this.#statuses,
      codes: this.#codes,
      accepted: this.#accepted,
      refused: this.#refused,
      withoutRetryAfter: this.#withoutRetryAfter,
    };
  }
}
