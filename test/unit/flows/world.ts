import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { IntentView } from '#contracts/payments.contract.ts';
import type { Booking } from '#domain/booking.ts';
import { type CheckoutWish, openBooking, opening } from '#domain/booking-moves.ts';
import { checkoutPrice, type Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type {
  Command,
  CommandKind,
  CommandOf,
  HoldView,
  ReplyOf,
  SellReply,
} from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import type { Quote } from '#domain/pricing.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import type { Authorisation, BookingStore, FlowWatcher, PaymentsPort } from '#flows/ports.ts';
import { Mortal } from '#test/unit/flows/mortal.ts';
import { promoOf, voucherOf } from '#test/unit/flows/offers.ts';

export { type Fate, Mortal } from '#test/unit/flows/mortal.ts';

export const ulid = (n: number): string => String(n).padStart(26, '0');
export const eventId = makeId('event', ulid(1));
export const buyerId = makeId('user', ulid(2));
export const reservationId = makeScopedId('reservation', eventId, ulid(3));
export const bookingIdOf = (n: number): string => makeScopedId('booking', eventId, ulid(n));

export const quoteOf = (total: number, quantity = 2): Quote => {
  const unitAmount = Math.floor(total / quantity);
  const amount = unitAmount * quantity;
  const lines = [{ category: 'stalls', quantity, unitAmount, amount }];
  return { currency: 'EUR', lines, fees: total - amount, taxes: 0, total };
};

/** Time that moves only when told; timers run when their time is reached. */
export class ManualClock implements Clock {
  #now = 1_800_000_000_000;
  #timers: { at: number; task: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  after(ms: number, task: () => void) {
    const timer = { at: this.#now + ms, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }
  tick(): Promise<void> {
    return Promise.resolve();
  }
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((t) => t.at <= this.#now);
    this.#timers = this.#timers.filter((t) => t.at > this.#now);
    for (const { task } of due) task();
  }
}

export class CountingIds implements Ids {
  #next = 100;
  ulid(): string {
    return ulid(this.#next++);
  }
  bytes(length: number): Uint8Array {
    return new Uint8Array(length);
  }
  chance(): number {
    return 0.5;
  }
}

/** An event's seats by the rules of holds and sales, two places per hold. */
export class FakeEvent implements InventoryPort {
  hold: HoldView;
  state: 'held' | 'released' | 'expired' | 'sold' = 'held';
  readonly answers = new Map<string, SellReply>();
  readonly soldTo = new Map<number, string>();
  readonly blocked = new Set<number>();
  readonly calls: Command[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock, quote: Quote) {
    this.#clock = clock;
    this.hold = {
      holdId: reservationId,
      eventId,
      buyerId,
      status: 'held',
      seats: [
        { id: 'A-1', category: 'stalls', section: 'A', row: '1', number: '1' },
        { id: 'A-2', category: 'stalls', section: 'A', row: '1', number: '2' },
      ],
      quote,
      createdAt: clock.now(),
      deadline: clock.now() + limits.holdTtlMs,
      pinned: false,
    };
  }

  async execute<K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>> {
    this.calls.push(command as Command);
    return this.#decide(command as Command) as ReplyOf<K>;
  }

  #decide(command: Command): ReplyOf<'pin' | 'sell' | 'unsell'> {
    switch (command.kind) {
      case 'pin':
        if (this.state === 'released') throw new UsherError('reservation-released');
        if (this.state === 'sold') throw new UsherError('reservation-sold');
        if (this.state !== 'held' || this.#clock.now() >= this.hold.deadline) {
          throw new UsherError('reservation-expired');
        }
        if (!this.hold.pinned) {
          const deadline = Math.max(this.hold.deadline, this.#clock.now() + limits.holdPinMs);
          this.hold = { ...this.hold, pinned: true, deadline };
        }
        return this.hold;
      case 'sell':
        return this.#sell(command);
      case 'unsell':
        return this.#unsell(command);
      default:
        throw new Error(`unexpected ${command.kind}`);
    }
  }

  #sell({ bookingId }: CommandOf<'sell'>): SellReply {
    const before = this.answers.get(bookingId);
    if (before !== undefined) return before;
    const places = [0, 1];
    const free = places.every((p) => !this.soldTo.has(p));
    const answer: SellReply =
      this.state === 'held' && this.hold.pinned && free
        ? { outcome: 'sold', seats: this.hold.seats, places, quote: this.hold.quote }
        : { outcome: 'refused', reason: 'expired' };
    if (answer.outcome === 'sold') {
      this.state = 'sold';
      for (const p of places) this.soldTo.set(p, bookingId);
    }
    this.answers.set(bookingId, answer);
    return answer;
  }

  #unsell({ bookingId, seats, block }: CommandOf<'unsell'>): ReplyOf<'unsell'> {
    if (!this.answers.has(bookingId)) {
      this.answers.set(bookingId, { outcome: 'refused', reason: 'cancelled' });
    }
    if (this.state === 'held') this.state = 'released';
    const returned: string[] = [];
    for (const [place, owner] of this.soldTo) {
      const seat = this.hold.seats[place]?.id ?? '';
      if (owner !== bookingId || (seats !== undefined && !seats.includes(seat))) continue;
      this.soldTo.delete(place);
      if (block === true) this.blocked.add(place);
      returned.push(seat);
    }
    return { returned };
  }
}

type Intent = {
  id: string;
  status: IntentView['status'];
  amount: number;
  refunded: number;
  declineCode?: string;
};

/** A provider; the token says how a payment goes. */
export class FakePayments implements PaymentsPort {
  readonly intents = new Map<string, Intent>();
  readonly #byKey = new Map<string, Intent>();
  readonly refunds = new Map<string, string>();
  readonly #withdrawn = new Set<string>();
  /** What `capture` comes to, where it is not a success. */
  captureAs: 'succeeded' | 'refused' | 'unknown' | 'unknown-but-done' = 'succeeded';
  /** What a charge of a saved card comes to. */
  offSessionAs: 'ok' | 'declined' = 'ok';
  refundAs: 'succeeded' | 'pending' | 'failed' = 'succeeded';

  async create(ask: Parameters<PaymentsPort['create']>[0]): Promise<IntentView> {
    const key = `${ask.bookingId}:${ask.attempt}`;
    let intent = this.#byKey.get(key);
    if (intent === undefined) {
      const id = `pi_${this.intents.size + 1}`;
      const status = ask.byBrowser ? 'requires_payment_method' : 'requires_confirmation';
      intent = { id, status, amount: ask.amount.amount, refunded: 0 };
      this.#byKey.set(key, intent);
      this.intents.set(id, intent);
    }
    return this.#view(intent);
  }

  async authorise(ask: Authorisation): Promise<IntentView> {
    const key = `${ask.bookingId}:${ask.attempt}`;
    if (this.#withdrawn.has(key)) throw new UsherError('payment-provider-unavailable');
    if (ask.token === 'invalid') throw new UsherError('payment-method-invalid');
    const { intentId } = await this.create(ask);
    return this.confirm({ ...ask, intentId });
  }

  async withdraw(ask: Authorisation): Promise<{ intent?: IntentView }> {
    if (ask.token === 'invalid') return {};
    const key = `${ask.bookingId}:${ask.attempt}`;
    if (!this.#byKey.has(key)) this.#withdrawn.add(key);
    return { intent: await this.create(ask) };
  }

  async confirm({
    intentId,
    token,
    offSession,
  }: Parameters<PaymentsPort['confirm']>[0]): Promise<IntentView> {
    const intent = this.of(intentId);
    if (intent.status !== 'requires_confirmation') return this.#view(intent);
    if (offSession) return this.#charge(intent);
    if (token === 'ok') intent.status = 'requires_capture';
    if (token === '3ds') intent.status = 'requires_action';
    if (token === 'slow') intent.status = 'processing';
    if (token === 'invalid') throw new UsherError('payment-method-invalid');
    if (token === 'declined') {
      intent.status = 'requires_payment_method';
      intent.declineCode = 'generic_decline';
    }
    return this.#view(intent);
  }

  #charge(intent: Intent): IntentView {
    const declined = this.offSessionAs === 'declined';
    intent.status = declined ? 'requires_payment_method' : 'requires_capture';
    if (declined) intent.declineCode = 'insufficient_funds';
    return this.#view(intent);
  }

  async read({ intentId }: { readonly intentId: string }): Promise<IntentView> {
    return this.#view(this.of(intentId));
  }

  async capture({ intentId }: { readonly intentId: string }): Promise<IntentView> {
    const intent = this.of(intentId);
    if (this.captureAs === 'unknown') throw new UsherError('payment-provider-unavailable');
    if (intent.status === 'requires_capture' && this.captureAs !== 'refused') {
      intent.status = 'succeeded';
      if (this.captureAs === 'unknown-but-done') {
        throw new UsherError('payment-provider-unavailable');
      }
    }
    return this.#view(intent);
  }

  async cancel({ intentId }: { readonly intentId: string }): Promise<IntentView> {
    const intent = this.of(intentId);
    if (intent.status !== 'succeeded' && intent.status !== 'processing') intent.status = 'canceled';
    return this.#view(intent);
  }

  async refund(ask: Parameters<PaymentsPort['refund']>[0]) {
    const intent = this.of(ask.intentId);
    const before = this.refunds.get(ask.refundKey);
    if (before === undefined && intent.status !== 'succeeded') {
      throw new UsherError('state-forbids');
    }
    if (before !== 'succeeded' && before !== 'failed') {
      this.refunds.set(ask.refundKey, this.refundAs);
      if (this.refundAs === 'succeeded') intent.refunded += ask.amount.amount;
    }
    const status = this.refunds.get(ask.refundKey) ?? '';
    return { refundId: `re_${ask.refundKey}`, status };
  }

  /** The buyer's bank, or the network, moves an intent on. */
  becomes(intentId: string, status: IntentView['status']): void {
    this.of(intentId).status = status;
  }

  of(intentId: string): Intent {
    const intent = this.intents.get(intentId);
    if (intent === undefined) throw new UsherError('not-found');
    return intent;
  }

  #view({ id, status, amount, refunded, declineCode }: Intent): IntentView {
    return {
      intentId: id,
      status,
      amount: { amount, currency: 'EUR' },
      amountRefunded: refunded,
      paymentMethod: 'pm_saved',
      ...(declineCode === undefined ? {} : { declineCode }),
      ...(status === 'requires_action' ? { clientSecret: `${id}_secret` } : {}),
    };
  }
}

/** One event, one provider, one store, and workers that may die. */
export class World {
  readonly clock = new ManualClock();
  readonly ids = new CountingIds();
  readonly store = new MemoryBookings();
  readonly payments = new FakePayments();
  readonly event: FakeEvent;
  readonly alarms: string[] = [];
  readonly troubles: unknown[] = [];
  /** Hears of every change. */
  changed: FlowWatcher['changed'] = () => {};
  /** What checkouts bring. */
  offers: Offers = {};

  constructor(total = 5_000) {
    this.event = new FakeEvent(this.clock, quoteOf(total));
  }

  worker(mortal = new Mortal(), store: BookingStore = this.store): BookingWorker {
    return new BookingWorker({
      store: mortal.wrap(store),
      inventory: mortal.wrap<InventoryPort>(this.event),
      payments: mortal.wrap<PaymentsPort>(this.payments),
      clock: this.clock,
      ids: this.ids,
      watcher: {
        changed: (...change) => this.changed(...change),
        trouble: (_booking, error) => this.troubles.push(error),
        alarm: ({ alarm }) => this.alarms.push(alarm ?? ''),
      },
    });
  }

  /** Checkouts bring a code of a tenth off, for one booking in all, and a voucher of this worth. */
  withOffers(worth: number, promo = promoOf()): this {
    const voucher = voucherOf(worth);
    this.store.claims.promos.set(promo.promoId, promo);
    this.store.claims.vouchers.set(voucher.voucherId, voucher);
    this.offers = { promo: { rule: promo, uses: { inAll: 0, byBuyer: 0 } }, voucher };
    return this;
  }

  wish(token = 'ok', key = 'key-1'): CheckoutWish {
    const paying = token === 'browser' ? { byBrowser: true } : { token };
    return { key, ...paying, equalSeats: false, attendees: [] };
  }

  /**
   * Writes the booking of a checkout and lets `worker` run it until it rests; `begun`: its sale is
   * the first write behind that.
   */
  async checkout(token = 'ok', worker = this.worker(), n = 10, begun = false): Promise<void> {
    const now = this.clock.now();
    const wish = this.wish(token);
    const { hold } = this.event;
    const terms = checkoutPrice(hold, this.offers, now);
    const opened = openBooking(bookingIdOf(n), hold, wish, undefined, now, terms);
    const booking = begun ? opening(opened) : opened;
    if ((await this.store.insert(booking)) !== 'inserted') throw new Error('not inserted');
    worker.run(booking);
    await worker.idle();
  }

  async booking(n = 10): Promise<Booking> {
    const found = await this.store.find(bookingIdOf(n));
    if (found === undefined) throw new Error('no booking');
    return found;
  }

  /** Lets time pass, second by second, with a living worker that sweeps what is due. */
  async pass(ms: number, worker = this.worker()): Promise<void> {
    for (let t = 0; t < ms; t += 1_000) {
      this.clock.advance(1_000);
      await worker.sweep().catch(() => 0);
      await worker.idle();
    }
  }
}
