import type Stripe from 'stripe';
import type {
  Authorisation,
  Confirmation,
  EventRange,
  NewIntent,
  PaymentProvider,
  ProviderDispute,
  ProviderEvent,
  ProviderIntent,
  ProviderRefund,
  RefundOrder,
} from '#adapters/payments/port.ts';
import { declinedBy, isCardError, isPastThat } from '#adapters/payments/stripe-errors.ts';
import {
  expand,
  isOutdated,
  isReplayed,
  type Keyed,
  StripeLine,
  type StripeOptions,
} from '#adapters/payments/stripe-line.ts';
import {
  authorise,
  createIntent,
  searchIntents,
  withdraw,
} from '#adapters/payments/stripe-opening.ts';
import {
  viewDispute,
  viewEvent,
  viewIntent,
  viewListedRefund,
  viewRefund,
} from '#adapters/payments/stripe-view.ts';
import { StripeWallet } from '#adapters/payments/stripe-wallet.ts';
import type { Wallet } from '#adapters/payments/wallet.port.ts';
import { webhookTypes } from '#adapters/payments/webhook-types.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { toProviderAmount } from '#domain/payment.ts';

/** Age of a webhook's signature that is still taken: what Stripe's own libraries allow. */
const webhookToleranceSeconds = 300;

const pageOf = ({ from, to, cursor }: { from: number; to: number; cursor?: string }) => ({
  created: { gte: Math.floor(from / 1000), lt: Math.ceil(to / 1000) },
  limit: 100,
  ...(cursor !== undefined && { starting_after: cursor }),
});

/** Stripe's PaymentIntents API through its official SDK. */
class StripeProvider implements PaymentProvider {
  readonly wallet: Wallet;
  readonly close: () => void;
  readonly #line: StripeLine;
  readonly #options: StripeOptions;

  constructor(options: StripeOptions) {
    this.#line = new StripeLine(options);
    this.close = this.#line.close;
    this.#options = options;
    this.wallet = new StripeWallet(this.#line);
  }

  createIntent(order: NewIntent): Promise<ProviderIntent> {
    return createIntent(this.#line, order);
  }

  authorise(order: Authorisation): Promise<ProviderIntent> {
    return authorise(this.#line, order);
  }

  withdraw(order: Authorisation): Promise<ProviderIntent | undefined> {
    return withdraw(this.#line, order);
  }

  async confirm(order: Confirmation): Promise<ProviderIntent> {
    const { bookingId, attempt, intentId, token, returnUrl, offSession } = order;
    // Off session nobody is there to be sent anywhere.
    const buyer = offSession ? { off_session: true } : { return_url: returnUrl };
    return this.#step(intentId, `usher:${bookingId}:${attempt}:confirm`, (keyed) =>
      this.#line.stripe.paymentIntents.confirm(
        intentId,
        { payment_method: token, ...buyer },
        keyed,
      ),
    );
  }

  async retrieve(intentId: string): Promise<ProviderIntent> {
    return viewIntent(
      await this.#line.ask(() => this.#line.stripe.paymentIntents.retrieve(intentId, { expand })),
    );
  }

  async capture(intentId: string): Promise<ProviderIntent> {
    return this.#step(intentId, `usher:${intentId}:capture`, (keyed) =>
      this.#line.stripe.paymentIntents.capture(intentId, {}, keyed),
    );
  }

  async cancel(intentId: string): Promise<ProviderIntent> {
    return this.#step(intentId, `usher:${intentId}:cancel`, (keyed) =>
      this.#line.stripe.paymentIntents.cancel(intentId, {}, keyed),
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
        await this.#line.keyed(
          `usher:${intentId}:refund:${refundKey}`,
          (keyed) => this.#refundNow(params, keyed),
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

  search(bookingId: string): Promise<ProviderIntent[]> {
    return this.#line.ask(() => searchIntents(this.#line, bookingId));
  }

  async list(range: { readonly from: number; readonly to: number; readonly cursor?: string }) {
    const found = await this.#line.ask(() =>
      this.#line.stripe.paymentIntents.list({ ...pageOf(range), expand: ['data.latest_charge'] }),
    );
    const items = found.data.map(viewIntent);
    return { items, nextCursor: found.has_more ? (items.at(-1)?.intentId ?? null) : null };
  }

  async refundsOf(intentId: string) {
    const found = await this.#line.ask(() =>
      this.#line.stripe.refunds.list({ payment_intent: intentId, limit: 100 }),
    );
    return found.data.map(viewListedRefund);
  }

  async listRefunds(range: {
    readonly from: number;
    readonly to: number;
    readonly cursor?: string;
  }) {
    const found = await this.#line.ask(() => this.#line.stripe.refunds.list(pageOf(range)));
    const items = found.data.map(viewListedRefund);
    return { items, nextCursor: found.has_more ? (items.at(-1)?.refundId ?? null) : null };
  }

  get answers(): boolean {
    return this.#line.answers;
  }

  async dispute(disputeId: string): Promise<ProviderDispute> {
    return viewDispute(await this.#line.ask(() => this.#line.stripe.disputes.retrieve(disputeId)));
  }

  async event(eventId: string): Promise<ProviderEvent> {
    return viewEvent(await this.#line.ask(() => this.#line.stripe.events.retrieve(eventId)));
  }

  async events({ from, undelivered, cursor }: EventRange) {
    const found = await this.#line.ask(() =>
      this.#line.stripe.events.list({
        created: { gte: Math.floor(from / 1000) },
        types: [...webhookTypes],
        limit: 100,
        ...(undelivered && { delivery_success: false }),
        ...(cursor !== undefined && { starting_after: cursor }),
      }),
    );
    const items = found.data.map(viewEvent);
    return { items, nextCursor: found.has_more ? (items.at(-1)?.id ?? null) : null };
  }

  readWebhook(body: string, signature: string | undefined) {
    const { webhookSecret, clock } = this.#options;
    try {
      return viewEvent(
        this.#line.stripe.webhooks.constructEvent(
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
    task: (keyed: Keyed) => Promise<Stripe.Response<Stripe.PaymentIntent>>,
  ): Promise<ProviderIntent> {
    let refusal: unknown;
    const intent = await this.#line.keyed(key, async (keyed, again) => {
      try {
        const answer = await task(keyed);
        if (!isOutdated(answer, again)) return answer;
      } catch (error) {
        if (!isCardError(error) && !isPastThat(error)) throw error;
        refusal = error;
      }
      return await this.#line.stripe.paymentIntents.retrieve(intentId, { expand });
    });
    return declinedBy(refusal, viewIntent(intent));
  }

  /** A refund that was made before may have settled, or failed, since. */
  async #refundNow(params: Stripe.RefundCreateParams, keyed: Keyed) {
    const { stripe } = this.#line;
    const made = await stripe.refunds.create(params, keyed);
    return isReplayed(made) ? await stripe.refunds.retrieve(made.id) : made;
  }

  async #findRefund(intentId: string, refundKey: string): Promise<Stripe.Refund | undefined> {
    const made = await this.#line.stripe.refunds.list({ payment_intent: intentId, limit: 100 });
    return made.data.find((refund) => refund.metadata?.refundKey === refundKey);
  }
}

/** The provider behind `config.stripe`; opens its sockets at the first request. */
export const createStripe = (options: StripeOptions): PaymentProvider =>
  new StripeProvider(options);
