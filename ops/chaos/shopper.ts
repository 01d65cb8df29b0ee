import { randomUUID } from 'node:crypto';
import type { HttpClient } from '#bench/support/http.ts';
import type { Buyer } from '#ops/chaos/buyers.ts';
import { holdTtlMs } from '#ops/chaos/cluster.ts';
import type { History, SeatOp } from '#ops/chaos/history.ts';
import { ask, type Patience, type Told } from '#ops/chaos/requests.ts';

/** A reservation that a client was granted. */
export type Held = {
  readonly reservationId: string;
  readonly eventId: string;
  readonly seats: readonly string[];
  readonly buyer: Buyer;
  /** Its record, to which the checkout adds. */
  readonly op: SeatOp;
};

/** A booking that was told to be confirmed. */
export type Kept = Held & { readonly bookingId: string };

/** A checkout whose end its client did not see. */
export type OpenCheckout = { readonly held: Held; readonly since: number };

/** `seats` of a reservation are objects, those of a refusal ids. */
type HeldView = { reservationId: string; expiresAt: string; seats?: SeatList };
type SeatList = ReadonlyArray<string | { readonly id: string }>;
type BookingView = { bookingId: string; status: string; reservationId: string };

export const cardGood = 'pm_card_visa';
export const cardDeclined = 'pm_card_visa_chargeDeclined';

const patientMs = 60_000;
const bookingMs = 90_000;
const finalStatuses = new Set(['confirmed', 'declined', 'expired', 'cancelled', 'refunded']);

/** One client: sends requests, repeats them as the API says, and notes what it was told. */
export class Shopper {
  readonly #http: HttpClient;
  readonly #history: History;
  readonly #buyer: Buyer;

  constructor(http: HttpClient, history: History, buyer: Buyer) {
    this.#http = http;
    this.#history = history;
    this.#buyer = buyer;
  }

  /** Tries to reserve these seats; tells what is known when it is not granted. */
  async reserve(
    eventId: string,
    seats: readonly string[],
    patience: Patience = { ms: patientMs },
  ): Promise<Held | 'refused' | 'unknown'> {
    const history = this.#history;
    const began = history.now();
    const request = { body: { eventId, seats }, idempotencyKey: randomUUID() };
    const told = await this.#ask<HeldView>('POST', '/v1/reserve', request, patience);
    const { answer, uncertainSince: since, sent, came } = told;
    if (answer?.status === 200) {
      const { reservationId: h, expiresAt } = answer.body;
      const d = history.at(Date.parse(expiresAt));
      const op = history.note(eventId, seats, { k: 'hold', h, d, c: since ?? sent, r: came });
      history.accepted(eventId, { from: began, at: came });
      history.count('reserve', 'ok', began);
      this.#sameSeats(seats, answer.body);
      return { reservationId: h, eventId, seats, buyer: this.#buyer, op };
    }
    this.#noteRefusal(eventId, seats, request.idempotencyKey, told);
    const unknown = since !== undefined && answer === undefined;
    history.count('reserve', unknown ? 'unknown' : 'fail', began);
    return unknown ? 'unknown' : 'refused';
  }

  #noteRefusal(
    eventId: string,
    seats: readonly string[],
    key: string,
    { answer, uncertainSince: since, sent, came }: Told<HeldView>,
  ): void {
    const history = this.#history;
    const code = answer?.body.code;
    if (since !== undefined) {
      // An earlier attempt may still be on its way, unless its hold is known to have lapsed.
      const end = code === 'reservation-expired' ? { r: came } : {};
      const d = since + holdTtlMs * 1_000;
      history.note(eventId, seats, { k: 'hold?', h: key, c: since, d, ...end });
    }
    if (code === 'seats-unavailable') {
      const named = idsOf(answer?.body.seats);
      const free = seats.filter((seat) => !named.includes(seat));
      history.note(eventId, named, { k: 'taken', c: sent, r: came });
      history.note(eventId, free, { k: 'free', c: sent, r: came });
    }
  }

  #sameSeats(wanted: readonly string[], { reservationId, seats }: HeldView): void {
    const given = idsOf(seats).sort();
    if (given.join() === [...wanted].sort().join()) return;
    this.#history.untruths.push(`${reservationId} was asked for ${wanted}, is for ${given}`);
  }

  /** Gives a reservation back; false when it is not known to be over. */
  async release({ eventId, seats, reservationId }: Held): Promise<boolean> {
    const history = this.#history;
    const began = history.now();
    const path = `/v1/reservations/${reservationId}`;
    const told = await this.#ask('DELETE', path, {}, { ms: patientMs });
    const { answer, uncertainSince: since, sent, came } = told;
    const note = (k: SeatOp['k'], span: { c: number; r?: number }): void => {
      history.note(eventId, seats, { k, h: reservationId, ...span });
    };
    if (answer?.status === 204) {
      note('release', { c: since ?? sent, r: came });
    } else if (answer === undefined) {
      if (since !== undefined) note('release?', { c: since });
    } else if (answer.body.code === 'reservation-expired') {
      note('ended', { c: sent, r: came });
    } else {
      history.untruths.push(`${reservationId}, held, could not be released: ${described(told)}`);
    }
    const unknown = answer === undefined && since !== undefined;
    history.count('release', answer?.status === 204 ? 'ok' : unknown ? 'unknown' : 'fail', began);
    return answer !== undefined;
  }

  /** Reads a reservation that this client holds, or (`booked`) has a confirmed booking of. */
  async read(held: Held, booked = false): Promise<void> {
    const history = this.#history;
    const began = history.now();
    const { eventId, seats, reservationId } = held;
    const path = `/v1/reservations/${reservationId}`;
    const told = await this.#ask<{ status: string }>('GET', path, {}, { ms: patientMs });
    const { answer, sent, came } = told;
    const note = (k: SeatOp['k']): void => {
      history.note(eventId, seats, { k, h: reservationId, c: sent, r: came });
    };
    if (answer?.status === 200 && answer.body.status === 'held') note('held');
    else if (answer?.status === 200 && answer.body.status === 'sold') note('sold');
    else if (answer?.body.code === 'reservation-expired' && !booked) note('ended');
    else if (answer !== undefined) {
      history.untruths.push(`${reservationId} was granted, now reads ${described(told)}`);
    }
    history.count('read reservation', answer === undefined ? 'unknown' : 'ok', began);
  }

  /** Pays for a reservation and waits for the tickets. */
  async checkOut(held: Held, card: string): Promise<Kept | 'declined' | 'not sold' | OpenCheckout> {
    const history = this.#history;
    const began = history.now();
    held.op.p ??= began;
    const open: OpenCheckout = { held, since: began };
    const body = { reservationId: held.reservationId, payment: { method: 'card', token: card } };
    const told = await this.#ask<BookingView>(
      'POST',
      '/v1/checkout',
      { body, idempotencyKey: randomUUID() },
      { ms: patientMs },
    );
    const { answer, uncertainSince: since, sent, came } = told;
    if (answer?.status === 202) {
      const end = await this.#untilFinal(answer.body.bookingId);
      const outcome = end === undefined ? 'unknown' : end === 'confirmed' ? 'ok' : 'fail';
      history.count('checkout', outcome, began);
      if (end === undefined) return open;
      return this.bookingEnded(open, answer.body.bookingId, end);
    }
    if (answer?.body.code === 'reservation-expired' && since === undefined) {
      const { eventId, seats, reservationId: h } = held;
      history.note(eventId, seats, { k: 'ended', h, c: sent, r: came });
      history.count('checkout', 'fail', began);
      return 'not sold';
    }
    history.count('checkout', answer === undefined ? 'unknown' : 'fail', began);
    return open;
  }

  /** Notes what a booking has come to, as far as this client can see. */
  bookingEnded(
    open: OpenCheckout,
    bookingId: string,
    status: string,
  ): Kept | 'declined' | 'not sold' {
    const { eventId, seats, reservationId: h, op } = open.held;
    const span = { h, c: open.since, r: this.#history.now(), d: op.d ?? 0 };
    if (status === 'confirmed') {
      this.#history.note(eventId, seats, { k: 'sell', ...span });
      return { ...open.held, bookingId };
    }
    if (status === 'declined') return 'declined';
    // The seats may have been sold and given back meanwhile.
    this.#history.note(eventId, seats, { k: 'sell?', ...span });
    this.#history.note(eventId, seats, { k: 'cancel?', h, c: open.since });
    return 'not sold';
  }

  async #untilFinal(bookingId: string): Promise<string | undefined> {
    const until = this.#history.now() + bookingMs * 1_000;
    while (this.#history.now() < until) {
      const path = `/v1/bookings/${bookingId}?wait=3`;
      const { answer } = await this.#ask<BookingView>('GET', path, {}, { ms: 5_000 });
      const status = answer?.status === 200 ? answer.body.status : undefined;
      if (status !== undefined && finalStatuses.has(status)) return status;
    }
    return undefined;
  }

  /** The booking of a reservation of mine, by the list of all that I have. */
  async bookingOf({ reservationId }: Held): Promise<BookingView | undefined> {
    const told = await this.#ask<{ items: BookingView[] }>(
      'GET',
      '/v1/bookings?limit=100',
      {},
      { ms: patientMs },
    );
    return told.answer?.body.items?.find((b) => b.reservationId === reservationId);
  }

  /** Cancels a confirmed booking; `accepted`: the seats will be free, at some later time. */
  async cancel(
    kept: Kept,
  ): Promise<{ readonly op: SeatOp; readonly accepted: boolean } | undefined> {
    const history = this.#history;
    const { eventId, seats, reservationId: h, bookingId } = kept;
    const began = history.now();
    const request = { body: {}, idempotencyKey: randomUUID() };
    const path = `/v1/bookings/${bookingId}/cancel`;
    const told = await this.#ask('POST', path, request, { ms: patientMs });
    const { answer, uncertainSince: since } = told;
    const accepted = answer?.status === 202;
    const unknown = !accepted && since !== undefined;
    history.count('cancel', accepted ? 'ok' : unknown ? 'unknown' : 'fail', began);
    if (!accepted && !unknown) {
      if (answer !== undefined)
        history.untruths.push(`${bookingId}: no cancel, ${described(told)}`);
      return undefined;
    }
    const k = accepted ? 'cancel' : 'cancel?';
    return { op: history.note(eventId, seats, { k, h, c: since ?? told.sent }), accepted };
  }

  /** The statuses of all seats as the public sees them, two bits each; undefined: no answer. */
  async look(eventId: string, capacity: number): Promise<Buffer | undefined> {
    type View = { seats: string; counts: Readonly<Record<string, number>> };
    const began = this.#history.now();
    const path = `/v1/events/${eventId}/availability`;
    const { answer } = await this.#ask<View>('GET', path, {}, { ms: 5_000 });
    const seen = answer?.status === 200 ? answer.body : undefined;
    this.#history.count('read availability', seen === undefined ? 'fail' : 'ok', began);
    if (seen === undefined) return undefined;
    const sum = Object.values(seen.counts).reduce((a, b) => a + b, 0);
    if (sum !== capacity) {
      this.#history.untruths.push(`${eventId} of ${capacity} seats counts ${sum}`);
    }
    return Buffer.from(String(seen.seats), 'base64');
  }

  async #ask<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    request: { body?: unknown; idempotencyKey?: string },
    patience: Patience,
  ): Promise<Told<T>> {
    const token = await this.#buyer.token();
    return ask<T>(this.#http, this.#history, { method, path, token, ...request }, patience);
  }
}

const idsOf = (seats: SeatList = []): string[] =>
  seats.map((seat) => (typeof seat === 'string' ? seat : seat.id));

const described = ({ answer }: Told<unknown>): string =>
  `${answer?.status} ${JSON.stringify(answer?.body).slice(0, 200)}`;
