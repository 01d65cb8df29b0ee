import { UsherError } from '#domain/errors.ts';
import type { Authorisation, PaymentsPort } from '#flows/ports.ts';

type Intent = {
  readonly bookingId: string;
  readonly eventId: string;
  readonly attempt: number;
  readonly buyerId: string;
  readonly amount: number;
  readonly currency: string;
  status: 'requires_payment_method' | 'requires_capture' | 'succeeded' | 'canceled';
};

/** A payment provider that answers at once and keeps its intents in memory. */
export class InstantProvider implements PaymentsPort {
  readonly #intents = new Map<string, Intent>();

  /** Our record of its intents, as the payments service writes it. */
  get records() {
    return [...this.#intents].map(([intentId, intent]) => ({
      _id: `${intent.bookingId}:${intent.attempt}`,
      intentId,
      ...intent,
      captured: intent.status === 'succeeded' ? intent.amount : 0,
      refunded: 0,
      refunds: [],
    }));
  }

  async create({
    bookingId,
    eventId,
    attempt,
    buyerId,
    amount,
  }: Parameters<PaymentsPort['create']>[0]) {
    const intentId = `pi_${bookingId}_${attempt}`;
    if (!this.#intents.has(intentId)) {
      const { amount: minor, currency } = amount;
      const status = 'requires_payment_method' as const;
      const intent = { bookingId, eventId, attempt, buyerId, amount: minor, currency, status };
      this.#intents.set(intentId, intent);
    }
    return this.read({ intentId });
  }

  async authorise(ask: Authorisation) {
    return this.confirm(await this.create(ask));
  }

  async withdraw(): Promise<never> {
    throw new UsherError('state-forbids');
  }

  async confirm({ intentId }: { readonly intentId: string }) {
    return this.#move(intentId, 'requires_payment_method', 'requires_capture');
  }

  async capture({ intentId }: { readonly intentId: string }) {
    return this.#move(intentId, 'requires_capture', 'succeeded');
  }

  async cancel({ intentId }: { readonly intentId: string }) {
    return this.#move(intentId, 'requires_capture', 'canceled');
  }

  async read({ intentId }: { readonly intentId: string }) {
    const { status, amount, currency } = this.#intent(intentId);
    const refunded = { amount: 0, currency };
    return { intentId, status, amount: { amount, currency }, amountRefunded: refunded.amount };
  }

  async refund(): Promise<never> {
    throw new UsherError('state-forbids');
  }

  #move(intentId: string, from: Intent['status'], to: Intent['status']) {
    const intent = this.#intent(intentId);
    if (intent.status === from) intent.status = to;
    return this.read({ intentId });
  }

  #intent(intentId: string): Intent {
    const intent = this.#intents.get(intentId);
    if (intent === undefined) throw new UsherError('not-found');
    return intent;
  }
}
