import type { Cancel } from '#adapters/clock/port.ts';
import { settle } from '#adapters/payments/simulator/intents.ts';
import { settleRefund } from '#adapters/payments/simulator/refunds.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const everyMs = 100;
const atOnceMax = 200;
const nobody = { id: null, idempotencyKey: null };

/** Ends what takes time at the bank: `processing` intents, pending and failing refunds. */
export class DueWork {
  readonly #world: World;
  #timer: Cancel = () => {};
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#timer = this.#world.clock.after(everyMs, () => {
      this.#running = this.#round().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { store, clock } = this.#world;
    const due = { dueAt: { $lte: clock.now() } };
    const options = { limit: atOnceMax, sort: { dueAt: 1 } as const };
    try {
      for (const { _id } of await store.query('payment_intent', due, options)) {
        await this.#world.inOrder(_id, () => this.#settleIntent(_id));
      }
      for (const { _id, body } of await store.query('refund', due, options)) {
        const order = typeof body.payment_intent === 'string' ? body.payment_intent : _id;
        await this.#world.inOrder(order, () => this.#settleRefund(_id));
      }
    } catch {
      // The database is away: the next round finds the same.
    }
  }

  async #settleIntent(id: string): Promise<void> {
    const intent = await this.#world.store.find('payment_intent', id);
    if (intent?.body.status !== 'processing') return;
    await this.#world.commit(settle(intent, this.#world.moment()), undefined, nobody);
  }

  async #settleRefund(id: string): Promise<void> {
    const refund = await this.#world.store.find('refund', id);
    if (refund?.dueAt === undefined) return;
    const { charge } = refund.body;
    const of =
      typeof charge === 'string' ? await this.#world.store.find('charge', charge) : undefined;
    await this.#world.commit(settleRefund(refund, of), undefined, nobody);
  }
}
