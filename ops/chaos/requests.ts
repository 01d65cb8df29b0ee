import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, HttpClient, Send } from '#bench/support/http.ts';
import type { History } from '#ops/chaos/history.ts';

/** What a request came to after all its repeats. Times are the history's. */
export type Told<T> = {
  /** Undefined: every attempt failed in a way that may be repeated. */
  readonly answer: Answer<T & Problem> | undefined;
  /** When the first attempt was sent that may have had an effect; undefined: none before `sent`. */
  readonly uncertainSince: number | undefined;
  /** When the attempt that brought the answer was sent, and when it came. */
  readonly sent: number;
  readonly came: number;
};

export type Problem = { readonly code?: string };

/** Answers that promise that nothing was done (docs/errors.md): the request may be repeated. */
const nothingDone = new Set([
  'overloaded',
  'moving',
  'unavailable',
  'deadline-exceeded',
  'rate-limited',
  'request-in-progress',
  'payment-provider-unavailable',
  // A step of the booking's flow came between a cancel's reading and its writing.
  'stale-version',
]);

export type Patience = {
  /** Gives up after this long. */
  readonly ms: number;
  /** Walks away at the first answer that leaves the outcome open. */
  readonly leavesWhenUnsure?: boolean;
};

/**
 * Sends a request, with the same Idempotency-Key as often as the answer is "try again" or none
 * comes, until it is answered for certain or patience ends. Attempts go round the gateways.
 */
export async function ask<T = object>(
  http: HttpClient,
  history: History,
  request: { readonly method: 'GET' | 'POST' | 'DELETE'; readonly path: string } & Send,
  patience: Patience,
): Promise<Told<T>> {
  const { method, path, ...send } = request;
  const began = history.now();
  let uncertainSince: number | undefined;
  for (let attempt = 1; ; attempt++) {
    const sent = history.now();
    const answer = await http.send<T & Problem>(method, path, send).catch(() => undefined);
    const came = history.now();
    const verdict = judge(answer);
    if (verdict === 'certain') return { answer, uncertainSince, sent, came };
    if (verdict === 'unsure') uncertainSince ??= sent;
    const leaves = verdict === 'unsure' && patience.leavesWhenUnsure === true;
    if (leaves || came - began > patience.ms * 1_000) {
      return { answer: undefined, uncertainSince, sent, came };
    }
    await sleep(Math.min(50 * attempt, 250) * (0.5 + Math.random()));
  }
}

function judge(answer: Answer<Problem> | undefined): 'certain' | 'again' | 'unsure' {
  if (answer === undefined) return 'unsure';
  if (answer.status === 429 || nothingDone.has(answer.body.code ?? '')) return 'again';
  return answer.status >= 500 ? 'unsure' : 'certain';
}
