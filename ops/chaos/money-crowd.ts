import { randomUUID } from 'node:crypto';
import type { HttpClient } from '#bench/support/http.ts';
import type { Buyer, Buyers } from '#ops/chaos/buyers.ts';
import type { History, OperationKind } from '#ops/chaos/history.ts';
import { type MoneyStage, plans } from '#ops/chaos/money-stage.ts';
import { ask } from '#ops/chaos/requests.ts';
import { cardDeclined, cardGood } from '#ops/chaos/shopper.ts';

/** A booking of the money crowd and what its buyer was told of it. */
export type Told = {
  readonly bookingId: string;
  readonly eventId: string;
  /** Valid tickets that it must have; undefined once an outcome was not learnt. */
  tickets: number | undefined;
  /** Times that money was given beside the tickets; more only where `unsure`. */
  goodwill: number;
  unsure: boolean;
};

type View = {
  readonly bookingId: string;
  readonly eventId: string;
  readonly status: string;
  readonly tickets: readonly { readonly ticketId: string; readonly status: string }[];
  readonly refunds: readonly { readonly no: number; readonly to?: string }[];
};
type BundleView = {
  readonly status: string;
  readonly events: readonly { readonly eventId: string; readonly booking?: View }[];
};
type Asked<T> = { readonly body: T | undefined; readonly unknown: boolean };

const patientMs = 60_000;
const finalMs = 90_000;
const moving = /^(pending|selling|requires)/;
/** Refusals that this crowd runs into without a mistake of its own. */
const expected = /^(promo-code|voucher)-(used-up|not-applicable|inactive)$/;

const chance = (share: number): boolean => Math.random() < share;
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/**
 * Clients for whom money takes other ways than one card for one booking: promo codes, gift
 * vouchers, packages, instalments, single tickets given back, the box office, goodwill, and an
 * event that is cancelled. What they are told is kept in `told`.
 */
export class MoneyCrowd {
  readonly #http: HttpClient;
  readonly #history: History;
  readonly #buyers: Buyers;
  readonly stage: MoneyStage;
  readonly told = new Map<string, Told>();
  /** The event was asked to be cancelled; its bookings end from now on. */
  cancelled = false;

  constructor(http: HttpClient, history: History, buyers: Buyers, stage: MoneyStage) {
    this.#http = http;
    this.#history = history;
    this.#buyers = buyers;
    this.stage = stage;
  }

  /** One client from the first request to the last. */
  async journey(): Promise<void> {
    const way = Math.random();
    if (way < 0.2) await this.#buyBundle();
    else if (way < 0.4) await this.#sellAtTheCounter();
    else await this.#buy();
  }

  /** Cancels the event that is there for it; true once that was answered. */
  async cancelEvent(): Promise<boolean> {
    this.cancelled = true;
    const path = `/v1/organizer/events/${this.stage.cancelledId}/cancel`;
    const { body } = await this.#send('cancel event', this.stage.organizer, path, {}, 180_000);
    return body !== undefined;
  }

  #anyEvent(): string {
    const { eventIds, cancelledId } = this.stage;
    return oneOf(this.cancelled ? eventIds : [...eventIds, cancelledId, cancelledId]);
  }

  async #buy(): Promise<void> {
    const buyer = this.#buyers.take();
    const eventId = this.#anyEvent();
    const best = { quantity: 1 + Math.floor(Math.random() * 3) };
    const { body: held } = await this.#send<{ reservationId: string }>(
      'reserve',
      buyer,
      '/v1/reserve',
      { eventId, best },
    );
    if (held === undefined) return;
    const { reservationId } = held;
    const plan = this.#plan(eventId);
    const extras = this.#extras(plan !== undefined);
    const booking = await this.#order<View>(buyer, async (token) => {
      const payment = { method: 'card', token, ...(plan === undefined ? {} : { plan }) };
      const order = { reservationId, payment, ...extras };
      const kind = 'order with extras';
      const { body } = await this.#send<View>(kind, buyer, '/v1/checkout', order);
      return body && `/v1/bookings/${body.bookingId}`;
    });
    if (booking?.status !== 'confirmed') return;
    await this.#after(buyer, this.#note(booking), booking, plan);
  }

  /** Codes that a buyer brings; the voucher of who pays in parts leaves something to pay. */
  #extras(inParts = false): { promoCode?: string; voucher?: string } {
    const { promoCodes, vouchers } = this.stage;
    const own = inParts || chance(0.5) ? vouchers.small : vouchers.large;
    return {
      ...(chance(0.3) ? { promoCode: oneOf(promoCodes) } : {}),
      ...(chance(0.3) ? { voucher: oneOf(own) } : {}),
    };
  }

  /** Now and then the first card is declined: then another one pays. */
  async #order<T extends { readonly status: string }>(
    buyer: Buyer,
    send: (token: string) => Promise<string | undefined>,
  ): Promise<T | undefined> {
    const cards = chance(0.1) ? [cardDeclined, cardGood] : [cardGood];
    let end: T | undefined;
    for (const card of cards) {
      const path = await send(card);
      end = path === undefined ? undefined : await this.#final<T>(buyer, path);
      if (end?.status !== 'declined') return end;
    }
    return end;
  }

  #plan(eventId: string): string | undefined {
    if (eventId === this.stage.cancelledId || !chance(0.35)) return undefined;
    const soon = chance(0.5) && Date.now() < this.stage.soonAt - patientMs / 6;
    return soon ? plans.soon : plans.later;
  }

  #note({ bookingId, eventId, tickets }: View): Told {
    const told = { bookingId, eventId, tickets: tickets.length, goodwill: 0, unsure: false };
    this.told.set(bookingId, told);
    return told;
  }

  /** What buyers do with what they have: mostly they give it back, by and by. */
  async #after(buyer: Buyer, told: Told, view: View, plan: string | undefined): Promise<void> {
    if (told.eventId === this.stage.cancelledId) return;
    if (plan !== undefined && chance(0.4)) await this.#payOff(buyer, told.bookingId);
    if (chance(0.2)) await this.#goodwill(told);
    if (view.tickets.length > 1 && chance(0.4)) {
      await this.#cancel(buyer, told, [view.tickets[0]?.ticketId ?? '']);
    }
    if (chance(0.7)) await this.#cancel(buyer, told);
  }

  async #payOff(buyer: Buyer, bookingId: string): Promise<void> {
    const payment = { method: 'card', token: chance(0.2) ? cardDeclined : cardGood };
    const path = `/v1/bookings/${bookingId}/instalments/2/pay`;
    await this.#send('pay instalment', buyer, path, { payment });
    await this.#final(buyer, `/v1/bookings/${bookingId}`);
  }

  async #goodwill(told: Told): Promise<void> {
    const amount = { amount: 100 + Math.floor(Math.random() * 400), currency: 'EUR' };
    const path = `/v1/support/bookings/${told.bookingId}/refunds`;
    const reason = 'The heating had failed';
    const { organizer } = this.stage;
    const { body, unknown } = await this.#send('goodwill', organizer, path, { amount, reason });
    if (body !== undefined) told.goodwill++;
    if (unknown) told.unsure = true;
  }

  async #cancel(buyer: Buyer, told: Told, tickets?: readonly string[]): Promise<void> {
    const path = `/v1/bookings/${told.bookingId}/cancel`;
    const wish = tickets === undefined ? {} : { tickets };
    const kind = tickets === undefined ? 'cancel' : 'cancel tickets';
    const { body, unknown } = await this.#send(kind, buyer, path, wish);
    if (unknown) told.tickets = undefined;
    if (body === undefined || told.tickets === undefined) return;
    told.tickets = tickets === undefined ? 0 : told.tickets - tickets.length;
  }

  async #buyBundle(): Promise<void> {
    const buyer = this.#buyers.take();
    const quantity = 1 + Math.floor(Math.random() * 2);
    const path = `/v1/bundles/${this.stage.packageId}/reserve`;
    type Reserved = { bundleId: string };
    const { body: held } = await this.#send<Reserved>('reserve', buyer, path, { quantity });
    if (held === undefined) return;
    const { bundleId } = held;
    const extras = this.#extras();
    const bundle = await this.#order<BundleView>(buyer, async (token) => {
      const order = { bundleId, payment: { method: 'card', token }, ...extras };
      const { body } = await this.#send('order package', buyer, '/v1/bundles/checkout', order);
      return body && `/v1/bundle-orders/${bundleId}`;
    });
    if (bundle?.status !== 'confirmed') return;
    const told = bundle.events.flatMap(({ eventId, booking }) =>
      booking === undefined ? [] : [this.#noted(booking.bookingId, eventId, quantity)],
    );
    await this.#afterBundle(buyer, bundleId, told);
  }

  #noted(bookingId: string, eventId: string, tickets: number): Told {
    const told = { bookingId, eventId, tickets, goodwill: 0, unsure: false };
    this.told.set(bookingId, told);
    return told;
  }

  async #afterBundle(buyer: Buyer, bundleId: string, parts: readonly Told[]): Promise<void> {
    const [first] = parts;
    if (first !== undefined && chance(0.3)) await this.#cancel(buyer, first);
    if (!chance(0.6)) return;
    const path = `/v1/bundle-orders/${bundleId}/cancel`;
    const { body, unknown } = await this.#send('cancel', buyer, path, {});
    for (const part of parts) {
      if (unknown) part.tickets = undefined;
      if (body !== undefined) part.tickets = 0;
    }
  }

  async #sellAtTheCounter(): Promise<void> {
    const { organizer } = this.stage;
    const free = chance(0.3);
    const payment = free ? { method: 'complimentary', reason: 'press' } : { method: 'cash' };
    const best = { quantity: 1 + Math.floor(Math.random() * 3) };
    const eventId = this.#anyEvent();
    const path = `/v1/organizer/events/${eventId}/sales`;
    const { body: sale } = await this.#send<View>('sell for cash', organizer, path, {
      best,
      payment,
    });
    if (sale === undefined) return;
    const at = `/v1/organizer/sales/${sale.bookingId}`;
    const sold = await this.#final<View>(organizer, at);
    if (sold?.status !== 'confirmed') return;
    const told = this.#note(sold);
    if (eventId === this.stage.cancelledId || chance(0.3)) return;
    const { body, unknown } = await this.#send<View>('cancel', organizer, `${at}/cancel`, {});
    if (unknown) told.tickets = undefined;
    if (body === undefined) return;
    told.tickets = 0;
    const cash = body.refunds.find(({ to }) => to === 'cash');
    if (cash === undefined || chance(0.2)) return;
    await this.#send('pay out', organizer, `${at}/refunds/${cash.no}/paid-out`, {});
  }

  /** Waits until the system itself has nothing more to do; undefined: not in this time. */
  async #final<T extends { readonly status: string }>(
    buyer: Buyer,
    path: string,
  ): Promise<T | undefined> {
    const until = Date.now() + finalMs;
    while (Date.now() < until) {
      const token = await buyer.token();
      const request = { method: 'GET', path: `${path}?wait=3`, token } as const;
      const { answer } = await ask<T>(this.#http, this.#history, request, { ms: 5_000 });
      if (answer?.status === 200 && !moving.test(answer.body.status)) return answer.body;
    }
    return undefined;
  }

  async #send<T = object>(
    kind: OperationKind,
    buyer: Buyer,
    path: string,
    body: object,
    ms = patientMs,
  ): Promise<Asked<T>> {
    const history = this.#history;
    const began = history.now();
    const token = await buyer.token();
    const request = { method: 'POST', path, token, body, idempotencyKey: randomUUID() } as const;
    const { answer, uncertainSince } = await ask<T>(this.#http, history, request, { ms });
    const done = answer !== undefined && answer.status < 300;
    history.count(kind, done ? 'ok' : answer === undefined ? 'unknown' : 'fail', began);
    if (done) return { body: answer.body, unknown: false };
    const { status, body: problem } = answer ?? {};
    const fits = status === undefined || status === 409 || status === 410;
    if (!fits && !expected.test(problem?.code ?? '')) {
      history.untruths.push(`${path}: ${status} ${JSON.stringify(problem).slice(0, 300)}`);
    }
    return { body: undefined, unknown: uncertainSince !== undefined };
  }
}
