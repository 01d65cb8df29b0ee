import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '#bench/support/http.ts';
import type { Buyers } from '#ops/chaos/buyers.ts';
import type { History, SeatOp } from '#ops/chaos/history.ts';
import type { MoneyCrowd } from '#ops/chaos/money-crowd.ts';
import {
  cardDeclined,
  cardGood,
  type Held,
  type Kept,
  type OpenCheckout,
  Shopper,
} from '#ops/chaos/shopper.ts';

/** An event as the crowd knows it: its seats in index order. */
export type Stage = { readonly eventId: string; readonly seats: readonly string[] };

export type CrowdOptions = {
  readonly http: HttpClient;
  readonly history: History;
  readonly buyers: Buyers;
  readonly stages: readonly Stage[];
  readonly money: MoneyCrowd;
  readonly clients: number;
  /** So many of the clients pay, the others only reserve, look and release. */
  readonly payers: number;
};

/** Shares of what a client does with a reservation; the rest lets it expire. */
const habits = {
  checkOut: 0.2,
  release: 0.75,
  decline: 0.08,
  keep: 0.2,
  leave: 0.01,
  look: 0.3,
  money: 0.1,
};
const ticketsMax = 3;
/** At most; so many clients keep two cores busy, not beyond what lets answers come in time. */
const thinkMs = 1_000;
/** Of an event's seats, at most this share stays sold: the oldest bookings are cancelled. */
const soldShare = 0.3;

/**
 * Many clients, each of one event and trying one thing after the other: who waits for his event's
 * next owner, or for his money, keeps nobody else waiting.
 */
export class Crowd {
  readonly #o: CrowdOptions;
  readonly #kept = new Map<string, Kept[]>();
  readonly openCheckouts: OpenCheckout[] = [];
  /** Reservations that were granted and left alone: they expire. */
  readonly abandoned: Held[] = [];
  /** Cancels that were accepted; they have ended when their bookings are finished. */
  readonly openCancels: SeatOp[] = [];
  #going = true;

  constructor(options: CrowdOptions) {
    this.#o = options;
  }

  /** Resolves when `stop` was called and everybody has come to an end. */
  async play(): Promise<void> {
    const { stages, clients, payers } = this.#o;
    const lane = async (_: unknown, i: number): Promise<void> => {
      const stage = stages[i % stages.length] as Stage;
      while (this.#going) {
        await this.#journey(stage, i < payers);
        await sleep(Math.random() * thinkMs);
      }
    };
    await Promise.all(Array.from({ length: clients }, lane));
  }

  stop(): void {
    this.#going = false;
  }

  /** Bookings that were told to be confirmed and are to stay. */
  get kept(): readonly Kept[] {
    return [...this.#kept.values()].flat();
  }

  /** One client from its first look to its end; who does not pay only reserves and releases. */
  async #journey(stage: Stage, pays: boolean): Promise<void> {
    if (pays && Math.random() < habits.money) return this.#o.money.journey();
    const { http, history, buyers } = this.#o;
    const buyer = buyers.take();
    const shopper = new Shopper(http, history, buyer);
    const seats = await this.#choose(shopper, stage);
    const leavesWhenUnsure = Math.random() < habits.leave;
    const held = await shopper.reserve(stage.eventId, seats, { ms: 60_000, leavesWhenUnsure });
    if (held === 'refused') buyers.giveBack(buyer);
    if (typeof held === 'string') return;
    if (Math.random() < habits.look) await shopper.read(held);
    const choice = Math.random();
    if (pays && choice < habits.checkOut) await this.#buy(shopper, stage, held);
    else if (choice < habits.checkOut + habits.release) {
      if (await shopper.release(held)) buyers.giveBack(buyer);
    } else this.#abandon(held);
  }

  /** Reserves and releases seats of one event, to see when that works again. */
  async probe(stage: Stage): Promise<void> {
    const { http, history, buyers } = this.#o;
    const buyer = buyers.take();
    const shopper = new Shopper(http, history, buyer);
    const held = await shopper.reserve(stage.eventId, anyOf(stage, 1, 1), { ms: 30_000 });
    if (held === 'refused') buyers.giveBack(buyer);
    if (typeof held === 'string') return;
    if (await shopper.release(held)) buyers.giveBack(buyer);
  }

  #abandon(held: Held): void {
    this.abandoned.push(held);
    if (this.abandoned.length > 500) this.abandoned.shift();
  }

  /** Often the seats that everybody wants, sometimes free ones by the availability. */
  async #choose(shopper: Shopper, stage: Stage): Promise<readonly string[]> {
    const quantity = 1 + Math.floor(Math.random() * ticketsMax);
    if (Math.random() < 0.6) return anyOf(stage, quantity, 2);
    const bits = await shopper.look(stage.eventId, stage.seats.length);
    if (bits === undefined) return anyOf(stage, quantity, 1);
    const start = Math.floor(Math.random() * stage.seats.length);
    const free = stage.seats.flatMap((_, step) => {
      const i = (start + step) % stage.seats.length;
      return (((bits[i >> 2] ?? 255) >> (2 * (i % 4))) & 3) === 0 ? [stage.seats[i] ?? ''] : [];
    });
    return free.length === 0 ? anyOf(stage, quantity, 1) : free.slice(0, quantity);
  }

  async #buy(shopper: Shopper, stage: Stage, held: Held): Promise<void> {
    const declines = Math.random() < habits.decline;
    let end = await shopper.checkOut(held, declines ? cardDeclined : cardGood);
    if (end === 'declined') end = await shopper.checkOut(held, cardGood);
    if (typeof end === 'string') return;
    if ('since' in end) {
      this.openCheckouts.push(end);
      return;
    }
    await this.bought(shopper, stage, end);
  }

  /** What becomes of a booking that was confirmed: cancelled by and by, or kept. */
  async bought(shopper: Shopper, stage: Stage, booking: Kept): Promise<void> {
    if (Math.random() < habits.look) await shopper.read(booking, true);
    if (Math.random() < habits.keep) await this.#keep(stage, booking);
    else await this.#cancel(shopper, booking);
  }

  async #keep(stage: Stage, booking: Kept): Promise<void> {
    const kept = this.#kept.get(stage.eventId) ?? [];
    this.#kept.set(stage.eventId, kept);
    kept.push(booking);
    const sold = kept.reduce((sum, { seats }) => sum + seats.length, 0);
    if (sold <= soldShare * stage.seats.length) return;
    const oldest = kept.shift();
    if (oldest === undefined) return;
    const { http, history } = this.#o;
    await this.#cancel(new Shopper(http, history, oldest.buyer), oldest);
  }

  async #cancel(shopper: Shopper, booking: Kept): Promise<void> {
    const cancelled = await shopper.cancel(booking);
    if (cancelled?.accepted) this.openCancels.push(cancelled.op);
  }
}

/** Neighbours; the greater `crowding` is, the more often those at the front. */
function anyOf(stage: Stage, quantity: number, crowding: number): readonly string[] {
  const last = stage.seats.length - quantity;
  const first = Math.floor(Math.random() ** crowding * last);
  return stage.seats.slice(first, first + quantity);
}
