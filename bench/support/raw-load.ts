import { connect, type Socket } from 'node:net';
import { Samples } from '#bench/support/stats.ts';

export type LoadResult = {
  /** Answers by HTTP status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers by problem code, for statuses from 400 on. */
  readonly codes: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly latency: Samples;
  readonly broken: number;
};

export type Target = { readonly host: string; readonly port: number };

/**
 * Closed-loop HTTP/1.1 load on kept-alive sockets: each connection sends its next request when the
 * last is answered. Requests are whole prepared buffers, so that the generator costs little beside
 * the system it measures. Ends after `seconds` or when `next` has no more.
 */
export async function rawLoad(options: {
  readonly targets: readonly Target[];
  readonly connections: number;
  readonly seconds: number;
  /** The bytes of the next request; undefined when there is none left. */
  readonly next: () => Buffer | undefined;
}): Promise<LoadResult> {
  const statuses = new Map<number, number>();
  const codes = new Map<string, number>();
  const latency = new Samples();
  let broken = 0;
  const started = performance.now();
  const until = started + options.seconds * 1_000;

  const lane = (index: number): Promise<void> => {
    const target = options.targets[index % options.targets.length] as Target;
    return oneConnection(target, until, options.next, {
      answered(status, code, ms) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
        latency.add(ms);
      },
      broke() {
        broken++;
      },
    });
  };
  await Promise.all(Array.from({ length: options.connections }, (_, i) => lane(i)));
  return { statuses, codes, latency, broken, seconds: (performance.now() - started) / 1_000 };
}

type Seen = {
  answered(status: number, code: string | undefined, ms: number): void;
  broke(): void;
};

function oneConnection(
  target: Target,
  until: number,
  next: () => Buffer | undefined,
  seen: Seen,
): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ ...target, noDelay: true });
    let pending = '';
    let sentAt = 0;
    const finish = (): void => {
      socket.destroy();
      resolve();
    };
    const send = (): void => {
      const bytes = performance.now() < until ? next() : undefined;
      if (bytes === undefined) {
        finish();
        return;
      }
      sentAt = performance.now();
      socket.write(bytes);
    };
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')));
    socket.on('connect', send);
    socket.on('error', () => {
      seen.broke();
      finish();
    });
    socket.on('close', finish);
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const answer = wholeAnswer(pending);
      if (answer === undefined) return;
      pending = '';
      seen.answered(answer.status, answer.code, performance.now() - sentAt);
      send();
    });
  });
}

/** The answer once all of it is there (content-length or chunked), else undefined. */
export function wholeAnswer(
  text: string,
): { status: number; code: string | undefined } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const status = Number(text.slice(9, 12));
  // However it is capitalised; nothing but this header ends so.
  const lengthAt = text.indexOf('ontent-', text.indexOf('ength: ') - 8);
  const length =
    lengthAt < 0 || lengthAt > headEnd
      ? Number.NaN
      : parseInt(text.slice(lengthAt + 14, lengthAt + 24), 10);
  const complete = Number.isNaN(length)
    ? status === 204 || status === 304 || text.endsWith('0\r\n\r\n')
    : text.length >= headEnd + 4 + length;
  if (!complete) return undefined;
  const code = status < 400 ? undefined : /"code":"([a-z-]+)"/.exec(text)?.[1];
  return { status, code };
}
