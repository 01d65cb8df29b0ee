import type { Tally } from '#bench/onsale/tally.ts';
import type { Answer, HttpClient } from '#bench/support/http.ts';

/** How a crowd behaves, as shares of 1. */
export type Habits = {
  readonly abandon: number;
  readonly decline: number;
  readonly cancel: number;
  readonly best: number;
  readonly ticketsMax: number;
};

export type ChartView = {
  readonly seats: ReadonlyArray<{ id: string; section: string; row: string }>;
  readonly areas: ReadonlyArray<{ id: string; first: number; count: number }>;
};

type Price = { total: { amount: number; currency: string } };
type Held = { reservationId: string; seats: { id: string }[]; price: Price };
type Problem = { code?: string };
type BookingView = {
  bookingId: string;
  status: string;
  tickets: { ticketId: string; seat: { id: string }; status: string }[];
};

/** What all buyers of one on-sale share. */
export type Sale = {
  readonly http: HttpClient;
  readonly eventId: string;
  readonly chart: ChartView;
  readonly habits: Habits;
  readonly tally: Tally;
  /** The crowd gives up on anything that takes longer; epoch ms. */
  readonly until: number;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const final = new Set(['confirmed', 'declined', 'expired', 'cancelled', 'refunded']);

/** One person with a token who tries to get tickets: look, reserve, pay or walk away. */
export class Buyer {
  readonly #sale: Sale;
  readonly #name: string;
  readonly #token: string;
  #requests = 0;

  constructor(sale: Sale, name: string, token: string) {
    this.#sale = sale;
    this.#name = name;
    this.#token = token;
  }

  async play(): Promise<void> {
    const { tally, habits } = this.#sale;
    const held = await this.#reserve();
    if (held === undefined) return;
    if (Math.random() < habits.abandon) {
      tally.count('abandoned');
      if (Math.random() < 0.5)
        await this.#ask('release', 'DELETE', `/v1/reservations/${held.reservationId}`);
      return;
    }
    const booking = await this.#pay(held);
    if (booking === undefined) return;
    tally.confirmed(
      this.#name,
      booking.bookingId,
      booking.tickets.map((t) => t.seat.id),
    );
    if (Math.random() < habits.cancel) await this.#cancel(booking);
  }

  async #reserve(): Promise<Held | undefined> {
    const { tally, habits, eventId } = this.#sale;
    const quantity = 1 + Math.floor(Math.random() * habits.ticketsMax);
    for (let attempt = 0; attempt < 4 && Date.now() < this.#sale.until; attempt++) {
      const choice = await this.#choose(quantity);
      if (choice === undefined) break;
      const answer = await this.#ask<Held & Problem>('reserve', 'POST', '/v1/reserve', {
        eventId,
        ...choice,
      });
      tally.count('attempts');
      if (answer?.status === 200) {
        tally.held(answer.body.seats.length);
        return answer.body;
      }
      tally.refused(answer?.body.code ?? `status ${answer?.status ?? 'none'}`);
      if (answer?.body.code === 'sold-out' && quantity === 1) break;
    }
    return undefined;
  }

  /** Best available for some, else free neighbours picked from the availability; none when full. */
  async #choose(quantity: number): Promise<object | undefined> {
    const { habits, chart, eventId } = this.#sale;
    if (chart.seats.length === 0) return this.#chooseArea(quantity);
    if (Math.random() < habits.best) return { best: { quantity } };
    const answer = await this.#ask<{ seats: string; counts: { available: number } }>(
      'availability',
      'GET',
      `/v1/events/${eventId}/availability`,
    );
    if (answer?.status !== 200) return { best: { quantity } };
    if (answer.body.counts.available === 0) return undefined;
    const seats = freeNeighbours(chart, Buffer.from(answer.body.seats, 'base64'), quantity);
    return seats.length === 0 ? { best: { quantity } } : { seats };
  }

  #chooseArea(quantity: number): object | undefined {
    const areas = this.#sale.chart.areas;
    const area = areas[Math.floor(Math.random() * areas.length)];
    return area === undefined ? undefined : { area: area.id, quantity };
  }

  async #pay(held: Held): Promise<BookingView | undefined> {
    const { tally, habits } = this.#sale;
    const declines = Math.random() < habits.decline;
    const started = performance.now();
    const card = declines ? 'pm_card_visa_chargeDeclined' : 'pm_card_visa';
    let booking = await this.#checkout(held, card);
    if (booking !== 'refused' && booking?.status === 'declined') {
      tally.count('declined');
      booking = await this.#checkout(held, 'pm_card_visa');
    }
    if (booking === 'refused') return undefined;
    if (booking?.status === 'confirmed') {
      tally.time('checkout to tickets', performance.now() - started);
      return booking;
    }
    tally.count(booking === undefined ? 'booking unknown' : `ended ${booking.status}`);
    return undefined;
  }

  async #checkout(held: Held, card: string): Promise<BookingView | 'refused' | undefined> {
    const answer = await this.#ask<BookingView & Problem>('checkout', 'POST', '/v1/checkout', {
      reservationId: held.reservationId,
      payment: { method: 'card', token: card },
    });
    if (answer?.status === 202) return this.#await(answer.body.bookingId);
    this.#sale.tally.refused(`checkout ${answer?.body.code ?? answer?.status ?? 'no answer'}`);
    return 'refused';
  }

  async #await(bookingId: string): Promise<BookingView | undefined> {
    while (Date.now() < this.#sale.until) {
      const answer = await this.#ask<BookingView>(
        'watch',
        'GET',
        `/v1/bookings/${bookingId}?wait=10`,
      );
      if (answer?.status === 200 && final.has(answer.body.status)) return answer.body;
      if (answer?.status !== 200) await pause(200);
    }
    return undefined;
  }

  async #cancel(booking: BookingView): Promise<void> {
    const { tally } = this.#sale;
    tally.cancelling(booking.bookingId);
    const path = `/v1/bookings/${booking.bookingId}/cancel`;
    const answer = await this.#ask<Problem>('cancel', 'POST', path, {});
    if (answer?.status === 202) {
      tally.count('cancelled');
      return;
    }
    tally.refused(`cancel ${answer?.body.code ?? answer?.status ?? 'no answer'}`);
    if (answer !== undefined && answer.status < 500) {
      tally.cancelRefused(this.#name, booking.bookingId);
    }
  }

  /** One request; sent again with the same key while the answer is "try again". */
  async #ask<T = Record<string, unknown>>(
    kind: string,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer<T> | undefined> {
    const idempotencyKey = `${this.#name}-${this.#requests++}`;
    let answer: Answer<T> | undefined;
    for (let attempt = 0; attempt < 8; attempt++) {
      const started = performance.now();
      answer = await this.#sale.http
        .send<T>(method, path, {
          token: this.#token,
          ...(method === 'POST' ? { body, idempotencyKey } : {}),
        })
        .catch(() => undefined);
      this.#sale.tally.time(kind, performance.now() - started);
      if (answer !== undefined && answer.status !== 503 && answer.status !== 429) return answer;
      this.#sale.tally.count('retries');
      await pause(Math.min(3_000, 100 * 2 ** attempt) * (0.5 + Math.random() / 2));
    }
    return answer;
  }
}

/** Up to `quantity` neighbouring available seats of one row, from a random place on. */
function freeNeighbours(chart: ChartView, bits: Uint8Array, quantity: number): string[] {
  const free = (i: number): boolean => (((bits[i >> 2] ?? 255) >> (2 * (i % 4))) & 3) === 0;
  const total = chart.seats.length;
  const start = Math.floor(Math.random() * total);
  let best: number[] = [];
  let run: number[] = [];
  for (let step = 0; step < total; step++) {
    const i = (start + step) % total;
    const seat = chart.seats[i];
    const last = chart.seats[run.at(-1) ?? -1];
    if (
      !free(i) ||
      (last !== undefined && (last.row !== seat?.row || last.section !== seat.section))
    ) {
      run = [];
    }
    if (free(i)) run.push(i);
    if (run.length > best.length) best = [...run];
    if (best.length === quantity) break;
  }
  return best.map((i) => chart.seats[i]?.id ?? '');
}
