import { describe, expect, it } from '@jest/globals';
import { messageData } from '#contracts/messages.contract.ts';
import { payNow } from '#domain/instalment-moves.ts';
import { limits } from '#domain/limits.ts';
import {
  bookingId,
  buy,
  cancelTickets,
  captured,
  days,
  kinds,
  pay,
  plan,
  tell,
} from '#test/unit/domain/paid-in-parts.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { Mortal, World } from '#test/unit/flows/world.ts';

const day = 24 * 3_600_000;

/** What buyers were told of charges: kind, minor units, days from the sale, last try. */
const told = (world: World, sold: number) =>
  world.store.contents.outbox
    .map(({ message: { kind, data } }) => ({ kind, ...messageData.parse(data) }))
    .filter(({ chargeAt }) => chargeAt !== undefined)
    .map(({ kind, amount, chargeAt = 0, lastTry }) => [
      kind,
      amount?.amount,
      Math.round((chargeAt - sold) / day),
      lastTry,
    ]);
const announced = (world: World): number =>
  kinds(world).filter((kind) => kind === 'instalment-coming').length;

describe('a coming instalment', () => {
  it('is announced three days before its charge, each once', async () => {
    const world = new World(10_000);
    const sold = world.clock.now();
    await buy(world);
    await days(world, 26);
    expect(announced(world)).toBe(0);
    await days(world, 1);
    expect(told(world, sold)).toEqual([['instalment-coming', 3_000, 30, false]]);
    expect((await world.booking()).dueAt).toBe(sold + 30 * day);
    await days(world, 4);
    expect(captured(world)).toEqual([4_000, 3_000]);
    await days(world, 30);
    expect(told(world, sold)).toEqual([
      ['instalment-coming', 3_000, 30, false],
      ['instalment-coming', 3_000, 60, false],
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('is told of at once when it comes sooner than that', async () => {
    const world = new World(10_000);
    await buy(world, world.worker(), { ...plan, everyDays: 2 });
    expect(kinds(world)).toEqual(['booking-confirmed', 'instalment-coming']);
  });

  it('is not announced once it was paid, given back, or nothing is owed', async () => {
    const world = new World(10_000);
    await buy(world);
    await pay(world, { key: 'p', upTo: 2, token: 'ok' });
    await days(world, 40);
    expect(announced(world)).toBe(0);
    await cancelTickets(world, 2);
    await days(world, 40);
    expect(announced(world)).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });

  it('is announced with what tickets that were given back have left of it', async () => {
    const world = new World(10_000);
    const sold = world.clock.now();
    await buy(world);
    await cancelTickets(world, 1);
    await days(world, 28);
    expect(told(world, sold)).toEqual([['instalment-coming', 1_000, 30, false]]);
  });

  it('is not announced while a bank asks money back', async () => {
    const world = new World(10_000);
    await buy(world);
    await tell(world, { disputeId: 'dp_1', state: 'open' });
    await days(world, 29);
    expect(announced(world)).toBe(0);
    await tell(world, { disputeId: 'dp_1', state: 'won' });
    await world.pass(2_000);
    expect(announced(world)).toBe(1);
  });

  it('is charged on its day where nobody ran while it should have been announced', async () => {
    const world = new World(10_000);
    await buy(world);
    world.clock.advance(31 * day);
    await world.pass(5_000);
    expect(kinds(world)).toEqual(['booking-confirmed', 'instalment-paid']);
    expect(contradictions(world)).toEqual([]);
  });

  it('that fails is told with its next try, the last one as the last, and the end', async () => {
    const world = new World(10_000);
    const sold = world.clock.now();
    await buy(world);
    world.payments.offSessionAs = 'declined';
    await days(world, 40);
    expect(told(world, sold)).toEqual([
      ['instalment-coming', 3_000, 30, false],
      ['instalment-failed', 3_000, 33, false],
      ['instalment-failed', 3_000, 37, true],
    ]);
    expect(kinds(world).slice(-2)).toEqual(['instalments-unpaid', 'booking-refunded']);
  });

  it('of a plan without further tries is announced as the last word', async () => {
    const world = new World(10_000);
    const sold = world.clock.now();
    await buy(world, world.worker(), { ...plan, retryAfterDays: [] });
    await days(world, 28);
    expect(told(world, sold)).toEqual([['instalment-coming', 3_000, 30, true]]);
  });

  it('is announced once by workers that look at the same moment', async () => {
    const world = new World(10_000);
    await buy(world);
    world.clock.advance(30 * day - limits.instalmentNoticeMs);
    const workers = Array.from({ length: 5 }, () => world.worker());
    await Promise.all(workers.map((worker) => worker.sweep()));
    await Promise.all(workers.map((worker) => worker.idle()));
    expect(announced(world)).toBe(1);
  });

  it.each(['die-before', 'die-after'] as const)(
    'is announced once though its worker should %s at any call',
    async (does) => {
      for (let at = 1; ; at++) {
        const world = new World(10_000);
        await buy(world);
        const mortal = new Mortal({ at, does });
        world.clock.advance(30 * day - limits.instalmentNoticeMs);
        await world.pass(2_000, world.worker(mortal));
        await world.pass(60_000);
        expect({ at, announced: announced(world) }).toEqual({ at, announced: 1 });
        await days(world, 4);
        expect(captured(world)).toEqual([4_000, 3_000]);
        expect(contradictions(world)).toEqual([]);
        if (!mortal.dead) break;
        expect(at).toBeLessThan(10);
      }
    },
  );

  it('is not announced by a worker that stalls while the buyer pays it', async () => {
    const world = new World(10_000);
    await buy(world);
    world.clock.advance(30 * day - limits.instalmentNoticeMs);
    let go = (): void => {};
    const until = new Promise<void>((resolve) => {
      go = resolve;
    });
    // Its third call is the write: what is due was read, the booking was taken.
    const stalled = world.worker(new Mortal({ at: 3, does: 'pause-before', until }));
    await stalled.sweep();
    const wish = { key: 'p', upTo: 2, token: 'ok' };
    expect(payNow(await world.booking(), wish, world.clock.now())).toBeDefined();
    await pay(world, wish);
    go();
    await stalled.idle();
    expect((await world.store.find(bookingId))?.announced).toBeUndefined();
    expect(announced(world)).toBe(0);
  });
});
