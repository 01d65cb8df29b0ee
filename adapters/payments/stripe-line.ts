import Stripe from 'stripe';
import type { Clock } from '#adapters/clock/port.ts';
import { Allowance } from '#adapters/payments/allowance.ts';
import { Breaker, type BreakerOptions } from '#adapters/payments/breaker.ts';
import { SecondAsk } from '#adapters/payments/second-ask.ts';
import {
  isAnswer,
  isFailure,
  isKeptFailure,
  isRefused,
  isUnsettled,
  toUsherError,
} from '#adapters/payments/stripe-errors.ts';
import { StripeHttp } from '#adapters/payments/stripe-http.ts';
import { Lru } from '#domain/lru.ts';

/** The API version that every request and the types of the SDK speak. */
export const stripeApiVersion = '2026-10-28.endive';

/**
 * Two tries of 4 s and the half second between them stay below the 10 s of a payments action. What
 * only reads is repeated by the SDK, after a lost connection, 409 and 5xx; what is made once per
 * key by us. Longer patience belongs to the booking's own steps, which ask again with the same
 * keys.
 */
const timing = { timeout: 4_000, maxNetworkRetries: 1 } as const;
const pauseMs = 400;

/** Answers kept under a key that failed for good are gone around this often in one request. */
const keysPerRequestMax = 6;
/** Requests whose next key is remembered; what is forgotten is found again, key by key. */
const rememberedMax = 10_000;

/** What a request that is made once per key goes with. */
export type Keyed = { readonly idempotencyKey: string; readonly maxNetworkRetries: 0 };

/** `again`: the same call has asked under this key before. */
type Task<T> = (keyed: Keyed, again: boolean) => Promise<T>;

export type StripeOptions = {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Where the API is; Stripe itself when undefined. */
  readonly apiBase?: string;
  readonly clock: Clock;
  readonly breaker?: BreakerOptions;
  /** Told of each answer: `post payment_intents/confirm`, its HTTP status, how long it took. */
  readonly answered?: (operation: string, status: number, seconds: number) => void;
};

/**
 * An intent is read with its charge, which knows what was returned. The answer to a step needs
 * none: nothing can have been returned of what is only now authorised, captured or let go.
 */
export const expand = ['latest_charge'];

/** Whether it is the answer that is kept under the key, and not that of this very request. */
export const isReplayed = ({ lastResponse }: Stripe.Response<object>): boolean =>
  lastResponse.headers['idempotent-replayed'] === 'true';

/** An answer to this very call that was lost is as good so much later. */
const freshMs = 5_000;
const ends: ReadonlySet<Stripe.PaymentIntent.Status> = new Set(['succeeded', 'canceled']);

/**
 * Whether an answer may show an intent as it no longer is: one that is kept under the key, unless
 * the intent had come to an end by then, or was authorised just now and `again`: this call has
 * asked the same before, so that what is kept is the answer to it. (Only we end what is
 * authorised.)
 */
export function isOutdated(made: Stripe.Response<Stripe.PaymentIntent>, again: boolean): boolean {
  if (!isReplayed(made) || ends.has(made.status)) return false;
  // By the provider's own clock; without a date it is anybody's guess.
  const ageMs = Date.parse(String(made.lastResponse.headers.date)) - made.created * 1_000;
  return !(again && made.status === 'requires_capture' && ageMs <= freshMs);
}

/** What the SDK tells of an answer. */
type Answered = {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Milliseconds. */
  readonly elapsed: number;
};

/** What a request is about, without the ids in its path. */
const operationOf = (method: string, path: string): string => {
  const parts = path.split('?', 1)[0]?.split('/').slice(2) ?? [];
  return `${method.toLowerCase()} ${parts.filter((part) => /^[a-z_]+$/.test(part)).join('/')}`;
};

function clientOf({ secretKey, apiBase, clock }: StripeOptions): {
  client: Stripe;
  close: () => void;
} {
  const base = apiBase === undefined ? undefined : new URL(apiBase);
  const protocol = base?.protocol === 'http:' ? 'http' : 'https';
  const httpClient = new StripeHttp(clock);
  const client = new Stripe(secretKey, {
    apiVersion: stripeApiVersion,
    ...timing,
    telemetry: false,
    httpClient,
    appInfo: { name: 'usher' },
    ...(base && {
      protocol,
      host: base.hostname,
      port: base.port || (protocol === 'http' ? 80 : 443),
    }),
  });
  return { client, close: () => httpClient.close() };
}

/**
 * The SDK takes a stack at every request, lest one fails; where ours come from is known without it,
 * and it costs more than sending them.
 */
function untraced<T>(request: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return request();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The one line to Stripe: its SDK behind a breaker, and requests that are made once per key. */
export class StripeLine {
  readonly stripe: Stripe;
  readonly close: () => void;
  readonly #breaker: Breaker;
  readonly #secondAsk: SecondAsk;
  readonly #clock: Clock;
  readonly #repeats = new Allowance();
  /** An outage uses up key after key: the next request goes on where the last one ended. */
  readonly #nextKey = new Lru<number>(rememberedMax);

  constructor(options: StripeOptions) {
    const { client, close } = clientOf(options);
    const { answered } = options;
    if (answered !== undefined) {
      client.on('response', ({ method, path, status, elapsed }: Answered) =>
        answered(operationOf(method, path), status, elapsed / 1_000),
      );
    }
    this.stripe = client;
    this.close = close;
    this.#breaker = new Breaker(options.clock, options.breaker);
    this.#secondAsk = new SecondAsk(options.clock);
    this.#clock = options.clock;
  }

  /** False while requests are refused because the last ones were not answered. */
  get answers(): boolean {
    return this.#breaker.state === 'closed';
  }

  /** A request that only reads. Rejects with an `UsherError`. */
  async ask<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#breaker.run(
        () => untraced(task),
        (error) => !isRefused(error),
      );
    } catch (error) {
      throw toUsherError(error);
    }
  }

  /**
   * A request that has its effect once under `base`; repeats under another key what is known to
   * have failed for good under the first, unless `alreadyDone` finds that it was done.
   */
  async keyed<T>(
    base: string,
    task: Task<T>,
    alreadyDone?: () => Promise<T | undefined>,
  ): Promise<T> {
    return this.ask(async () => {
      const first = this.#nextKey.get(base) ?? 1;
      for (let generation = first; ; generation++) {
        // Looked up at once before each further key is used: an earlier look may have failed.
        const done = generation === 1 ? undefined : await alreadyDone?.();
        if (done !== undefined) return done;
        try {
          const key = generation === 1 ? base : `${base}:${generation}`;
          return await this.#secondAsk.run(this.#repeating(task, key), isAnswer);
        } catch (error) {
          if (!isKeptFailure(error)) throw error;
          this.#nextKey.set(base, generation + 1);
          if (generation - first + 1 >= keysPerRequestMax) throw error;
        }
      }
    });
  }

  /**
   * Repeats once, under the same key, what was not settled. A failure mostly stands alone, so while
   * there are few its repeat goes out at once; the provider may have kept it, which it says then.
   */
  #repeating<T>(task: Task<T>, idempotencyKey: string): () => Promise<T> {
    let asked = 0;
    const ask = () => untraced(() => task({ idempotencyKey, maxNetworkRetries: 0 }, asked++ > 0));
    return async () => {
      this.#repeats.earn();
      try {
        return await ask();
      } catch (error) {
        if (!isUnsettled(error)) throw error;
        if (!isFailure(error) || !this.#repeats.spend()) await this.#clock.sleep(pauseMs);
        return ask();
      }
    };
  }
}
