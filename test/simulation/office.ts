import { isDeepStrictEqual } from 'node:util';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import { MemoryBundles } from '#adapters/store/memory-bundles.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Message } from '#domain/booking-messages.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { isBundleId } from '#domain/ids.ts';
import type { CommandKind, CommandOf, ReplyOf } from '#domain/inventory/commands.ts';
import type { CancelWish } from '#domain/withdrawal.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import type { EventSweepWorker } from '#flows/event-sweep.worker.ts';
import { OutboxRelay } from '#flows/outbox.relay.ts';
import type { FlowWatcher } from '#flows/ports.ts';
import { type CancelAnswer, cancelBooking } from '#services/bookings/cancelling.ts';
import { type CheckoutRequest, checkout } from '#services/bookings/checkout.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';
import type { OrderDesk } from '#services/bundles/desk.ts';
import { Aftermath } from '#test/simulation/aftermath.ts';
import { bundleWatcherOf, offered } from '#test/simulation/bundling.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import type { Gateway } from '#test/simulation/gateway.ts';
import { issueOffers, offersOf } from '#test/simulation/offers.ts';
import { isLaterPart } from '#test/simulation/plans.ts';
import { type Intent, Provider } from '#test/simulation/provider.ts';
import { type Life, remote, type Scheduler } from '#test/simulation/scheduler.ts';

export type OfficeOptions = {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly trouble: () => number;
  readonly fault: (kind: FaultKind, about: string) => void;
  readonly trace: (line: string) => void;
  readonly fail: (problem: string) => void;
  /** A way to the event's owner. */
  readonly gatewayOf: (eventId: string) => Gateway;
  /** Counts a course that a booking took. */
  readonly reached: (branch: string) => void;
  /** Whether the committed journal says that this booking's seats are sold. */
  readonly isSold: (bookingId: string) => boolean;
};

type Core = {
  readonly name: string;
  readonly life: Life;
  readonly worker: BookingWorker;
  readonly relay: OutboxRelay;
  readonly desk: Desk;
  readonly orders: OrderDesk;
  readonly sweeper: EventSweepWorker;
};

type CancelRequest = CancelWish & Readonly<Record<'bookingId' | 'buyerId' | 'key', string>>;

/**
 * The bookings: two core nodes that run the production worker, relay, checkout and cancellation
 * over one store, one payment provider, and the messages that were delivered.
 */
export class Office {
  readonly store = new MemoryBookings();
  readonly bundles = new MemoryBundles(this.store);
  readonly provider: Provider;
  /** What the messages service has stored, by key. */
  readonly delivered = new Map<string, Message>();
  /** Bookings whose cancellation, or that of a ticket, was granted or recorded. */
  readonly promised = new Set<string>();
  readonly aftermath: Aftermath;
  readonly #o: OfficeOptions;
  readonly #cores = new Map<string, Core>();

  constructor(options: OfficeOptions) {
    this.#o = options;
    this.aftermath = new Aftermath(options.chance, options.reached);
    issueOffers(this.store.claims);
    this.provider = new Provider({
      ...options,
      mayCapture: (intent) => this.#mayCapture(intent),
      webhook: (bookingId) => this.#webhook(bookingId),
    });
    this.bundles.packages.set(offered.packageId, { limit: offered.limit, taken: 0 });
    for (const name of ['core-1', 'core-2']) this.#boot(name);
  }

  /** Begins a booking, or another attempt; undefined when no answer came. */
  checkout(request: Omit<CheckoutRequest, 'deadline'>): Promise<Booking | string | undefined> {
    const deadline = this.#o.scheduler.serverNow() + 2_500;
    return this.#ask(async ({ desk }) => (await checkout(desk, { ...request, deadline })).booking);
  }

  async cancel(request: CancelRequest): Promise<CancelAnswer | string | undefined> {
    const { bookingId, buyerId, ...wish } = request;
    const answer = await this.#ask(({ desk }) =>
      cancelBooking(desk, () => ownBooking(desk, bookingId, buyerId), wish),
    );
    if (typeof answer === 'object') this.promised.add(bookingId);
    return answer;
  }

  /** Asks for something about bundles: the answer, the code of a refusal, or silence. */
  ofBundles<T>(act: (orders: OrderDesk) => Promise<T>): Promise<T | string | undefined> {
    return this.#ask(({ orders }) => act(orders));
  }

  /** Something befalls a sold booking, or a bank decides about it; answered or not. */
  async befall(b: Booking, act: 'befall' | 'decide' = 'befall'): Promise<void> {
    await this.#ask(({ desk }) => this.aftermath[act](desk, b, this.#o.chance));
  }

  /** One thing befalls one of the core nodes. */
  strike(): void {
    const { scheduler, chance, fault } = this.#o;
    const core = chance.pick([...this.#cores.values()]);
    if (core === undefined) return;
    const { name, life } = core;
    switch (chance.int(1, 5)) {
      case 1:
        this.#crash(core, 'core crash');
        return;
      case 2:
        fault('core pause', name);
        life.pausedUntil = Math.max(life.pausedUntil, scheduler.now + chance.ms(20, 3_000));
        return;
      case 3:
        fault('core stall past its lease', name);
        life.pausedUntil = Math.max(life.pausedUntil, scheduler.now + chance.ms(15_100, 19_000));
        return;
      case 4:
        fault('core clock jump', name);
        life.skew = chance.ms(-4_000, 4_000);
        return;
      default:
        this.#restart(core);
    }
  }

  /** Whether no node is stalled, with requests that it has not looked at yet. */
  get awake(): boolean {
    const { now } = this.#o.scheduler;
    const cores = [...this.#cores.values()];
    return cores.length === 2 && cores.every(({ life }) => life.pausedUntil + 5_000 < now);
  }

  /** Clocks are right again; who is stalled still sleeps to the end of it. */
  settle(): void {
    for (const { life } of this.#cores.values()) life.skew = 0;
  }

  #boot(name: string): void {
    const { scheduler, chance, trace } = this.#o;
    const life = scheduler.born(name);
    const clock = scheduler.clockOf(life);
    const ids = chance.ids();
    const store = this.#storeFor(life);
    const relay = new OutboxRelay({
      outbox: store,
      clock,
      ids,
      deliver: (message) => this.#call(life, async () => this.#deliver(message)),
      gaveUp: ({ key }) => this.#o.fail(`the message ${key} was given up`),
    });
    const inventory = this.#inventoryFor(life);
    const payments = this.provider.port(life);
    const watcher = this.#watcher(name, relay);
    const worker = new BookingWorker({ store, inventory, payments, clock, ids, watcher });
    const events = { of: this.aftermath.eventOf };
    const offers = offersOf(this.store.claims);
    const provider = { reason: () => undefined };
    const sales = { events, offers, provider };
    const desk = { store, worker, relay, inventory, clock, ...sales } as unknown as Desk;
    const bundles = this.#reached(life, this.bundles);
    const ports = { store, bundles, inventory, payments, clock, ids, watcher };
    const isExpected = (error: unknown) => codeOf(error) !== undefined || isUnreachable(error);
    const bundleWatcher = bundleWatcherOf(name, { ...this.#o, isExpected });
    const bundlePorts = { ...ports, bundleWatcher };
    const bundleWorker = new BundleWorker(bundlePorts);
    const orders = { ports: bundlePorts, worker: bundleWorker, ...sales } as unknown as OrderDesk;
    const sweeper = this.aftermath.sweeper(desk, this.#reached(life, this.aftermath.sweeps), ids);
    this.#cores.set(name, { name, life, worker, relay, desk, orders, sweeper });
    trace(`${name} starts`);
    scheduler.after(0, life, () => {
      worker.start();
      bundleWorker.start();
      relay.start();
      sweeper.start();
    });
  }

  #watcher(name: string, relay: OutboxRelay): FlowWatcher {
    const { trace, reached, fail } = this.#o;
    return {
      changed: (before, { bookingId, status, step, version }, messages) => {
        trace(`${name} ${bookingId} v${version} ${before.step} → ${status}/${step}`);
        relay.relay(messages);
      },
      trouble: ({ bookingId, step }, error) => {
        reached(`booking: ${step} → unknown`);
        trace(`${name} ${bookingId} ${step}: ${codeOf(error) ?? String(error)}`);
        if (codeOf(error) === undefined && !(error instanceof Unreachable)) {
          fail(`a defect in step ${step}: ${error}`);
        }
      },
      alarm: ({ bookingId, alarm }) => {
        reached(`booking: alarm ${alarm}`);
        if (alarm !== 'refund-failed') fail(`${bookingId}: ${alarm}`);
      },
    };
  }

  /** The store as one life reaches it; a call may be lost, or its answer. */
  #storeFor(life: Life): MemoryBookings {
    return new Proxy(this.store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.#call(life, async () => {
            const before = name === 'commit' ? this.#present(args[0]) : undefined;
            const result: unknown = await Reflect.apply(member, target, args);
            if (name === 'commit') {
              this.#note(before, args[0], result);
              this.#compare(before, args[1], result);
            }
            return result;
          });
      },
    });
  }

  /** Something as one life reaches it over the network. */
  #reached<T extends object>(life: Life, there: T): T {
    return new Proxy(there, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.#call(life, async () => Reflect.apply(member, target, args));
      },
    });
  }

  #present(change: unknown): Booking | undefined {
    const { bookingId } = (change as { booking: Booking }).booking;
    return this.store.contents.bookings.find((b) => b.bookingId === bookingId);
  }

  #note(before: Booking | undefined, change: unknown, result: unknown): void {
    const { booking } = change as { booking: Booking };
    if (before === undefined) return;
    if (result === 'done' && booking.status !== before.status) this.#noteOffers(booking);
    if (result === 'done') {
      const same = before.step === booking.step && before.status === booking.status;
      const next = same ? 'again' : `${booking.status}/${booking.step}`;
      this.#o.reached(`booking: ${before.step} → ${next}`);
      if (booking.cancelRequested && !before.cancelRequested) {
        this.#o.reached(`booking: cancel wanted during ${before.step}`);
      }
    } else this.#o.reached(`booking: commit ${String(result)}`);
  }

  /** What a writer says stands in the store must be what does: only the difference is written. */
  #compare(present: Booking | undefined, told: unknown, result: unknown): void {
    if (result !== 'done' || told === undefined || isDeepStrictEqual(present, told)) return;
    this.#o.fail(
      `${present?.bookingId}: written over another booking than the one that stood there`,
    );
  }

  /** Counts the ends of bookings that a promo code or a voucher was brought to. */
  #noteOffers({ bill, status, attempts }: Booking): void {
    const { promo, voucher } = bill ?? {};
    const way = attempts[0]?.state === 'unused' ? 'alone' : 'beside a card';
    if (promo !== undefined) this.#o.reached(`booking: promo code → ${status}`);
    if (voucher !== undefined) this.#o.reached(`booking: voucher ${way} → ${status}`);
  }

  #inventoryFor(life: Life): InventoryPort {
    const { scheduler, chance, gatewayOf } = this.#o;
    return {
      execute: <K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>> =>
        new Promise((resolve, reject) => {
          const tell = (act: () => void) => scheduler.after(chance.ms(0.1, 2), life, act);
          void gatewayOf(command.eventId)
            .ask(command, 3)
            .then((reply) => {
              if (reply?.ok === true) return tell(() => resolve(reply.value as ReplyOf<K>));
              const code = codeOf(reply) ?? 'outcome-unknown';
              return tell(() => reject(new UsherError(code, code, reply?.data)));
            });
        }),
    };
  }

  /** A call of a core node to a neighbour; the node may also die just before or after it. */
  #call<T>(life: Life, effect: () => Promise<T>): Promise<T> {
    const { chance, fault, trouble } = this.#o;
    const fate = chance.hits(trouble() / 3) ? chance.int(1, 4) : 0;
    const core = this.#cores.get(life.name);
    const alone = core?.life === life ? core : undefined;
    if (fate === 1) fault('core call: not carried out', life.name);
    if (fate === 2) fault('core call: answer lost', life.name);
    const dies = (): void => {
      if (alone !== undefined && !life.dead) this.#crash(alone, 'core crash at a call');
    };
    return remote({ ...this.#o, life }, async () => {
      if (fate === 1) throw new Unreachable('not carried out');
      if (fate === 3) dies();
      if (fate === 3) throw new Unreachable('dead');
      const value = await effect();
      if (fate === 2) throw new Unreachable('answer lost');
      if (fate === 4) dies();
      return value;
    });
  }

  /** What a buyer asks of one of the core nodes: the answer, the code of a refusal, or silence. */
  #ask<T>(act: (core: Core) => Promise<T>): Promise<T | string | undefined> {
    const { scheduler, chance } = this.#o;
    const cores = [...this.#cores.values()];
    return new Promise((resolve) => {
      scheduler.after(3_000, undefined, () => resolve(undefined));
      if (cores.length === 0) return;
      const core = chance.pick(cores);
      const { life } = core;
      const tell = (answer: T | string | undefined) =>
        scheduler.after(chance.ms(0.1, 4), undefined, () => resolve(answer));
      scheduler.after(chance.ms(0.1, 4), life, () => {
        act(core).then(tell, (error: unknown) => tell(codeOf(error)));
      });
    });
  }

  /** The provider's news, which `payments` has stored and now tells. */
  #webhook(bookingId: string): void {
    const { scheduler, chance } = this.#o;
    const cores = [...this.#cores.values()];
    if (cores.length === 0) return;
    const { life, desk, orders } = chance.pick(cores);
    scheduler.after(0, life, () => {
      if (isBundleId(bookingId)) {
        const heard = orders.ports.bundles.touch(bookingId, desk.clock.now());
        heard.then(() => orders.worker.wake(bookingId)).catch(() => {});
        return;
      }
      const told = desk.store.touch(bookingId, desk.clock.now()).then((known) => {
        if (known) desk.worker.wake(bookingId);
      });
      told.catch(() => {});
    });
  }

  #deliver(message: Message): void {
    const before = this.delivered.get(message.key);
    if (before !== undefined) this.#o.reached('booking: a message came twice');
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(message)) {
      this.#o.fail(`two messages under ${message.key}`);
    }
    this.delivered.set(message.key, message);
  }

  /** All that the intent is for must be sold: of a bundle, every event. */
  #mayCapture({ id, bookingId: paid }: Intent): void {
    const { bookings, tickets } = this.store.contents;
    const parts = bookings.filter(({ bundle }) => bundle?.bundleId === paid);
    const ids = isBundleId(paid) ? parts.map(({ bookingId }) => bookingId) : [paid];
    const written = (bookingId: string): boolean =>
      tickets.some((t) => t.bookingId === bookingId && t.active) && this.#o.isSold(bookingId);
    if (isLaterPart(bookings, paid) || (ids.length > 0 && ids.every(written))) return;
    this.#o.fail(`${id} is captured before its seats are sold`);
  }

  #crash({ name, life }: Core, kind: FaultKind): void {
    const { scheduler, chance, fault } = this.#o;
    fault(kind, name);
    life.dead = true;
    this.#cores.delete(name);
    scheduler.after(chance.ms(50, 4_000), undefined, () => this.#boot(name));
  }

  /** Ends as an operator ends it: steps in flight are finished. */
  #restart({ name, life, worker, relay, orders, sweeper }: Core): void {
    const { scheduler, fault } = this.#o;
    fault('core planned restart', name);
    const again = (): void => {
      if (life.dead) return;
      life.dead = true;
      this.#boot(name);
    };
    scheduler.after(0, life, () => {
      const workers = [sweeper, worker, orders.worker, relay];
      void Promise.all(workers.map((one) => one.drain())).then(again, again);
    });
  }
}

/** The network's failure: the outcome is unknown. */
class Unreachable extends Error {}

const isUnreachable = (error: unknown): boolean => error instanceof Unreachable;
