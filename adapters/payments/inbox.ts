import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { PaymentProvider, ProviderEvent, ProviderIntent } from '#adapters/payments/port.ts';
import type { InboxDoc, PaymentDoc, PaymentStore } from '#adapters/payments/store.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { type IntentStatus, isFinalIntent } from '#domain/payment.ts';
import { UnderWay } from '#domain/under-way.ts';

export type InboxPorts = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: PaymentStore;
  readonly provider: PaymentProvider;
  /** Resolves when the bookings have stored that they must look again. */
  readonly tellBookings: (bookingId: string) => Promise<void>;
  /** Resolves with what was done when the booking of a dispute knows of it. */
  readonly tellDispute: (disputeId: string) => Promise<string>;
  /** A webhook could not be handled and comes again. Must not throw. */
  readonly trouble: (event: InboxDoc, error: unknown) => void;
};

/**
 * Webhooks often overtake the answer to the request that caused them. Waiting a moment lets that
 * answer be noted first, and most webhooks are then stored as what has nothing to tell. (The
 * provider waits that long for its 2xx.)
 */
const settleMs = 250;
const waitingMax = 10_000;
/** A busy node answers itself later than that: news of a request under way is looked at again. */
const patienceMs = 1_000;
const leaseMs = 15_000;
const takenMax = 200;
const backoffMaxMs = 60_000;

type Arrival = {
  readonly event: ProviderEvent;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
};
type News = Pick<InboxDoc, 'status' | 'replay' | 'intentId'>;
type PaymentOf = (news: News) => PaymentDoc | undefined;

/** Statuses that end without a request of ours: their news is not waited for any longer. */
const awaited: ReadonlySet<IntentStatus> = new Set(['requires_action', 'processing']);

/** What came before an end that is noted is no news. */
const isPast = (payment: PaymentDoc | undefined, status: IntentStatus): boolean =>
  payment !== undefined && isFinalIntent(payment.status) && !isFinalIntent(status);

/**
 * A new intent and a declined one have one status; only the second was noted after opening, and a
 * browser that holds the secret may be declined again and again.
 */
const saysTheSame = (payment: PaymentDoc | undefined, status: IntentStatus): boolean =>
  payment?.status === status &&
  (status !== 'requires_payment_method' ||
    (payment.updatedAt > payment.createdAt && !payment.byBrowser));

/**
 * From a stored webhook to bookings that know. An event only says that something may have changed:
 * the intent's present state is asked of the provider, so order and repetition do not matter. Who
 * must be told is told before our own record of the intent is brought up to date; killed between
 * the two, it is told again. What our record knows already came as the answer to a request of the
 * bookings themselves, and nobody needs to hear it twice.
 */
export class Inbox {
  readonly #ports: InboxPorts;
  readonly #running = new UnderWay();
  #fresh: Arrival[] = [];
  readonly #timers = new Set<Cancel>();
  #sweepTimer: Cancel = () => {};
  #draining = false;

  constructor(ports: InboxPorts) {
    this.#ports = ports;
  }

  /** Stores an event, then sees to it. Resolves when it is stored. */
  async take(event: ProviderEvent): Promise<void> {
    if (this.#fresh.length >= waitingMax) {
      throw new UsherError('overloaded', 'Too many webhooks wait for the database');
    }
    return new Promise((settle, fail) => {
      this.#fresh.push({ event, settle, fail });
      if (this.#draining) this.#running.begin(() => this.#storeFresh());
      else if (this.#fresh.length === 1) this.#later(settleMs, () => this.#storeFresh());
    });
  }

  /** Sweeps each second what is due: left by a node that died, or refused before. */
  start(): void {
    const { clock, ids } = this.#ports;
    const wait = limits.outboxSweepEveryMs * (0.75 + ids.chance() / 2);
    this.#sweepTimer = clock.after(wait, () => {
      // Where the database did not answer, the next sweep finds the same.
      this.#running
        .begin(() => this.sweep())
        .then(() => {
          if (!this.#draining) this.start();
        });
    });
  }

  /** Handles what is due now. */
  async sweep(): Promise<void> {
    await this.#handle(await this.#ports.store.takeDue(takenMax, leaseMs));
  }

  /** Takes no more, and waits for what is under way. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const cancel of this.#timers) cancel();
    this.#sweepTimer();
    this.#running.begin(() => this.#storeFresh());
    await this.#running.settled();
  }

  #later(ms: number, task: () => Promise<void>): void {
    const cancel = this.#ports.clock.after(ms, () => {
      this.#timers.delete(cancel);
      this.#running.begin(task);
    });
    this.#timers.add(cancel);
  }

  async #storeFresh(): Promise<void> {
    const arrivals = this.#fresh;
    this.#fresh = [];
    if (arrivals.length === 0) return;
    const { store } = this.#ports;
    const events = arrivals.map(({ event }) => event);
    try {
      const paymentOf = await this.#paymentsOf(events);
      const isKnown = (event: ProviderEvent): boolean =>
        courseOf(event, paymentOf(event), true) === 'known';
      const docs = await store.arrived(events, isKnown, leaseMs);
      for (const { settle } of arrivals) settle();
      const open = docs.filter(({ state }) => state === 'pending');
      await this.#see(open, paymentOf, true);
    } catch (error) {
      for (const { fail } of arrivals) fail(error);
    }
  }

  async #handle(docs: readonly InboxDoc[]): Promise<void> {
    if (docs.length > 0) await this.#see(docs, await this.#paymentsOf(docs), false);
  }

  async #paymentsOf(news: readonly News[]): Promise<PaymentOf> {
    const ids = news.flatMap(({ intentId }) => intentId ?? []);
    const found = await this.#ports.store.ofIntents(ids);
    const payments = new Map(found.map((doc) => [doc.intentId, doc]));
    return ({ intentId = '' }) => payments.get(intentId);
  }

  async #see(docs: readonly InboxDoc[], paymentOf: PaymentOf, patient: boolean): Promise<void> {
    const sorted = Map.groupBy(docs, (doc) => courseOf(doc, paymentOf(doc), patient));
    const { known = [], later = [], news = [] } = Object.fromEntries(sorted);
    if (later.length > 0 && !this.#draining) this.#later(patienceMs, () => this.#handle(later));
    await this.#ports.store.handled(
      known.map(({ _id }) => _id),
      'known',
    );
    await Promise.all(news.map((doc) => this.#look(doc, paymentOf(doc))));
  }

  async #look(doc: InboxDoc, payment: PaymentDoc | undefined): Promise<void> {
    const { store, ids, trouble } = this.#ports;
    try {
      await store.handled([doc._id], await this.#tell(doc, payment));
    } catch (error) {
      trouble(doc, error);
      const wait = Math.min(1_000 * 2 ** Math.min(doc.tries, 10), backoffMaxMs);
      await store
        .postponed(doc._id, codeOf(error) ?? String(error), wait * (0.75 + ids.chance() / 2))
        .catch(() => undefined);
    }
  }

  async #tell(doc: InboxDoc, payment: PaymentDoc | undefined): Promise<string> {
    const { store, provider, tellBookings, tellDispute } = this.#ports;
    if (doc.disputeId !== undefined) return tellDispute(doc.disputeId);
    if (doc.intentId === undefined) return 'of no intent';
    const intent = await provider.retrieve(doc.intentId);
    const unchanged =
      !doc.replay &&
      saysTheSame(payment, intent.status) &&
      payment?.captured === intent.amountCaptured &&
      payment.refunded === intent.amountRefunded;
    if (unchanged) return 'known';
    if (payment === undefined && (await this.#isSecond(intent))) {
      await provider.cancel(intent.intentId);
      return 'second of its attempt';
    }
    const bookingId = payment?.bookingId ?? intent.bookingId;
    if (bookingId === undefined) return 'not ours';
    await tellBookings(bookingId);
    await store.seen(intent);
    return 'told';
  }

  /**
   * Made by a request whose answer was a failure all the same; the attempt goes by another intent,
   * and nobody will ever capture this one.
   */
  async #isSecond({ intentId, bookingId, attempt, status }: ProviderIntent): Promise<boolean> {
    if (bookingId === undefined || attempt === undefined || isFinalIntent(status)) return false;
    const noted = await this.#ports.store.ofAttempt(bookingId, attempt);
    return noted !== undefined && noted.intentId !== intentId;
  }
}

/** What to do about an event, as far as our record of its payment tells. */
function courseOf(
  { status, replay }: News,
  payment: PaymentDoc | undefined,
  patient: boolean,
): 'known' | 'later' | 'news' {
  if (status === undefined || replay) return 'news';
  if (saysTheSame(payment, status) || isPast(payment, status)) return 'known';
  if (payment !== undefined && (payment.byBrowser || awaited.has(payment.status))) return 'news';
  return patient ? 'later' : 'news';
}
