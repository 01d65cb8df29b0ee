import { describe, expect, it } from '@jest/globals';
import { retried } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, World } from '#test/unit/flows/world.ts';

const kinds = (world: World): string[] =>
  world.store.contents.outbox.map((row) => row.message.kind);

describe('a booking', () => {
  it('goes from hold to tickets and is charged once', async () => {
    const world = new World(5_001);
    await world.checkout();
    const booking = await world.booking();
    expect(booking).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(booking.dueAt).toBeUndefined();
    expect(world.store.contents.tickets.map((t) => t.paid)).toEqual([2501, 2500]);
    expect(kinds(world)).toEqual(['booking-confirmed']);
    expect(contradictions(world)).toEqual([]);
  });

  it('needs no payment when it costs nothing', async () => {
    const world = new World(0);
    await world.checkout();
    expect(await world.booking()).toMatchObject({ status: 'confirmed' });
    expect(world.payments.intents.size).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });

  it('expires without an intent when its hold is gone', async () => {
    const world = new World();
    world.event.state = 'released';
    await world.checkout();
    const { status, reason, attempts } = await world.booking();
    expect({ status, reason }).toEqual({ status: 'expired', reason: 'reservation-released' });
    expect(attempts.map((a) => a.state)).toEqual(['unused']);
    expect(world.payments.intents.size).toBe(0);
  });

  it('ends uncharged when the sale is refused', async () => {
    const world = new World();
    world.event.soldTo.set(0, 'another');
    await world.checkout();
    expect(await world.booking()).toMatchObject({ status: 'expired', reason: 'expired' });
    expect([...world.payments.intents.values()].map((i) => i.status)).toEqual(['canceled']);
    expect(world.store.contents.ledger).toEqual([]);
  });

  it('stays with its hold after a decline and is confirmed by another attempt', async () => {
    const world = new World();
    await world.checkout('declined');
    const rested = await world.booking();
    expect(rested).toMatchObject({ status: 'declined', step: 'rest' });
    expect(rested.dueAt).toBe(world.event.hold.deadline);
    expect(world.payments.of('pi_1').status).toBe('canceled');
    const next = retried(rested, world.wish('ok', 'key-2'), world.clock.now());
    expect(await world.store.commit(next)).toBe('done');
    const worker = world.worker();
    worker.run(next.booking);
    await worker.idle();
    const booking = await world.booking();
    expect(booking.status).toBe('confirmed');
    expect(booking.attempts.map((a) => a.state)).toEqual(['canceled', 'captured']);
    expect(contradictions(world)).toEqual([]);
  });

  it('declines a payment method that the provider does not know', async () => {
    const world = new World();
    await world.checkout('invalid');
    const booking = await world.booking();
    expect(booking.status).toBe('declined');
    expect(booking.attempts[0]).toMatchObject({ declineCode: 'payment-method-invalid' });
  });

  it('expires when no other attempt comes before the deadline of its hold', async () => {
    const world = new World();
    await world.checkout('declined');
    await world.pass(limits.holdTtlMs + 2_000);
    expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a payment that takes its time', () => {
  it('waits for the buyer and goes on without a webhook', async () => {
    const world = new World();
    await world.checkout('3ds');
    const waiting = await world.booking();
    expect(waiting).toMatchObject({ status: 'requires_action', step: 'await' });
    expect(waiting.attempts[0]?.clientSecret).toBe('pi_1_secret');
    await world.pass(60_000);
    expect((await world.booking()).status).toBe('requires_action');
    world.payments.becomes('pi_1', 'requires_capture');
    await world.pass(limits.stepBackoffMaxMs + 1_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });

  it('waits for the browser, whatever it tries, until it has paid', async () => {
    const world = new World();
    await world.checkout('browser');
    expect(await world.booking()).toMatchObject({ status: 'requires_action', step: 'await' });
    world.payments.of('pi_1').declineCode = 'expired_card';
    await world.pass(60_000);
    const waiting = await world.booking();
    expect(waiting.status).toBe('requires_action');
    expect(waiting.attempts[0]).toMatchObject({ declineCode: 'expired_card', state: 'open' });
    world.payments.becomes('pi_1', 'requires_capture');
    await world.pass(limits.stepBackoffMaxMs + 1_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });

  it('closes an intent that no browser paid before the hold ended', async () => {
    const world = new World();
    await world.checkout('browser');
    await world.pass(limits.holdTtlMs + 2_000);
    const { status, reason } = await world.booking();
    expect({ status, reason }).toEqual({ status: 'expired', reason: 'payment-not-completed' });
    expect(world.payments.of('pi_1').status).toBe('canceled');
    expect(contradictions(world)).toEqual([]);
  });

  it('goes on at once with a webhook', async () => {
    const world = new World();
    await world.checkout('3ds');
    await world.pass(60_000);
    world.payments.becomes('pi_1', 'requires_capture');
    expect(await world.store.touch(bookingIdOf(10), world.clock.now())).toBe(true);
    const worker = world.worker();
    worker.wake(bookingIdOf(10));
    await worker.idle();
    expect((await world.booking()).status).toBe('confirmed');
  });

  it('expires with its hold and closes the intent', async () => {
    const world = new World();
    await world.checkout('3ds');
    await world.pass(limits.holdTtlMs + 2_000);
    const { status, reason } = await world.booking();
    expect({ status, reason }).toEqual({ status: 'expired', reason: 'payment-not-completed' });
    expect(contradictions(world)).toEqual([]);
  });

  it('is not finished while the bank is undecided, and gives back what comes in late', async () => {
    const world = new World();
    await world.checkout('slow');
    expect((await world.booking()).status).toBe('pending');
    await world.pass(limits.holdTtlMs + 2_000);
    const expired = await world.booking();
    expect(expired).toMatchObject({ status: 'expired', step: 'settle' });
    expect(expired.dueAt).toBeDefined();
    world.payments.becomes('pi_1', 'succeeded');
    await world.pass(limits.stepBackoffMaxMs + 1_000);
    expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
    expect(world.payments.of('pi_1').refunded).toBe(5_000);
    expect(contradictions(world)).toEqual([]);
  });

  it('is declined when 3-D Secure fails', async () => {
    const world = new World();
    await world.checkout('3ds');
    world.payments.becomes('pi_1', 'requires_payment_method');
    await world.pass(limits.stepBackoffMaxMs);
    expect((await world.booking()).status).toBe('declined');
  });
});

describe('a capture', () => {
  it('that is refused undoes the sale once the intent is cancelled', async () => {
    const world = new World();
    world.payments.captureAs = 'refused';
    await world.checkout();
    const { status, reason } = await world.booking();
    expect({ status, reason }).toEqual({ status: 'cancelled', reason: 'capture-failed' });
    expect(world.event.soldTo.size).toBe(0);
    expect(kinds(world)).toEqual(['payment-undone']);
    expect(contradictions(world)).toEqual([]);
  });

  it('that is refused undoes nothing before the provider says canceled', async () => {
    const world = new World();
    world.payments.captureAs = 'refused';
    world.payments.cancel = async ({ intentId }) => ({
      ...(await world.payments.read({ intentId })),
      status: 'processing',
    });
    await world.checkout();
    await world.pass(120_000);
    expect(await world.booking()).toMatchObject({ status: 'selling', step: 'undo' });
    expect(world.event.soldTo.size).toBe(2);
    world.payments.cancel = world.payments.read;
    world.payments.becomes('pi_1', 'succeeded');
    await world.pass(20_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });

  it('whose outcome is unknown is asked again and never undone', async () => {
    const world = new World();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    await world.pass(30 * 60_000);
    expect(await world.booking()).toMatchObject({ status: 'selling', step: 'capture' });
    expect(world.event.soldTo.size).toBe(2);
    world.payments.captureAs = 'unknown-but-done';
    await world.pass(40_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a broken invariant', () => {
  it('a ticket that exists twice is refused: seats blocked, nobody charged, an alarm', async () => {
    const world = new World();
    await world.checkout('ok', world.worker(), 10);
    // The event forgets its sale: what must never happen.
    world.event.soldTo.clear();
    world.event.state = 'held';
    world.event.hold = { ...world.event.hold, holdId: 'rsv_other', pinned: false };
    await world.checkout('ok', world.worker(), 11);
    const { status, reason, alarm } = await world.booking(11);
    expect({ status, reason, alarm }).toEqual({
      status: 'cancelled',
      reason: 'seats-unavailable',
      alarm: 'place-taken',
    });
    expect(world.alarms).toEqual(['place-taken']);
    expect(world.payments.of('pi_2').status).toBe('canceled');
    expect([...world.event.blocked]).toEqual([0, 1]);
    const active = world.store.contents.tickets.filter((t) => t.active);
    expect(active.map((t) => t.bookingId)).toEqual([bookingIdOf(10), bookingIdOf(10)]);
  });
});

describe('a cancellation', () => {
  const cancelNow = async (world: World, ids?: readonly string[]) => {
    const booking = await world.booking();
    const tickets = await world.store.tickets([booking.bookingId]);
    const decision = cancel(booking, tickets, { ticketIds: ids }, world.clock.now());
    if (decision.kind === 'refused' || decision.change === undefined) return decision;
    expect(await world.store.commit(decision.change)).toBe('done');
    const worker = world.worker();
    if (decision.kind === 'requested') worker.wake(booking.bookingId);
    else worker.run(decision.change.booking);
    await worker.idle();
    return decision;
  };

  it('of all tickets returns the whole sum and puts the seats back on sale', async () => {
    const world = new World();
    await world.checkout();
    expect(await cancelNow(world)).toMatchObject({ kind: 'done', amount: 5_000 });
    expect(await world.booking()).toMatchObject({ status: 'refunded', step: 'done' });
    expect(world.event.soldTo.size).toBe(0);
    expect(kinds(world)).toEqual(['booking-confirmed', 'booking-cancelled', 'booking-refunded']);
    expect(contradictions(world)).toEqual([]);
  });

  it('of one ticket returns its part, of the other the rest', async () => {
    const world = new World(5_001);
    await world.checkout();
    const [first] = await world.store.tickets([bookingIdOf(10)]);
    expect(await cancelNow(world, [first?.ticketId ?? ''])).toMatchObject({ amount: 2_501 });
    expect((await world.booking()).status).toBe('partially_refunded');
    expect(contradictions(world)).toEqual([]);
    expect(await cancelNow(world)).toMatchObject({ amount: 2_500 });
    expect((await world.booking()).status).toBe('refunded');
    expect(contradictions(world)).toEqual([]);
  });

  it('is refused for tickets that are not its own and for what is over', async () => {
    const world = new World();
    await world.checkout();
    expect(await cancelNow(world, ['tkt_other'])).toMatchObject({ kind: 'refused' });
    await cancelNow(world);
    expect(await cancelNow(world)).toMatchObject({ kind: 'refused' });
  });

  it('while the buyer is with the bank ends the booking uncharged', async () => {
    const world = new World();
    await world.checkout('3ds');
    expect(await cancelNow(world)).toMatchObject({ kind: 'requested' });
    expect(await world.booking()).toMatchObject({ status: 'cancelled', step: 'done' });
    expect(contradictions(world)).toEqual([]);
  });

  it('while the capture is open is done as soon as it has settled', async () => {
    const world = new World();
    world.payments.captureAs = 'unknown';
    await world.checkout();
    expect(await cancelNow(world)).toMatchObject({ kind: 'requested' });
    expect((await world.booking()).status).toBe('selling');
    world.payments.captureAs = 'succeeded';
    await world.pass(40_000);
    expect((await world.booking()).status).toBe('refunded');
    expect(kinds(world)).toEqual(['booking-cancelled', 'booking-refunded']);
    expect(contradictions(world)).toEqual([]);
  });

  it('gives the seats back even while the refund is pending', async () => {
    const world = new World();
    await world.checkout();
    world.payments.refundAs = 'pending';
    await cancelNow(world);
    expect(await world.booking()).toMatchObject({ status: 'cancelled', step: 'settle' });
    expect(world.event.soldTo.size).toBe(0);
    world.payments.refundAs = 'succeeded';
    await world.pass(20_000);
    expect((await world.booking()).status).toBe('refunded');
    expect(contradictions(world)).toEqual([]);
  });

  it('keeps a refund that the provider fails for a person to look at', async () => {
    const world = new World();
    await world.checkout();
    world.payments.refundAs = 'failed';
    await cancelNow(world);
    await world.pass(60_000);
    const { status, returns } = await world.booking();
    expect(status).toBe('cancelled');
    expect(returns[0]).toMatchObject({ refund: 'failed', refundsFailed: limits.refundsFailedMax });
    expect(world.alarms).toEqual(['refund-failed']);
  });
});
