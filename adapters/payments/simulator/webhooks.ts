import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { FaultPlan } from '#adapters/payments/simulator/faults.ts';
import type { EventDoc } from '#adapters/payments/simulator/model.ts';
import type { ObjectStore } from '#adapters/payments/simulator/store.ts';

export type WebhookTarget = { readonly url: URL; readonly secret: string };

const triesMax = 16;
const backoffMs = { first: 500, max: 60_000 };
const answerTimeoutMs = 10_000;
const sweepEveryMs = 1_000;
const noteEveryMs = 100;
const inHandMax = 5_000;
/** An endpoint may take its time before it answers. */
const sendingMax = 512;

/** `t=…,v1=…` over `<t>.<payload>` with HMAC-SHA256, as Stripe signs. */
function signatureOf(payload: string, secret: KeyObject, nowMs: number): string {
  const t = Math.floor(nowMs / 1000);
  const v1 = createHmac('sha256', secret).update(`${t}.${payload}`).digest('hex');
  return `t=${t},v1=${v1}`;
}

/** One delivery; true once it was answered with a 2xx. */
class Delivery implements Dispatcher.DispatchHandler {
  readonly answered = Promise.withResolvers<boolean>();
  #taken = false;

  onRequestStart(): void {}

  onResponseStart(_: Dispatcher.DispatchController, status: number): void {
    this.#taken = status >= 200 && status < 300;
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.answered.resolve(this.#taken);
  }

  onResponseError(): void {
    this.answered.resolve(false);
  }
}

/** Sends events to the one endpoint until it answers 2xx, as the stored deliveries say. */
export class WebhookSender {
  readonly #path: string;
  readonly #secret: KeyObject;
  readonly #clock: Clock;
  readonly #store: ObjectStore;
  readonly #plan: FaultPlan;
  readonly #pool: Pool;
  readonly #inHand = new Set<string>();
  readonly #queue: { readonly event: EventDoc; readonly tell: boolean }[] = [];
  #delivered: string[] = [];
  #noteTimer: Cancel = () => {};
  #sending = 0;
  #timer: Cancel = () => {};
  #stopped = false;

  constructor(target: WebhookTarget, clock: Clock, store: ObjectStore, plan: FaultPlan) {
    const { origin, pathname, search } = target.url;
    this.#path = pathname + search;
    this.#secret = createSecretKey(target.secret, 'utf8');
    this.#clock = clock;
    this.#store = store;
    this.#plan = plan;
    this.#pool = new Pool(origin, {
      connections: sendingMax,
      pipelining: 1,
      allowH2: false,
      connectTimeout: answerTimeoutMs,
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
    });
  }

  /** Takes up again what an earlier process left, then every second what is due. */
  start(): void {
    this.#timer = this.#clock.after(sweepEveryMs, () => void this.#sweep());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer();
    this.#noteTimer();
    await this.#flush();
    await this.#pool.destroy();
  }

  /** Sends an event that was stored just now. Beyond the bound the sweep takes it up. */
  send(event: EventDoc): void {
    if (this.#inHand.size >= inHandMax) return;
    const delays = this.#plan.webhookDelaysMs();
    if (delays.length === 0) {
      void this.#note(event._id, { delivery: 'lost' }, { dueAt: '' });
      return;
    }
    this.#inHand.add(event._id);
    delays.forEach((delay, index) => {
      const task = () => this.#enqueue(event, index === 0);
      if (delay === 0) task();
      else this.#clock.after(delay, task);
    });
  }

  async #sweep(): Promise<void> {
    try {
      const due = await this.#store.query(
        'event',
        { delivery: 'pending', dueAt: { $lte: this.#clock.now() } },
        { limit: 500, sort: { dueAt: 1 } },
      );
      for (const event of due) {
        if (this.#inHand.has(event._id)) continue;
        this.#inHand.add(event._id);
        this.#enqueue(event, true);
      }
    } catch {
      // The database is away: the next sweep finds the same.
    }
    if (!this.#stopped) this.start();
  }

  #enqueue(event: EventDoc, tell: boolean): void {
    this.#queue.push({ event, tell });
    this.#pump();
  }

  #pump(): void {
    while (this.#sending < sendingMax && !this.#stopped) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#sending++;
      void this.#attempt(next.event, next.tell).finally(() => {
        this.#sending--;
        this.#pump();
      });
    }
  }

  async #attempt(event: EventDoc, tell: boolean): Promise<void> {
    const delivered = await this.#post(event.payload);
    if (!tell) return;
    const tries = event.tries + 1;
    if (delivered) {
      this.#noteDelivered(event._id);
      return;
    }
    if (tries >= triesMax) {
      await this.#note(event._id, { delivery: 'given-up', tries }, { dueAt: '' });
    } else {
      const wait = Math.min(backoffMs.first * 2 ** event.tries, backoffMs.max);
      await this.#note(event._id, { tries, dueAt: this.#clock.now() + wait });
    }
    this.#inHand.delete(event._id);
  }

  /** Deliveries are noted together; until then they stay in hand, and no sweep sends them again. */
  #noteDelivered(id: string): void {
    this.#delivered.push(id);
    if (this.#delivered.length > 1) return;
    this.#noteTimer = this.#clock.after(noteEveryMs, () => void this.#flush());
  }

  async #flush(): Promise<void> {
    const ids = this.#delivered;
    this.#delivered = [];
    await this.#store.delivered(ids).catch(() => {});
    for (const id of ids) this.#inHand.delete(id);
  }

  async #note(id: string, set: object, unset: Readonly<Record<string, ''>> = {}): Promise<void> {
    // Not noted means sent again: Stripe promises no more than at least once either.
    await this.#store.patch(id, set, unset).catch(() => {});
  }

  #post(payload: string): Promise<boolean> {
    const delivery = new Delivery();
    this.#pool.dispatch(
      {
        method: 'POST',
        path: this.#path,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signatureOf(payload, this.#secret, this.#clock.now()),
        },
        body: payload,
      },
      delivery,
    );
    return delivery.answered.promise;
  }
}
