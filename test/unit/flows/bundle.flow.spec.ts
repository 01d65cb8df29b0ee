import { describe, expect, it } from '@jest/globals';
import { retried } from '#domain/booking-moves.ts';
import { withOrder } from '#domain/bundle-moves.ts';
import { balancesOf } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import {
  BundleWorld,
  bundleContradictions,
  eventIds,
  orderCourses,
} from '#test/unit/flows/bundle-world.ts';
import { Mortal } from '#test/unit/flows/world.ts';

const total = 8_001 - 800;
const kinds = (world: BundleWorld): string[] =>
  world.store.contents.outbox.map((row) => row.message.kind);

describe('an order of a package', () => {
  it('sells all events and is charged once, at the price of the package', async () => {
    const world = new BundleWorld();
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.of('pi_1')).toMatchObject({ status: 'succeeded', amount: total });
    expect(world.payments.intents.size).toBe(1);
    expect(kinds(world)).toEqual(['booking-confirmed', 'booking-confirmed']);
    const own = eventIds.map((eventId) => {
      const ledger = world.store.contents.ledger.filter((entry) => entry.eventId === eventId);
      return balancesOf(ledger).provider;
    });
    expect(own).toEqual([4_501, 2_700]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('needs no payment when all of it is free', async () => {
    const world = new BundleWorld([0, 0]);
    await world.checkout();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(world.payments.intents.size).toBe(0);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('confirms a free event only with the money for the others', async () => {
    const world = new BundleWorld([0, 3_000]);
    world.payments.captureAs = 'refused';
    await world.checkout();
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it.each([0, 1] as const)('ends uncharged when event %i refuses the sale', async (n) => {
    const world = new BundleWorld();
    const held = world.events.of(n);
    held.soldTo.set(0, 'another');
    await world.checkout();
    await world.pass(5_000);
    held.soldTo.delete(0);
    expect(await world.statuses()).toEqual(['expired', 'expired', 'expired']);
    expect(world.payments.of('pi_1').status).toBe('canceled');
    expect(world.store.contents.ledger).toEqual([]);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it.each([0, 1] as const)(
    'ends without an intent when the hold of event %i is gone',
    async (n) => {
      const world = new BundleWorld();
      const held = await world.reserve();
      world.events.of(n).state = 'released';
      await world.checkout().catch(() => undefined);
      await world.pass(5_000);
      expect(held.step).toBe('held');
      expect(await world.statuses()).toEqual(['expired', 'expired', 'expired']);
      expect(world.payments.intents.size).toBe(0);
      expect(bundleContradictions(world)).toEqual([]);
    },
  );

  it('rests after a decline and is confirmed by another attempt', async () => {
    const world = new BundleWorld();
    await world.checkout('declined');
    expect(await world.statuses()).toEqual(['declined', 'pending', 'pending']);
    const b = await world.bundle();
    if (b.order === undefined) throw new Error('no order');
    const now = world.clock.now();
    const next = withOrder(b, retried(b.order, world.wish('ok', 'key-2'), now), now);
    expect(await world.bundles.commit(next)).toBe('done');
    const worker = new BundleWorker(world.ports());
    worker.run(next.bundle);
    await worker.idle();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('expires with its holds when no other attempt comes', async () => {
    const world = new BundleWorld();
    await world.checkout('declined');
    await world.pass(limits.holdTtlMs + 5_000);
    expect(await world.statuses()).toEqual(['expired', 'expired', 'expired']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('waits for 3-D Secure and goes on at once with a webhook', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    expect(await world.statuses()).toEqual(['requires_action', 'pending', 'pending']);
    await world.pass(30_000);
    world.payments.becomes('pi_1', 'requires_capture');
    const { bundleId } = await world.bundle();
    expect(await world.bundles.touch(bundleId, world.clock.now())).toBe(true);
    const worker = new BundleWorker(world.ports());
    worker.wake(bundleId);
    await worker.idle();
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('gives back what comes in after its holds have ended', async () => {
    const world = new BundleWorld();
    await world.checkout('slow');
    await world.pass(limits.holdTtlMs + 5_000);
    expect(await world.statuses()).toEqual(['expired', 'expired', 'expired']);
    world.payments.becomes('pi_1', 'succeeded');
    await world.pass(limits.stepBackoffMaxMs + 1_000);
    expect(world.payments.of('pi_1').refunded).toBe(total);
    expect(bundleContradictions(world)).toEqual([]);
  });
});

describe('a capture of a bundle', () => {
  it('that is refused undoes all sales once the intent is cancelled', async () => {
    const world = new BundleWorld();
    world.payments.captureAs = 'refused';
    await world.checkout();
    await world.pass(5_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    const [member] = world.store.contents.bookings;
    expect(member?.reason).toBe('capture-failed');
    expect(kinds(world)).toEqual(['payment-undone', 'payment-undone']);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('whose outcome is unknown is asked again and never undone', async () => {
    const world = new BundleWorld();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    await world.pass(30 * 60_000);
    expect(await world.statuses()).toEqual(['selling', 'selling', 'selling']);
    expect(world.store.contents.tickets.filter((t) => t.active)).toHaveLength(4);
    world.payments.captureAs = 'unknown-but-done';
    await world.pass(40_000);
    expect(await world.statuses()).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(bundleContradictions(world)).toEqual([]);
  });
});

describe('a broken invariant', () => {
  it('a ticket that exists twice: all seats blocked, nobody charged, an alarm', async () => {
    const world = new BundleWorld();
    await world.checkout('3ds');
    await plantTicket(world);
    world.payments.becomes('pi_1', 'requires_capture');
    await world.pass(limits.stepBackoffMaxMs + 3_000);
    expect(await world.statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(world.alarms).toContain('place-taken');
    expect(world.payments.of('pi_1').status).toBe('canceled');
    expect([...world.events.of(0).blocked, ...world.events.of(1).blocked]).toEqual([0, 1, 0, 1]);
  });
});

/** A ticket of the second event that its actor knows nothing of: what must never happen. */
async function plantTicket(world: BundleWorld): Promise<void> {
  const other = new BundleWorld();
  await other.checkout();
  const ticket = other.store.contents.tickets.find((t) => t.eventId === eventIds[1]);
  const [booking] = world.store.contents.bookings;
  if (ticket === undefined || booking === undefined) throw new Error('nothing to plant');
  const change = {
    expected: booking.version,
    booking: { ...booking, version: booking.version + 1 },
    issued: [{ ...ticket, ticketId: 'tkt_planted', bookingId: 'bkg_other' }],
    voided: [],
    marked: [],
    entries: [],
    messages: [],
    claims: [],
    light: false,
    wait: true,
  };
  expect(world.store.commitAll([change], 0)).toBe('done');
}

describe('killed at any call', () => {
  it.each(orderCourses)(
    'a bundle that %s is sold as a whole or not at all',
    async (...row) => {
      const [name, token, captureAs, end] = row;
      for (const does of ['die-before', 'die-after'] as const) {
        for (let at = 1; ; at++) {
          const world = new BundleWorld();
          world.payments.captureAs = captureAs;
          if (name === 'is refused the second event') {
            world.events.of(1).soldTo.set(0, 'another');
          }
          const mortal = new Mortal({ at, does });
          await world.checkout(token, mortal);
          const died = mortal.dead;
          await world.pass(limits.holdLifeMs + 60_000);
          world.events.of(1).soldTo.forEach((owner, place, sold) => {
            if (owner === 'another') sold.delete(place);
          });
          const about = `${name}, ${does} at call ${at}`;
          expect([about, ...(await world.statuses())]).toEqual([about, end, end, end]);
          expect([about, ...bundleContradictions(world)]).toEqual([about]);
          if (!died) break;
        }
      }
    },
    60_000,
  );
});
