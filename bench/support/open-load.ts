import { connect, type Socket } from 'node:net';
import { type LoadResult, type Target, wholeAnswer } from '#bench/support/raw-load.ts';
import { inParallel, Samples } from '#bench/support/stats.ts';

/** A request, whole. */
export type Ask = {
  readonly text: string;
  /** To be told once whether it was answered with 200. */
  settled(accepted: boolean): void;
};

export type OpenLoadResult = Omit<LoadResult, 'latency'> & {
  /** Of answers with status 200, from the time the request was due. */
  readonly accepted: Samples;
  /** How many of them came while requests were being sent, not only afterwards. */
  readonly acceptedInTime: number;
  /** Of refusals with 429 or 503, from the time they were sent. */
  readonly refused: Samples;
  /** Refusals that named no time to come back. */
  readonly withoutRetryAfter: number;
  /** How long after it was due each request was sent. */
  readonly lateness: Samples;
  /** Part of one core that the generator used; near 1 it delays what it measures. */
  readonly generatorCpu: number;
  /** Requests that were due and never sent: there was no connection or nobody left for them. */
  readonly unsent: number;
};

type Answer = NonNullable<ReturnType<typeof wholeAnswer>>;
type Lane = {
  readonly socket: Socket;
  pending: string;
  dueAt: number;
  sentAt: number;
  ask: Ask | undefined;
};

/** How often what is due is sent, ms. */
const tickMs = 1;

/**
 * Open-loop HTTP/1.1 load: `perSecond` requests a second whatever the answers do, each counted from
 * the time it was due, so that a stall shows in every request it delays. The connections take
 * turns: each is used again when all others were. A request that finds none idle waits for one.
 */
export async function openLoad(options: {
  readonly targets: readonly Target[];
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly next: () => Ask | undefined;
}): Promise<OpenLoadResult> {
  const { perSecond, seconds, next } = options;
  const tally = new Tally();
  const answered = (lane: Lane, answer: Answer, text: string): void => {
    const { ask } = lane;
    // The server said something to a connection that asked nothing: it is of no more use.
    if (ask === undefined) return;
    lane.ask = undefined;
    tally.answered(lane, answer, text);
    ask.settled(answer.status === 200);
    idle.push(lane);
  };
  let idle = await openLanes(options.targets, options.connections, answered);
  const lanes = [...idle];
  const used = process.cpuUsage();
  const started = performance.now();
  let first = 0;
  let sent = 0;
  for (let now = started; now < started + seconds * 1_000; now = performance.now()) {
    const due = Math.floor(((now - started) / 1_000) * perSecond);
    while (sent < due && first < idle.length) {
      const ask = next();
      if (ask === undefined) break;
      tally.sent(idle[first++] as Lane, ask, started + (sent++ / perSecond) * 1_000);
    }
    if (first > 1_000) [idle, first] = [idle.slice(first), 0];
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  const lasted = (performance.now() - started) / 1_000;
  const generatorCpu = cpuSince(used) / lasted;
  const acceptedInTime = tally.result().accepted.count;
  const open = (): number => lanes.filter(({ ask }) => ask !== undefined).length;
  for (const end = performance.now() + 5_000; open() > 0 && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const broken = open();
  for (const { socket } of lanes) socket.resetAndDestroy();
  const unsent = Math.floor(seconds * perSecond) - sent;
  return { ...tally.result(), acceptedInTime, broken, unsent, generatorCpu, seconds: lasted };
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Connected sockets, a hundred at a time; `answered` gets every whole answer. */
async function openLanes(
  targets: readonly Target[],
  count: number,
  answered: (lane: Lane, answer: Answer, text: string) => void,
): Promise<Lane[]> {
  const lanes: Lane[] = [];
  await inParallel(count, 100, async (index) => {
    const target = targets[index % targets.length] as Target;
    lanes.push(await openLane(target, answered));
  });
  return lanes;
}

function openLane(
  target: Target,
  answered: (lane: Lane, answer: Answer, text: string) => void,
): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, noDelay: true });
    const lane: Lane = { socket, pending: '', dueAt: 0, sentAt: 0, ask: undefined };
    socket.on('connect', () => resolve(lane));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      const text = lane.pending + chunk.toString('latin1');
      const answer = wholeAnswer(text);
      lane.pending = answer === undefined ? text : '';
      if (answer !== undefined) answered(lane, answer, text);
    });
  });
}

const refusals = new Set([429, 503]);

class Tally {
  readonly #statuses = new Map<number, number>();
  readonly #codes = new Map<string, number>();
  readonly #accepted = new Samples();
  readonly #refused = new Samples();
  readonly #lateness = new Samples();
  #withoutRetryAfter = 0;

  /** Sends the request. */
  sent(lane: Lane, ask: Ask, dueAt: number): void {
    lane.ask = ask;
    lane.dueAt = dueAt;
    lane.sentAt = performance.now();
    this.#lateness.add(lane.sentAt - dueAt);
    lane.socket.write(ask.text, 'latin1');
  }

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
      lateness: this.#lateness,
      withoutRetryAfter: this.#withoutRetryAfter,
    };
  }
}
