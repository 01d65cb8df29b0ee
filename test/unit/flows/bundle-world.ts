import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import { MemoryBundles } from '#adapters/store/memory-bundles.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { voucherPaid } from '#domain/bill.ts';
import { isFinalAttempt } from '#domain/booking.ts';
import type { CheckoutWish } from '#domain/booking-moves.ts';
import { type Bundle, holdingUntil } from '#domain/bundle.ts';
import { bundleOrdered } from '#domain/bundle-moves.ts';
import { bundlePrice } from '#domain/bundle-price.ts';
import type { Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { holdIdOf } from '#domain/inventory/command-id.ts';
import type { Command, CommandKind, CommandOf, ReplyOf } from '#domain/inventory/commands.ts';
import { balancesOf } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import type { Promo } from '#domain/promo.ts';
import { sumOf } from '#domain/ticket.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import type { BundlePorts } from '#flows/bundle.flow.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import { holdAll } from '#flows/bundle-holds.flow.ts';
import type { PaymentsPort } from '#flows/ports.ts';
import { backToVoucher, claimContradictions } from '#test/unit/flows/consistency.ts';
import { promoOf, voucherOf } from '#test/unit/flows/offers.ts';
import {
  buyerId,
  CountingIds,
  FakeEvent,
  FakePayments,
  ManualClock,
  Mortal,
  quoteOf,
  ulid,
} from '#test/unit/flows/world.ts';

export const eventIds = [makeId('event', ulid(1)), makeId('event', ulid(2))] as const;
const bundleId = makeScopedId('bundle', eventIds[0], ulid(9));
const packageId = makeId('package', ulid(8));

/** How an order may go: its name, the card, what the capture comes to, all statuses in the end. */
export const orderCourses = [
  ['pays', 'ok', 'succeeded', 'confirmed'],
  ['is declined', 'declined', 'succeeded', 'expired'],
  ['cannot be captured', 'ok', 'refused', 'cancelled'],
  ['is captured without an answer', 'ok', 'unknown-but-done', 'confirmed'],
  ['is refused the second event', 'ok', 'succeeded', 'expired'],
] as const;

/** Two events, each with a hold of two places once one is asked for. */
export class Events implements InventoryPort {
  readonly byId: ReadonlyMap<string, FakeEvent>;
  /** Event → what it says to a hold. */
  readonly refuses = new Map<string, 'sold-out' | 'unavailable'>();

  /** Nothing is given back: the event's owner does not answer. */
  away = false;

  constructor(clock: ManualClock, totals: readonly number[]) {
    this.byId = new Map(
      eventIds.map((eventId, i) => {
        const event = new FakeEvent(clock, quoteOf(totals[i] ?? 0));
        event.hold = { ...event.hold, eventId, holdId: '' };
        event.state = 'released';
        return [eventId, event];
      }),
    );
  }

  of(n: 0 | 1): FakeEvent {
    const event = this.byId.get(eventIds[n]);
    if (event === undefined) throw new Error('no such event');
    return event;
  }

  async execute<K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>> {
    const asked = command as Command;
    const event = this.byId.get(asked.eventId);
    if (event === undefined) throw new UsherError('not-found');
    if (asked.kind === 'hold') return this.#hold(event, asked) as ReplyOf<K>;
    if (asked.kind === 'release') {
      if (this.away) throw new UsherError('unavailable');
      if (event.hold.holdId !== asked.holdId) throw new UsherError('not-found');
      if (event.state === 'held') event.state = 'released';
      return { holdId: asked.holdId } as ReplyOf<K>;
    }
    if (asked.kind === 'extend') {
      const deadline = event.hold.deadline + limits.holdExtendMs;
      event.hold = { ...event.hold, deadline };
      return event.hold as unknown as ReplyOf<K>;
    }
    return event.execute(command);
  }

  #hold(event: FakeEvent, { holdId, eventId }: CommandOf<'hold'>) {
    const refusal = this.refuses.get(eventId);
    if (refusal !== undefined) throw new UsherError(refusal);
    if (event.hold.holdId === holdId && event.state === 'released') {
      throw new UsherError('reservation-released');
    }
    const replayed = event.hold.holdId === holdId;
    event.hold = { ...event.hold, holdId };
    event.state = 'held';
    return { ...event.hold, replayed };
  }
}

/** Two events, one provider, one store, and workers of bundles and bookings that may die. */
export class BundleWorld {
  readonly clock = new ManualClock();
  readonly ids = new CountingIds();
  readonly store = new MemoryBookings();
  readonly bundles = new MemoryBundles(this.store);
  readonly payments = new FakePayments();
  readonly events: Events;
  readonly alarms: string[] = [];
  readonly troubles: unknown[] = [];

  /** What checkouts bring. */
  offers: Offers = {};

  constructor(totals: readonly number[] = [5_001, 3_000]) {
    this.events = new Events(this.clock, totals);
  }

  /** Checkouts bring a code, by itself of a tenth off and for one use in all. */
  withPromo(change: Partial<Promo> = {}): this {
    const rule = promoOf(change);
    this.store.claims.promos.set(rule.promoId, rule);
    this.offers = { ...this.offers, promo: { rule, uses: { inAll: 0, byBuyer: 0 } } };
    return this;
  }

  /** Checkouts bring a voucher of this worth. */
  withVoucher(worth: number): this {
    const voucher = voucherOf(worth);
    this.store.claims.vouchers.set(voucher.voucherId, voucher);
    this.offers = { ...this.offers, voucher };
    return this;
  }

  ports(mortal = new Mortal()): BundlePorts {
    const trouble = (_about: unknown, error: unknown): void => {
      this.troubles.push(error);
    };
    return {
      store: mortal.wrap(this.store),
      bundles: mortal.wrap(this.bundles),
      inventory: mortal.wrap<InventoryPort>(this.events),
      payments: mortal.wrap<PaymentsPort>(this.payments),
      clock: this.clock,
      ids: this.ids,
      watcher: { changed: () => {}, trouble, alarm: ({ alarm }) => this.alarms.push(alarm ?? '') },
      bundleWatcher: {
        changed: () => {},
        trouble,
        alarm: ({ order }) => this.alarms.push(order?.alarm ?? ''),
      },
    };
  }

  /** One package of two tickets each at 10 % off. */
  fresh(): Bundle {
    const now = this.clock.now();
    return {
      bundleId,
      packageId,
      name: 'A season',
      buyerId,
      step: 'hold',
      version: 1,
      dueAt: holdingUntil(now),
      tries: 0,
      quantity: 2,
      price: { by: 'discount', basisPoints: 1_000 },
      divisible: false,
      counted: true,
      members: eventIds.map((eventId) => {
        const commandId = this.ids.ulid();
        return {
          eventId,
          want: { by: 'best', quantity: 2 },
          commandId,
          reservationId: holdIdOf(eventId, commandId),
          bookingId: makeScopedId('booking', eventId, this.ids.ulid()),
        };
      }),
      deadline: now,
      cancels: [],
      createdAt: now,
      updatedAt: now,
    };
  }

  /** The package may be had so many times. */
  packages(limit: number): void {
    this.bundles.packages.set(packageId, { limit, taken: 0 });
  }

  reserve(mortal = new Mortal()): Promise<Bundle> {
    const wish = { currency: 'EUR', categories: new Map(), deadline: this.clock.now() + 2_000 };
    return holdAll({ fresh: this.fresh(), ...wish }, this.ports(mortal));
  }

  wish(token = 'ok', key = 'key-1'): CheckoutWish {
    return { key, token, equalSeats: false, attendees: [] };
  }

  /** Reserves, orders, and lets a worker run the order until it rests. */
  async checkout(token = 'ok', mortal = new Mortal()): Promise<void> {
    const held = await this.reserve();
    const now = this.clock.now();
    const terms = bundlePrice(held, this.offers, now);
    const change = bundleOrdered(held, this.wish(token), [], now, terms);
    const { bundles } = this.ports();
    if ((await bundles.commit(change)) !== 'done') throw new Error('not ordered');
    const worker = new BundleWorker(this.ports(mortal));
    worker.run(change.bundle);
    await worker.idle();
  }

  async bundle(): Promise<Bundle> {
    const found = await this.ports().bundles.find(bundleId);
    if (found === undefined) throw new Error('no bundle');
    return found;
  }

  async statuses(): Promise<readonly string[]> {
    const own = await this.ports().bundles.bookings(bundleId);
    return [(await this.bundle()).order?.status ?? '', ...own.map(({ status }) => status)];
  }

  /** Lets time pass, second by second, with workers that sweep what is due while they live. */
  async pass(ms: number, mortal = new Mortal()): Promise<void> {
    const bundleWorker = new BundleWorker(this.ports(mortal));
    const worker = new BookingWorker(this.ports(mortal));
    const died = (error: unknown): void => {
      if (!mortal.dead) throw error;
    };
    for (let t = 0; t < ms; t += 1_000) {
      this.clock.advance(1_000);
      await bundleWorker.sweep().catch(died);
      await bundleWorker.idle();
      await worker.sweep().catch(died);
      await worker.idle();
    }
  }
}

/** What does not agree in a world that has come to rest; empty when all does. */
export function bundleContradictions(world: BundleWorld): string[] {
  const { bookings, tickets, ledger } = world.store.contents;
  const found: string[] = [];
  const check = (holds: boolean, sentence: string): void => {
    if (!holds) found.push(sentence);
  };
  const active = tickets.filter((t) => t.active);
  for (const { step, dueAt, order } of world.bundles.contents) {
    check(dueAt === undefined, `the bundle at ${step} is still due`);
    check(order?.attempts.every(isFinalAttempt) ?? true, 'a finished bundle has an open attempt');
  }
  for (const b of bookings) check(b.dueAt === undefined, `${b.status}/${b.step} is still due`);
  for (const event of world.events.byId.values()) {
    const own = active.filter((t) => t.eventId === event.hold.eventId);
    check(own.length === event.soldTo.size, `${own.length} tickets, ${event.soldTo.size} sold`);
    check(event.state !== 'held', 'a hold is still there');
  }
  const whole = [...world.events.byId.values()].map(({ soldTo }) => soldTo.size > 0);
  check(new Set(whole).size === 1, 'one event is sold, the other is not');
  let provider = 0;
  for (const intent of world.payments.intents.values()) {
    check(['canceled', 'succeeded'].includes(intent.status), `the intent is ${intent.status}`);
    if (intent.status === 'succeeded') provider += intent.amount - intent.refunded;
  }
  const balances = balancesOf(ledger);
  const { paid, shares } = sumOf(active);
  const byVoucher = bookings.reduce((sum, b) => sum + voucherPaid(b) - backToVoucher(b), 0);
  check(
    provider + byVoucher === paid,
    `${provider} captured, ${byVoucher} by voucher for tickets worth ${paid}`,
  );
  check(balances.vouchers === byVoucher, `the ledger has ${balances.vouchers} of vouchers`);
  check(balances.provider === provider, `the ledger has ${balances.provider}, not ${provider}`);
  check(balances.buyer === 0, `buyers owe ${balances.buyer}`);
  check(balances.owed === 0, `${balances.owed} is owed to buyers`);
  for (const part of ['organizer', 'fees', 'taxes'] as const) {
    check(balances[part] === -shares[part] + 0, `${part}: ${balances[part]}, not ${-shares[part]}`);
  }
  return [...found, ...claimContradictions(world)];
}
