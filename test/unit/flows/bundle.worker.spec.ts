import { describe, expect, it } from '@jest/globals';
import { type CancelOrder, moved } from '#domain/booking.ts';
import { cancelWhole } from '#domain/bundle-cancel.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import { BundleWorld, bundleContradictions, eventIds } from '#test/unit/flows/bundle-world.ts';

/** A buyer's wish to cancel the whole; workers go on with it. */
async function cancelNow(world: BundleWorld, key = 'cancel-1', order?: CancelOrder) {
  const b = await world.bundle();
  const bookings = await world.bundles.bookings(b.bundleId);
  const tickets = await world.store.tickets(bookings.map(({ bookingId }) => bookingId));
  const decision = cancelWhole(b, bookings, tickets, { key, order }, world.clock.now());
  if (decision.kind !== 'refused' && decision.change !== undefined) {
    expect(await world.bundles.commit(decision.change)).toBe('done');
  }
  return decision;
}

/** The event of one booking is cancelled: the wish stands in that booking. */
async function cancelEvent(world: BundleWorld, n: 0 | 1): Promise<void> {
  const { bundleId } = await world.bundle();
  const [one, two] = await world.bundles.bookings(bundleId);
  const b = n === 0 ? one : two;
  if (b === undefined) throw new Error('no booking');
  const now = world.clock.now();
  const next = moved(b, { cancelRequested: true, dueAt: now }, now);
  const nothing = { issued: [], voided: [], marked: [], entries: [], messages: [], claims: [] };
  const change = { expected: b.version, booking: next, ...nothing, light: false, wait: true };
  expect(await world.store.commit(change)).toBe('done');
}

describe('a cancellation of a bundle', () => {
  it('returns all that was paid, and all seats', async () => {
    const world = new BundleWorld();
    await world.checkout();
    expect(await cancelNow(world)).toMatchObject({ kind: 'done', amount: 7_201 });
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['confirmed', 'refunded', 'refunded']);
    expect(world.payments.of('pi_1').refunded).toBe(7_201);
    expect(world.payments.refunds.size).toBe(2);
    expect(bundleContradictions(world)).toEqual([]);
    expect(await cancelNow(world)).toMatchObject({ kind: 'done', amount: 7_201 });
    expect(await cancelNow(world, 'another')).toMatchObject({ kind: 'refused' });
  });

  it('ends an order uncharged while the buyer is with the bank', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    expect(await cancelNow(world)).toMatchObject({ kind: 'requested' });
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('by support stands above the buyer’s own wish while the payment runs', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    await cancelNow(world);
    const order: CancelOrder = {
      actor: 'usr_support',
      reason: 'cancelled-by-support',
      waiveRules: true,
    };
    expect(await cancelNow(world, 'cancel-2', order)).toMatchObject({ kind: 'requested' });
    expect((await world.bundle()).order?.cancelAs?.order).toEqual(order);
    expect(await cancelNow(world, 'cancel-3')).toEqual({ kind: 'requested', change: undefined });
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect((await world.bundle()).order?.reason).toBe('cancelled-by-support');
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('ends a declined order before its holds do', async () => {
    const world = new BundleWorld();
    await world.checkout('declined');
    await cancelNow(world);
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('waits for an open capture and is done as soon as it has settled', async () => {
    const world = new BundleWorld();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    expect(await cancelNow(world)).toMatchObject({ kind: 'requested' });
    await world.pass(20_000);
    expect(await world.statuses()).toEqual(['selling', 'selling', 'selling']);
    world.payments.captureAs = 'succeeded';
    await world.pass(40_000);
    expect(await world.statuses()).toEqual(['confirmed', 'refunded', 'refunded']);
    expect(bundleContradictions(world)).toEqual([]);
  });
});

describe('an event of a bundle that is cancelled', () => {
  it('before the payment ends the order, uncharged', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    await cancelEvent(world, 1);
    await world.pass(limits.stepBackoffMaxMs + 3_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect((await world.bundle()).order?.reason).toBe('event-cancelled');
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('while the capture is open returns its part once it has settled', async () => {
    const world = new BundleWorld();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    await cancelEvent(world, 1);
    world.payments.captureAs = 'succeeded';
    await world.pass(40_000);
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'refunded']);
    expect(world.payments.of('pi_1').refunded).toBe(2_700);
    const tickets = world.store.contents.tickets.filter((t) => t.active);
    expect(tickets.map((t) => t.eventId)).toEqual([eventIds[0], eventIds[0]]);
  });
});

describe('workers of bundles', () => {
  it('that all begin the same one at once sell it once', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    world.payments.becomes('pi_1', 'requires_capture');
    const { bundleId } = await world.bundle();
    await world.bundles.touch(bundleId, world.clock.now());
    const workers = Array.from({ length: 6 }, () => new BundleWorker(world.ports()));
    for (const worker of workers) worker.wake(bundleId);
    await Promise.all(workers.map((worker) => worker.idle()));
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('leave a booking alone that its bundle leads, however often it is due', async () => {
    const world = new BundleWorld();
    await world.checkout('declined');
    const { bundleId } = await world.bundle();
    for (const { bookingId } of await world.bundles.bookings(bundleId)) {
      await world.store.touch(bookingId, world.clock.now());
    }
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['declined', 'pending', 'pending']);
  });

  it('let others go on at once when they stop', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    world.payments.becomes('pi_1', 'requires_capture');
    const { bundleId } = await world.bundle();
    await world.bundles.touch(bundleId, world.clock.now());
    const worker = new BundleWorker(world.ports());
    worker.wake(bundleId);
    await worker.drain();
    expect(worker.hasRoom).toBe(false);
    const other = new BundleWorker(world.ports());
    await other.sweep();
    await other.idle();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
  });
});

it('while the provider is away all holds are extended, and it goes on when it is back', async () => {
  const world = new BundleWorld();
  const { create } = world.payments;
  world.payments.create = () => Promise.reject(new UsherError('payment-provider-unavailable'));
  await world.checkout();
  const before = [world.events.of(0).hold.deadline, world.events.of(1).hold.deadline];
  await world.pass(limits.holdTtlMs + 60_000);
  expect(await world.statuses()).toEqual(['pending', 'pending', 'pending']);
  for (const n of [0, 1] as const) {
    expect(world.events.of(n).hold.deadline).toBeGreaterThan(before[n] ?? 0);
  }
  world.payments.create = create.bind(world.payments);
  await world.pass(120_000);
  expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
  expect(bundleContradictions(world)).toEqual([]);
});
