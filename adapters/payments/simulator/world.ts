import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { FaultPlan } from '#adapters/payments/simulator/faults.ts';
import type { Moment } from '#adapters/payments/simulator/intents.ts';
import type {
  Change,
  ChargeDoc,
  Doc,
  EventDoc,
  IntentDoc,
} from '#adapters/payments/simulator/model.ts';
import type { ObjectStore } from '#adapters/payments/simulator/store.ts';
import type { WebhookSender } from '#adapters/payments/simulator/webhooks.ts';
import { webhookTypes } from '#adapters/payments/webhook-types.ts';

/** The endpoint is subscribed to what Usher listens to; events of other types are not made. */
const enabledEvents: ReadonlySet<string> = new Set(webhookTypes);

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random bytes are drawn in such lots: one by one they cost more than all the rest of an id. */
const chanceBytes = 4_096;

export type WorldOptions = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: ObjectStore;
  readonly plan: FaultPlan;
  readonly sender: WebhookSender;
  /** Where browsers reach the pages; known once the server listens. */
  readonly address: { url: string };
  readonly apiVersion: string;
};

type Request = { readonly id: string | null; readonly idempotencyKey: string | null };

/** The simulator's state and the order in which it changes: one request an intent at a time. */
export class World {
  readonly clock: Clock;
  readonly store: ObjectStore;
  readonly plan: FaultPlan;
  readonly #options: WorldOptions;
  #chance: Uint8Array = new Uint8Array();
  #drawn = 0;
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.store = options.store;
    this.plan = options.plan;
  }

  /** Now, fresh ids and where the pages are, for a transition. */
  moment(): Moment {
    const { clock, address } = this.#options;
    return { now: clock.now(), id: (prefix) => this.newId(prefix), publicUrl: address.url };
  }

  newId(prefix: string, length = 24): string {
    if (this.#chance.length < this.#drawn + length) {
      this.#chance = this.#options.ids.bytes(chanceBytes);
      this.#drawn = 0;
    }
    const end = this.#drawn + length;
    let id = `${prefix}_`;
    for (; this.#drawn < end; this.#drawn++) {
      id += alphabet.charAt((this.#chance[this.#drawn] ?? 0) % alphabet.length);
    }
    return id;
  }

  /** Runs `task` after every earlier one of the same object. */
  async inOrder<T>(id: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(id) ?? Promise.resolve();
    const run = before.then(task, task);
    this.#tails.set(id, run);
    try {
      return await run;
    } finally {
      if (this.#tails.get(id) === run) this.#tails.delete(id);
    }
  }

  chargeOf(intent: IntentDoc): Promise<ChargeDoc | undefined> {
    const { latest_charge: latest } = intent.body;
    return typeof latest === 'string'
      ? this.store.find('charge', latest)
      : Promise.resolve(undefined);
  }

  /** Stores a change with its events and the answer that is kept, then tells the endpoint. */
  async commit(change: Partial<Change>, answer: Doc | undefined, request: Request): Promise<void> {
    const told = (change.events ?? []).filter(({ type }) => enabledEvents.has(type));
    const events = told.map(({ type, object }) => this.#event(type, object, request));
    const kept = answer === undefined ? [] : [answer];
    await this.store.put([...(change.puts ?? []), ...events, ...kept]);
    for (const event of events) this.#options.sender.send(event);
  }

  #event(type: string, object: object, request: Request): EventDoc {
    const now = this.clock.now();
    const created = Math.floor(now / 1000);
    const _id = this.newId('evt');
    const payload = JSON.stringify({
      id: _id,
      object: 'event',
      api_version: this.#options.apiVersion,
      created,
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: request.id, idempotency_key: request.idempotencyKey },
      type,
    });
    return {
      _id,
      kind: 'event',
      created,
      payload,
      type,
      delivery: 'pending',
      tries: 0,
      dueAt: now,
    };
  }
}
