import { expect, it } from '@jest/globals';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Booking } from '#domain/booking.ts';
import { openBooking, opening } from '#domain/booking-moves.ts';
import { UsherError } from '#domain/errors.ts';
import { makeScopedId } from '#domain/ids.ts';
import type { Command, HoldView } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { providerAway } from '#domain/provider-away.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import type { PaymentsPort } from '#flows/ports.ts';
import { Chance } from '#test/simulation/chance.ts';
import { buyerId, eventId, holdId, Stage, type StageNode } from '#test/unit/actors/stage.ts';
import { FakePayments, type Fate, Mortal, ulid } from '#test/unit/flows/world.ts';

const bookingId = makeScopedId('booking', eventId, ulid(10));
const minutes = 60_000;

/** The real actor of an event, a provider that can go away, and workers, in virtual time. */
class Outage {
  readonly stage = new Stage();
  readonly store = new MemoryBookings();
  readonly provider = new FakePayments();
  away = true;
  /** Which call of its worker the first extension was. */
  extendedAt = 0;
  #node: StageNode | undefined;
  #lives = 0;

  async begin(): Promise<this> {
    this.#node = await this.stage.node('a');
    await this.stage.until(this.execute(this.stage.openCommand()));
    return this;
  }

  async execute(command: Command): Promise<unknown> {
    if (this.#node === undefined) throw new Error('not begun');
    const [reply] = await this.#node.host.execute(eventId, [command]);
    if (reply === undefined) throw new Error('no reply');
    if (!reply.ok) throw new UsherError(reply.code);
    return reply.value;
  }

  hold(n: number, buyer: number): Promise<HoldView> {
    const asked = {
      kind: 'hold',
      holdId: holdId(n),
      fingerprint: 'f',
      buyerId: buyerId(buyer),
      channel: 'public',
      want: { by: 'seats', seats: ['A-1'] },
    } as const;
    return this.stage.until(this.execute(this.stage.command<'hold'>(asked)) as Promise<HoldView>);
  }

  worker(fate?: Fate): BookingWorker {
    const mortal = new Mortal(fate);
    const note = ({ kind }: Command): void => {
      if (kind === 'extend' && this.extendedAt === 0) this.extendedAt = mortal.calls;
    };
    const life = this.stage.scheduler.born(`worker-${++this.#lives}`);
    const execute = (command: Command) => {
      note(command);
      return this.execute(command);
    };
    const inventory = { execute } as unknown as InventoryPort;
    const absent = new Proxy(this.provider, {
      get: (target, name) => {
        if (this.away) throw new UsherError('payment-provider-unavailable');
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const worker = new BookingWorker({
      store: mortal.wrap(this.store),
      inventory: mortal.wrap(inventory),
      payments: mortal.wrap<PaymentsPort>(absent),
      clock: this.stage.scheduler.clockOf(life),
      ids: new Chance(this.#lives).ids(),
      watcher: { changed: () => {}, trouble: () => {}, alarm: () => {} },
    });
    worker.start();
    return worker;
  }

  /** A checkout at the present time, worked on by `worker`. */
  async checkout(worker: BookingWorker): Promise<void> {
    const wish = { key: 'k', token: 'ok', equalSeats: false, attendees: [] };
    const now = this.stage.scheduler.serverNow();
    const booking = opening(openBooking(bookingId, await this.hold(1, 1), wish, undefined, now));
    await this.store.insert(booking);
    worker.run(booking);
  }

  async booking(): Promise<Booking> {
    const found = await this.store.find(bookingId);
    if (found === undefined) throw new Error('no booking');
    return found;
  }

  extensions = async (): Promise<number> =>
    (await this.stage.written()).flat().filter((type) => type === 'extended').length;
}

const outage = () => new Outage().begin();

it('a hold is extended while the provider is away, and the booking goes on when it is back', async () => {
  const world = await outage();
  await world.checkout(world.worker());
  await world.stage.pass(12 * minutes);
  const waiting = await world.booking();
  expect(waiting).toMatchObject({ status: 'pending', reason: providerAway });
  expect(await world.extensions()).toBe(1);
  expect(waiting.holdDeadline - waiting.createdAt).toBeGreaterThan(limits.holdTtlMs);
  await expect(world.hold(2, 2)).rejects.toMatchObject({ code: 'seats-unavailable' });
  world.away = false;
  await world.stage.pass(limits.stepBackoffMaxMs + 2_000);
  const done = await world.booking();
  expect(done).toMatchObject({ status: 'confirmed', step: 'done' });
  expect(done.reason).toBeUndefined();
});

it('at the end of its hold’s life it expires uncharged and its buyer is told', async () => {
  const world = await outage();
  await world.checkout(world.worker());
  await world.stage.pass(limits.holdLifeMs + 30_000);
  expect(await world.booking()).toMatchObject({ status: 'expired', reason: providerAway });
  const { outbox } = world.store.contents;
  expect(outbox.map(({ message }) => message.kind)).toEqual(['payment-unavailable']);
  expect((await world.hold(2, 2)).status).toBe('held');
  world.away = false;
  await world.stage.pass(limits.stepBackoffMaxMs + 2_000);
  expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
  expect([...world.provider.intents.values()].map(({ status }) => status)).toEqual(['canceled']);
});

it('killed at any call while it waits, it is extended and goes on all the same', async () => {
  const calm = await outage();
  await calm.checkout(calm.worker());
  await calm.stage.pass(12 * minutes);
  const { extendedAt } = calm;
  expect(extendedAt).toBeGreaterThan(10);
  const around = (call: number): number[] => [-3, -2, -1, 0, 1, 2, 3].map((n) => call + n);
  for (const at of [1, 2, 3, 4, 5, 6, ...around(extendedAt)]) {
    for (const does of ['die-before', 'die-after'] as const) {
      const world = await outage();
      await world.checkout(world.worker({ at, does }));
      world.worker();
      await world.stage.pass(12 * minutes);
      expect(await world.extensions()).toBe(1);
      world.away = false;
      await world.stage.pass(limits.stepRetryMs + limits.stepBackoffMaxMs + 2_000);
      expect([at, does, (await world.booking()).status]).toEqual([at, does, 'confirmed']);
      expect(world.provider.intents.size).toBe(1);
    }
  }
}, 60_000);
