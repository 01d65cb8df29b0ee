import http from 'node:http';
import https from 'node:https';
import Stripe from 'stripe';
import type { Clock } from '#adapters/clock/port.ts';
import { Breaker, type BreakerOptions } from '#adapters/payments/breaker.ts';
import type {
  Confirmation,
  NewIntent,
  PaymentProvider,
  ProviderIntent,
  ProviderRefund,
  RefundOrder,
} from '#adapters/payments/port.ts';
import { SecondAsk } from '#adapters/payments/second-ask.ts';
import {
  isAnswer,
  isCardError,
  isKeptFailure,
  isPastThat,
  isRefused,
  toUsherError,
} from '#adapters/payments/stripe-errors.ts';
import { viewEvent, viewIntent, viewRefund } from '#adapters/payments/stripe-view.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { toProviderAmount } from '#domain/payment.ts';

/** The API version that every request and the types of the SDK speak. */
export const stripeApiVersion = '2026-10-28.endive';

/**
 * Two tries of 4 s and the SDK's half second between them stay below the 10 s of a payments action.
 * The SDK repeats after a lost connection, 409 and 5xx, each time with the same idempotency key;
 * longer patience belongs to the booking's own steps, which ask again with the same keys.
 */
const timing = { timeout: 4_000, maxNetworkRetries: 1 } as const;

/** Answers kept under a key that failed for good are gone around at most this often. */
const keyGenerationsMax = 3;

/** Age of a webhook's signature that is still taken: what Stripe's own libraries allow. */
export const webhookToleranceSeconds = 300;

/** Other answers refused by the API than these are looked at by reading the intent. */
const expand = ['latest_charge'];

export type StripeOptions = {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Where the API is; Stripe itself when undefined. */
  readonly apiBase?: string;
  readonly clock: Clock;
  readonly breaker?: BreakerOptions;
};

function clientOf({ secretKey, apiBase }: StripeOptions): { client: Stripe; close: () => void } {
  const base = apiBase === undefined ? undefined : new URL(apiBase);
  const protocol = base?.protocol === 'http:' ? 'http' : 'https';
  const agent = new (protocol === 'http' ? http : https).Agent({ keepAlive: true });
  const client = new Stripe(secretKey, {
    apiVersion: stripeApiVersion,
    ...timing,
    telemetry: false,
    httpAgent: agent,
    appInfo: { name: 'usher' },
    ...(base && {
      protocol,
      host: base.hostname,
      port: base.port || (protocol === 'http' ? 80 : 443),
    }),
  });
  return { client, close: () => agent.destroy() };
}

/** Stripe's PaymentIntents API through its official SDK. */
class StripeProvider implements PaymentProvider {
  readonly #stripe: Stripe;
  readonly #breaker: Breaker;
  readonly #secondAsk: SecondAsk;
  readonly #options: StripeOptions;
  readonly close: () => void;

  constructor(options: StripeOptions) {
    const { client, close } = clientOf(options);
    this.#stripe = client;
    this.close = close;
    this.#options = options;
    this.#breaker = new Breaker(options.clock, options.breaker);
    this.#secondAsk = new SecondAsk(options.clock);
  }

  async createIntent(order: NewIntent): Promise<ProviderIntent> {
    const { bookingId, eventId, attempt, buyerId, amount } = order;
    const params: Stripe.PaymentIntentCreateParams = {
      amount: toProviderAmount(amount),
      currency: amount.currency.toLowerCase(),
      capture_method: 'manual',
      allowed_payment_method_types: ['card'],
      metadata: { bookingId, eventId, attempt: String(attempt), buyerId },
    };
    const intent = await this.#keyed(`usher:${bookingId}:${attempt}:create`, (key) =>
      this.#stripe.paymentIntents.create(params, { idempotencyKey: key }),
    );
    return viewIntent(intent);
  }

  async confirm(order: Confirmation): Promise<ProviderIntent> {
    const { bookingId, attempt, intentId, token, returnUrl } = order;
    return this.#step(intentId, `usher:${bookingId}:${attempt}:confirm`, (key) =>
      this.#stripe.paymentIntents.confirm(
        intentId,
        { payment_method: token, return_url: returnUrl, expand },
        { idempotencyKey: key },
      ),
    );
  }

  async retrieve(intentId: string): Promise<ProviderIntent> {
    return viewIntent(
      await this.#ask(() => this.#stripe.paymentIntents.retrieve(intentId, { expand })),
    );
  }

  async capture(intentId: string): Promise<ProviderIntent> {
    return this.#step(intentId, `usher:${intentId}:capture`, (key) =>
      this.#stripe.paymentIntents.capture(intentId, { expand }, { idempotencyKey: key }),
    );
  }

  async cancel(intentId: string): Promise<ProviderIntent> {
    return this.#step(intentId, `usher:${intentId}:cancel`, (key) =>
      this.#stripe.paymentIntents.cancel(intentId, { expand }, { idempotencyKey: key }),
    );
  }

  async refund(order: RefundOrder): Promise<ProviderRefund> {
    const { bookingId, intentId, amount, refundKey } = order;
    const params: Stripe.RefundCreateParams = {
      payment_intent: intentId,
      amount: toProviderAmount(amount),
      reason: 'requested_by_customer',
      metadata: { bookingId, refundKey },
    };
    try {
      return viewRefund(
        await this.#keyed(
          `usher:${intentId}:refund:${refundKey}`,
          (key) => this.#stripe.refunds.create(params, { idempotencyKey: key }),
          () => this.#findRefund(intentId, refundKey),
        ),
      );
    } catch (error) {
      // Once the key is forgotten (a day), a refund that was made stands in its own way.
      if (!hasCode(error, 'state-forbids')) throw error;
      const made = await this.#findRefund(intentId, refundKey);
      if (made === undefined) throw error;
      return viewRefund(made);
    }
  }

  async search(bookingId: string): Promise<ProviderIntent[]> {
    const query = `metadata['bookingId']:'${bookingId.replaceAll(/[^\w-]/g, '')}'`;
    const found = await this.#ask(() =>
      this.#stripe.paymentIntents.search({ query, limit: 100, expand: ['data.latest_charge'] }),
    );
    return found.data.map(viewIntent);
  }

  async list(range: { readonly from: number; readonly to: number; readonly cursor?: string }) {
    const { from, to, cursor } = range;
    const found = await this.#ask(() =>
      this.#stripe.paymentIntents.list({
        created: { gte: Math.floor(from / 1000), lt: Math.ceil(to / 1000) },
        limit: 100,
        expand: ['data.latest_charge'],
        ...(cursor !== undefined && { starting_after: cursor }),
      }),
    );
    const items = found.data.map(viewIntent);
    return { items, nextCursor: found.has_more ? (items.at(-1)?.intentId ?? null) : null };
  }

  readWebhook(body: string, signature: string | undefined) {
    const { webhookSecret, clock } = this.#options;
    try {
      return viewEvent(
        this.#stripe.webhooks.constructEvent(
          body,
          signature ?? '',
          webhookSecret,
          webhookToleranceSeconds,
          undefined,
          clock.now(),
        ),
      );
    } catch {
      throw new UsherError('invalid-signature');
    }
  }

  /** A request that moves an intent; one that is past it, or was refused, answers its state. */
  async #step(
    intentId: string,
    key: string,
    task: (key: string) => Promise<Stripe.Response<Stripe.PaymentIntent>>,
  ): Promise<ProviderIntent> {
    let refusal: unknown;
    const intent = await this.#keyed(key, async (idempotencyKey, second) => {
      try {
        const answer = await task(idempotencyKey);
        // A kept answer shows the intent as it was then: to a second request, a moment ago.
        if (second || answer.lastResponse.headers['idempotent-replayed'] !== 'true') return answer;
      } catch (error) {
        if (!isCardError(error) && !isPastThat(error)) throw error;
        refusal = error;
      }
      return await this.#stripe.paymentIntents.retrieve(intentId, { expand });
    });
    const view = viewIntent(intent);
    if (view.declineCode === undefined && isCardError(refusal)) {
      const declineCode = refusal.decline_code ?? refusal.code ?? 'card_declined';
      return { ...view, declineCode };
    }
    return view;
  }

  /** Repeats under another key what is known to have failed for good under the first. */
  async #keyed<T>(
    base: string,
    task: (key: string, second: boolean) => Promise<T>,
    alreadyDone?: () => Promise<T | undefined>,
  ): Promise<T> {
    return this.#ask(async () => {
      for (let generation = 1; ; generation++) {
        try {
          const key = generation === 1 ? base : `${base}:${generation}`;
          return await this.#secondAsk.run((second) => task(key, second), isAnswer);
        } catch (error) {
          if (!isKeptFailure(error) || generation === keyGenerationsMax) throw error;
          const done = await alreadyDone?.();
          if (done !== undefined) return done;
        }
      }
    });
  }

  async #findRefund(intentId: string, refundKey: string): Promise<Stripe.Refund | undefined> {
    const made = await this.#stripe.refunds.list({ payment_intent: intentId, limit: 100 });
    return made.data.find((refund) => refund.metadata?.refundKey === refundKey);
  }

  async #ask<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#breaker.run(task, (error) => !isRefused(error));
    } catch (error) {
      throw toUsherError(error);
    }
  }
}

/** The provider behind `config.stripe`; opens its sockets at the first request. */
export const createStripe = (options: StripeOptions): PaymentProvider =>
  new StripeProvider(options);
