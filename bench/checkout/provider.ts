import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ProviderRequest, ProviderSettings } from '#bench/checkout/provider-process.ts';
import { nodeFlags } from '#ops/cluster/node-process.ts';

export type Taken = {
  readonly requests: readonly ProviderRequest[];
  /** Of the intents that were made. */
  readonly bookingOfIntent: Readonly<Record<string, string>>;
  readonly cpuSeconds: number;
};

export type Provider = {
  /** What it was asked since the last time. */
  take(): Promise<Taken>;
  stop(): Promise<void>;
};

/** Starts the payment provider; rejects when it does not listen within 20 s. */
export async function startProvider(settings: ProviderSettings): Promise<Provider> {
  const program = new URL('./provider-process.ts', import.meta.url).pathname;
  const options: ForkOptions = { stdio: 'inherit', execArgv: [...nodeFlags] };
  const child = fork(program, [JSON.stringify(settings)], options);
  await once(child, 'message', { signal: AbortSignal.timeout(20_000) });
  return {
    async take() {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(20_000) });
      child.send('take');
      const [taken] = (await answer) as [Taken];
      return taken;
    },
    stop: () => stopChild(child),
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

type Span = { readonly from: number; readonly to: number };

/**
 * The spans in which each booking waited for the provider. A request names its booking in its
 * idempotency key, or its intent, which was made for a booking. One that was never answered was
 * waited for until its repeat under the same key was.
 */
export function spansByBooking({ requests, bookingOfIntent }: Taken): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  const answers = Map.groupBy(
    requests.filter(({ answered }) => answered),
    ({ idempotencyKey }) => idempotencyKey,
  );
  for (const { path, idempotencyKey, from, to: end, answered } of requests) {
    const bookingId = bookingIn(idempotencyKey) ?? bookingOfIntent[intentIn(path) ?? ''];
    if (bookingId === undefined) continue;
    const repeats = answered || idempotencyKey === undefined ? [] : answers.get(idempotencyKey);
    const to = Math.min(end, ...(repeats ?? []).map((repeat) => Math.max(repeat.to, from)));
    const list = spans.get(bookingId);
    if (list === undefined) spans.set(bookingId, [{ from, to }]);
    else list.push({ from, to });
  }
  return spans;
}

const intentIn = (path: string): string | undefined => /\/(pi_\w+)/.exec(path)?.[1];
const bookingIn = (key: string | undefined): string | undefined =>
  /^usher:(bkg_[^:]+):/.exec(key ?? '')?.[1];

/** How much of `[from, to]` the spans cover together. */
export function covered(spans: readonly Span[], from: number, to: number): number {
  let sum = 0;
  let reached = from;
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const begin = Math.max(span.from, reached);
    const end = Math.min(span.to, to);
    if (end <= begin) continue;
    sum += end - begin;
    reached = end;
  }
  return sum;
}
