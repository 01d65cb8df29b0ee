import type { IntentView } from '#contracts/payments.contract.ts';
import { UsherError } from '#domain/errors.ts';
import type { Authorisation, PaymentsPort } from '#flows/ports.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import type { Life, Scheduler } from '#test/simulation/scheduler.ts';

export type ProviderOptions = {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly trouble: () => number;
  readonly fault: (kind: FaultKind, about: string) => void;
  readonly trace: (line: string) => void;
  /** Money is being taken; says why it must not be, if so. */
  readonly mayCapture: (intent: Intent) => void;
  /** Tells the bookings that something has changed; may be lost, late, doubled. */
  readonly webhook: (bookingId: string) => void;
};

export type Intent = {
  readonly id: string;
  readonly bookingId: string;
  readonly amount: number;
  status: IntentView['status'];
  token: string;
  refunded: number;
  declineCode?: string;
};

type Confirmation = Parameters<PaymentsPort['confirm']>[0];
type Refund = { readonly id: string; status: 'pending' | 'succeeded' | 'failed' };

/** What payment methods do, by their name. */
export const tokens = [
  'ok',
  'declined',
  'invalid',
  '3ds',
  '3ds-refused',
  '3ds-forgotten',
  'slow',
  'slow-refused',
  'capture-refused',
  'capture-slow',
  'capture-late',
  'capture-cancelled',
  'browser',
] as const;
export type Token = (typeof tokens)[number];

/** The payment provider: intents that only move on, each request with its effect at most once. */
export class Provider {
  readonly intents = new Map<string, Intent>();
  readonly #byKey = new Map<string, Intent>();
  /** Keys whose intent will never be confirmed, and those whose payment method was refused. */
  readonly #withdrawn = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #refunds = new Map<string, Refund>();
  readonly #o: ProviderOptions;

  constructor(options: ProviderOptions) {
    this.#o = options;
  }

  /** The provider as one life of a core node reaches it. */
  port(life: Life): PaymentsPort {
    const ask = <T>(name: string, effect: () => T): Promise<T> => this.#ask(life, name, effect);
    return {
      create: (wish) => ask('create', () => this.#create(wish)),
      authorise: (wish) => ask('authorise', () => this.#authorise(wish)),
      withdraw: (wish) => ask('withdraw', () => this.#withdraw(wish)),
      confirm: (wish) => ask('confirm', () => this.#confirm(wish)),
      read: ({ intentId }) => ask('read', () => viewOf(this.#of(intentId))),
      capture: ({ intentId }) => ask('capture', () => this.#capture(this.#of(intentId))),
      cancel: ({ intentId }) => ask('cancel', () => this.#cancel(this.#of(intentId))),
      refund: (wish) => ask('refund', () => this.#refund(wish)),
    };
  }

  /** A request: carried out and answered, or one of the ways in which its outcome is unknown. */
  #ask<T>(life: Life, name: string, effect: () => T): Promise<T> {
    const { scheduler, chance, fault, trouble } = this.#o;
    return new Promise((resolve, reject) => {
      const answer = (ms: number, tell: () => void) => scheduler.after(ms, life, tell);
      const unknown = () => reject(new UsherError('payment-provider-unavailable'));
      const attempt = (tell: boolean): void => {
        try {
          const value = effect();
          if (tell) answer(chance.ms(1, 20), () => resolve(value));
        } catch (error) {
          if (tell) answer(chance.ms(1, 20), () => reject(error));
        }
      };
      const kind = chance.hits(3 * trouble()) ? chance.int(1, 4) : 0;
      if (kind === 0) {
        scheduler.after(chance.ms(2, 60), undefined, () => attempt(true));
        return;
      }
      fault(faultOf[kind - 1] ?? 'payment: server error', name);
      answer(kind === 4 ? chance.ms(5, 60) : chance.ms(200, 2_000), unknown);
      if (kind === 1) scheduler.after(chance.ms(2, 60), undefined, () => attempt(false));
      if (kind === 3) scheduler.after(chance.ms(300, 9_000), undefined, () => attempt(false));
    });
  }

  #create(wish: Parameters<PaymentsPort['create']>[0]): IntentView {
    const key = keyOf(wish);
    const known = this.#byKey.get(key);
    if (known !== undefined) return viewOf(known);
    const intent: Intent = {
      id: `pi_${this.intents.size + 1}`,
      bookingId: wish.bookingId,
      amount: wish.amount.amount,
      status: wish.byBrowser ? 'requires_payment_method' : 'requires_confirmation',
      token: '',
      refunded: 0,
    };
    this.#byKey.set(key, intent);
    this.intents.set(intent.id, intent);
    if (wish.byBrowser) this.#browserTries(intent);
    return viewOf(intent);
  }

  /** Refused for good where the key was used to withdraw it. */
  #authorise(wish: Authorisation): IntentView {
    const key = keyOf(wish);
    if (this.#withdrawn.has(key)) throw new UsherError('payment-provider-unavailable');
    if (!this.#byKey.has(key) && wish.token === 'invalid') {
      this.#refused.add(key);
      throw new UsherError('payment-method-invalid');
    }
    return this.#confirm({ ...wish, intentId: this.#create(wish).intentId });
  }

  #withdraw(wish: Authorisation): { intent?: IntentView } {
    const key = keyOf(wish);
    if (this.#refused.has(key)) return {};
    if (!this.#byKey.has(key)) {
      this.#o.trace(`${key} withdrawn`);
      this.#withdrawn.add(key);
    }
    return { intent: this.#create(wish) };
  }

  /** The buyer's browser has the secret: it tries one card after the other. */
  #browserTries(intent: Intent): void {
    const { scheduler, chance, fault } = this.#o;
    scheduler.after(chance.ms(50, 3_000), undefined, () => {
      if (intent.status !== 'requires_payment_method') return;
      if (chance.hits(0.3)) {
        fault('payment: declined', intent.id);
        intent.declineCode = 'insufficient_funds';
        this.#browserTries(intent);
      } else this.#set(intent, 'requires_capture');
      this.#tell(intent);
    });
  }

  #confirm({ intentId, token, offSession }: Confirmation): IntentView {
    const intent = this.#of(intentId);
    if (intent.status !== 'requires_confirmation') return viewOf(intent);
    if (token === 'invalid') throw new UsherError('payment-method-invalid');
    intent.token = token;
    const { chance, fault } = this.#o;
    const refused = offSession === true && chance.hits(0.3);
    if (token === 'declined' || refused) this.#decline(intent);
    else if (token.startsWith('3ds')) {
      fault('payment: 3-D Secure', intent.id);
      this.#set(intent, 'requires_action');
      if (token !== '3ds-forgotten') this.#bankSays(intent, token, chance.ms(50, 4_000));
    } else if (token.startsWith('slow')) {
      this.#set(intent, 'processing');
      this.#bankSays(intent, token, chance.ms(50, 4_000));
    } else this.#set(intent, 'requires_capture');
    return viewOf(intent);
  }

  #decline(intent: Intent): void {
    this.#o.fault('payment: declined', intent.id);
    intent.declineCode = 'generic_decline';
    this.#set(intent, 'requires_payment_method');
  }

  #bankSays(intent: Intent, token: string, ms: number): void {
    this.#o.scheduler.after(ms, undefined, () => {
      if (intent.status !== 'requires_action' && intent.status !== 'processing') return;
      if (token.endsWith('refused')) this.#decline(intent);
      else this.#set(intent, 'requires_capture');
      this.#tell(intent);
    });
  }

  #capture(intent: Intent): IntentView {
    const { chance, scheduler, fault } = this.#o;
    if (intent.status !== 'requires_capture') return viewOf(intent);
    switch (intent.token) {
      case 'capture-refused':
        fault('payment: capture refused', intent.id);
        return viewOf(intent);
      case 'capture-late':
        // Said to be refused, and done a little later after all, unless it is cancelled first.
        fault('payment: capture refused', intent.id);
        scheduler.after(chance.ms(1, 120), undefined, () => {
          if (intent.status === 'requires_capture') this.#take(intent);
        });
        return viewOf(intent);
      case 'capture-cancelled':
        fault('payment: capture refused', intent.id);
        this.#set(intent, 'canceled');
        return viewOf(intent);
      case 'capture-slow':
        this.#set(intent, 'processing');
        scheduler.after(chance.ms(50, 3_000), undefined, () => {
          this.#take(intent);
          this.#tell(intent);
        });
        return viewOf(intent);
      default:
        this.#take(intent);
        return viewOf(intent);
    }
  }

  #take(intent: Intent): void {
    this.#o.mayCapture(intent);
    this.#set(intent, 'succeeded');
  }

  #cancel(intent: Intent): IntentView {
    const open = intent.status !== 'succeeded' && intent.status !== 'processing';
    if (open) this.#set(intent, 'canceled');
    return viewOf(intent);
  }

  #refund({ intentId, refundKey, amount }: Parameters<PaymentsPort['refund']>[0]) {
    const intent = this.#of(intentId);
    let refund = this.#refunds.get(refundKey);
    if (refund === undefined) {
      if (intent.status !== 'succeeded' || intent.refunded + amount.amount > intent.amount) {
        throw new UsherError('state-forbids');
      }
      refund = { id: `re_${this.#refunds.size + 1}`, status: 'pending' };
      this.#refunds.set(refundKey, refund);
      this.#settleRefund(intent, refund, amount.amount);
    }
    return { refundId: refund.id, status: refund.status };
  }

  #settleRefund(intent: Intent, refund: Refund, amount: number): void {
    const { chance, scheduler, fault } = this.#o;
    const fails = chance.hits(0.2);
    if (fails) fault('payment: refund failed', refund.id);
    const settle = (): void => {
      refund.status = fails ? 'failed' : 'succeeded';
      if (!fails) intent.refunded += amount;
      this.#o.trace(`${refund.id} ${refund.status}`);
    };
    if (chance.hits(0.6)) {
      settle();
      return;
    }
    scheduler.after(chance.ms(50, 3_000), undefined, () => {
      settle();
      this.#tell(intent);
    });
  }

  #of(intentId: string): Intent {
    const intent = this.intents.get(intentId);
    if (intent === undefined) throw new UsherError('not-found');
    return intent;
  }

  #set(intent: Intent, status: Intent['status']): void {
    intent.status = status;
    this.#o.trace(`${intent.id} of ${intent.bookingId} ${status}`);
  }

  #tell({ id, bookingId }: Intent): void {
    const { chance, scheduler, fault, trouble, webhook } = this.#o;
    const send = (ms: number) => scheduler.after(ms, undefined, () => webhook(bookingId));
    const storm = trouble() > 0;
    const kind = storm && chance.hits(0.2 + trouble()) ? chance.int(1, 3) : 0;
    if (kind === 1) {
      fault('webhook: lost', id);
      return;
    }
    if (kind === 2) {
      fault('webhook: late, behind later ones', id);
      send(chance.ms(500, 9_000));
      return;
    }
    send(chance.ms(1, 80));
    if (kind === 3) {
      fault('webhook: doubled', id);
      send(chance.ms(1, 2_000));
    }
  }
}

const keyOf = (ask: { readonly bookingId: string; readonly attempt: number }): string =>
  `${ask.bookingId}:${ask.attempt}`;

const faultOf: readonly FaultKind[] = [
  'payment: done, then timed out',
  'payment: request lost',
  'payment: done long after the time-out',
  'payment: server error',
];

const viewOf = ({ id, status, amount, refunded, declineCode }: Intent): IntentView => ({
  intentId: id,
  status,
  amount: { amount, currency: 'EUR' },
  amountRefunded: refunded,
  paymentMethod: 'pm_saved',
  ...(declineCode === undefined ? {} : { declineCode }),
});
