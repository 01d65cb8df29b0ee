import { describe, expect, it } from '@jest/globals';
import { retried } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, Mortal, World } from '#test/unit/flows/world.ts';

describe('workers', () => {
  it('two at once on one booking sell and charge once', async () => {
    const world = new World();
    const [one, two] = [world.worker(), world.worker()];
    await world.checkout('3ds', one);
    world.payments.becomes('pi_1', 'requires_capture');
    world.clock.advance(60_000);
    await Promise.all([one.sweep(), two.sweep()]);
    await Promise.all([one.idle(), two.idle()]);
    await world.pass(20_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });

  it('take what is due behind a booking that cannot be taken', async () => {
    const world = new World();
    await world.checkout('declined');
    world.clock.advance(limits.holdTtlMs + 1);
    const { due, take } = world.store;
    const damaged = { bookingId: 'bkg_damaged', version: 1 };
    world.store.due = async (now, limit) => [damaged, ...(await due.call(world.store, now, limit))];
    world.store.take = (wanted, dueAt) =>
      wanted === damaged
        ? Promise.reject(new Error('damaged'))
        : take.call(world.store, wanted, dueAt);
    const worker = world.worker();
    expect(await worker.sweep()).toBe(1);
    await worker.idle();
    expect((await world.booking()).status).toBe('expired');
  });

  it('drain by finishing the step in flight and leaving the rest to others', async () => {
    const world = new World();
    const gate = Promise.withResolvers<void>();
    const mortal = new Mortal({ at: 3, does: 'pause-after', until: gate.promise });
    const worker = world.worker(mortal);
    const running = world.checkout('ok', worker);
    while (mortal.calls < 3) await Promise.resolve();
    const drained = worker.drain();
    gate.resolve();
    await Promise.all([drained, running]);
    const left = await world.booking();
    expect(left).toMatchObject({ status: 'pending', dueAt: world.clock.now() });
    expect(left.attempts[0]?.state).toBe('opening');
    await world.pass(1_000);
    expect((await world.booking()).status).toBe('confirmed');
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a sale that nobody has written', () => {
  /** The seats are sold and the payment authorised; the worker died before it wrote so. */
  async function unwritten(): Promise<World> {
    const world = new World();
    const mortal = new Mortal({ at: 3, does: 'die-after' });
    await world.checkout('ok', world.worker(mortal), 10, true);
    expect(await world.booking()).toMatchObject({ status: 'pending', step: 'pin' });
    expect(world.event.soldTo.size).toBe(2);
    expect(world.payments.intents.get('pi_1')?.status).toBe('requires_capture');
    return world;
  }

  it('is found again by the next worker', async () => {
    const world = await unwritten();
    await world.pass(60_000);
    expect(await world.booking()).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(world.payments.intents.size).toBe(1);
    expect(contradictions(world)).toEqual([]);
  });

  it('is given back, and nothing is charged, when its buyer has cancelled meanwhile', async () => {
    const world = await unwritten();
    const decision = cancel(await world.booking(), [], {}, world.clock.now());
    if (decision.kind === 'refused' || decision.change === undefined) throw new Error('refused');
    expect(await world.store.commit(decision.change)).toBe('done');
    await world.pass(60_000);
    expect(await world.booking()).toMatchObject({ status: 'cancelled', step: 'done' });
    expect(world.event.soldTo.size).toBe(0);
    expect(world.payments.intents.get('pi_1')?.status).toBe('canceled');
    expect(contradictions(world)).toEqual([]);
  });

  it('is given back, and nothing is charged, when it is found after its hold', async () => {
    const world = await unwritten();
    world.clock.advance(limits.holdLifeMs);
    await world.pass(60_000);
    expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
    expect(world.event.soldTo.size).toBe(0);
    expect(world.payments.intents.get('pi_1')?.status).toBe('canceled');
    expect(contradictions(world)).toEqual([]);
  });
});

describe('an intent that somebody else cancels while a worker stalls before its sale', () => {
  /** Another worker has found the payment closed; the first then sells the seats all the same. */
  async function soldLate(stallMs = 20_000): Promise<World> {
    const world = new World();
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const execute = world.event.execute.bind(world.event);
    let stalls = true;
    const late = async (command: Command) => {
      if (command.kind === 'sell' && stalls) {
        stalls = false;
        asked.resolve();
        await gate.promise;
      }
      return execute(command);
    };
    world.event.execute = late as typeof execute;
    const selling = world.checkout('ok', world.worker(), 10, true);
    await asked.promise;
    world.payments.becomes('pi_1', 'canceled');
    await world.pass(stallMs);
    gate.resolve();
    await selling;
    return world;
  }
  const uncharged = (world: World): void => {
    expect([...world.payments.intents.values()].map(({ status }) => status)).toEqual(['canceled']);
    expect(world.store.contents.ledger).toEqual([]);
    expect(world.event.soldTo.size).toBe(0);
    expect(contradictions(world)).toEqual([]);
  };
  const retry = async (world: World, worker: BookingWorker): Promise<void> => {
    const next = retried(await world.booking(), world.wish('ok', 'key-2'), world.clock.now());
    expect(await world.store.commit(next)).toBe('done');
    worker.run(next.booking);
    await worker.idle();
  };

  it('leaves a declined booking with a sale that has no tickets', async () => {
    const world = await soldLate();
    expect(await world.booking()).toMatchObject({ status: 'declined', step: 'rest' });
    expect(world.event.soldTo.size).toBe(2);
    expect(world.store.contents.tickets).toEqual([]);
  });

  it('charges nobody, and the seats are on sale again when the hold ends', async () => {
    const world = await soldLate();
    const { holdDeadline } = await world.booking();
    await world.pass(holdDeadline - world.clock.now() - 2_000);
    expect(world.event.soldTo.size).toBe(2);
    await world.pass(5_000);
    expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
    uncharged(world);
  });

  it('charges nobody, and the seats are on sale again when the buyer gives up', async () => {
    const world = await soldLate();
    const decision = cancel(await world.booking(), [], {}, world.clock.now());
    if (decision.kind !== 'done') throw new Error('refused');
    expect(await world.store.commit(decision.change)).toBe('done');
    await world.pass(20_000);
    expect(await world.booking()).toMatchObject({ status: 'cancelled', step: 'done' });
    uncharged(world);
  });

  it('is no sale any more when the worker wakes behind the end of the booking', async () => {
    const world = await soldLate(limits.holdTtlMs + 60_000);
    expect(await world.booking()).toMatchObject({ status: 'expired', step: 'done' });
    uncharged(world);
  });

  it('lets another attempt pay for that sale, wherever its worker dies', async () => {
    for (const does of ['die-before', 'die-after'] as const) {
      for (let at = 1; ; at++) {
        const world = await soldLate();
        const mortal = new Mortal({ at, does });
        await retry(world, world.worker(mortal));
        await world.pass(60_000);
        const { status, attempts } = await world.booking();
        expect({ does, at, status }).toEqual({ does, at, status: 'confirmed' });
        expect(attempts.map(({ state }) => state)).toEqual(['canceled', 'captured']);
        expect([...world.payments.intents.values()].map((i) => i.status)).toEqual([
          'canceled',
          'succeeded',
        ]);
        expect(contradictions(world)).toEqual([]);
        if (!mortal.dead) break;
        expect(at).toBeLessThan(20);
      }
    }
  });
});

describe('a worker at any of its calls', () => {
  /** What happens, and the statuses that it may end in. */
  type Play = readonly [(world: World, mortal: Mortal) => Promise<void>, ...string[]];
  const cancelled = async (world: World, worker: BookingWorker): Promise<void> => {
    const tickets = await world.store.tickets([bookingIdOf(10)]);
    const decision = cancel(await world.booking(), tickets, {}, world.clock.now());
    if (decision.kind === 'refused' || decision.change === undefined) return;
    if ((await world.store.commit(decision.change)) !== 'done') return;
    if (decision.kind === 'done') worker.run(decision.change.booking);
    else worker.wake(bookingIdOf(10));
    await worker.idle();
  };
  const withOffers =
    (play: Play[0], worth: number): Play[0] =>
    (world, mortal) =>
      play(world.withOffers(worth), mortal);
  const saleOf: Play[0] = (world, mortal) => world.checkout('ok', world.worker(mortal));
  const cancellationOf: Play[0] = async (world, mortal) => {
    await world.checkout();
    await cancelled(world, world.worker(mortal));
  };
  const refusedCapture: Play[0] = (world, mortal) => {
    world.payments.captureAs = 'refused';
    return world.checkout('ok', world.worker(mortal));
  };
  const plays: Readonly<Record<string, Play>> = {
    'of a sale': [saleOf, 'confirmed'],
    'of a sale that is the first write': [
      (world, mortal) => world.checkout('ok', world.worker(mortal), 10, true),
      'confirmed',
    ],
    'of a refused sale that is the first write': [
      async (world, mortal) => {
        world.event.answers.set(bookingIdOf(10), { outcome: 'refused', reason: 'seats-taken' });
        await world.checkout('ok', world.worker(mortal), 10, true);
      },
      'expired',
    ],
    'of a refused capture behind a sale that is the first write': [
      (world, mortal) => {
        world.payments.captureAs = 'refused';
        return world.checkout('ok', world.worker(mortal), 10, true);
      },
      'cancelled',
    ],
    'of a sale with a promo code and a voucher': [withOffers(saleOf, 2_000), 'confirmed'],
    'of a sale that a voucher pays': [withOffers(saleOf, 9_000), 'confirmed', 'expired'],
    'of a decline with a promo code and a voucher': [
      withOffers((world, mortal) => world.checkout('declined', world.worker(mortal)), 2_000),
      'expired',
    ],
    'of a refused capture with a promo code and a voucher': [
      withOffers(refusedCapture, 2_000),
      'cancelled',
    ],
    'with a cancellation of what card and voucher paid': [
      withOffers(cancellationOf, 2_000),
      'refunded',
    ],
    'with a cancellation of what a voucher paid': [withOffers(cancellationOf, 9_000), 'refunded'],
    'of a decline': [
      (world, mortal) => world.checkout('declined', world.worker(mortal)),
      'expired',
    ],
    'of an invalid card': [
      (world, mortal) => world.checkout('invalid', world.worker(mortal)),
      'expired',
    ],
    'of a refused sale': [
      async (world, mortal) => {
        world.event.answers.set(bookingIdOf(10), { outcome: 'refused', reason: 'seats-taken' });
        await world.checkout('ok', world.worker(mortal));
      },
      'expired',
    ],
    'of a refused capture': [refusedCapture, 'cancelled'],
    'of a capture that happens unheard': [
      async (world, mortal) => {
        world.payments.captureAs = 'unknown-but-done';
        await world.checkout('ok', world.worker(mortal));
      },
      'confirmed',
    ],
    'with 3-D Secure': [
      async (world, mortal) => {
        const worker = world.worker(mortal);
        await world.checkout('3ds', worker);
        const intent = world.payments.intents.get('pi_1');
        if (intent?.status === 'requires_action') intent.status = 'requires_capture';
        await world.pass(5_000, worker);
      },
      'confirmed',
      'expired',
    ],
    'paid by the browser': [
      async (world, mortal) => {
        const worker = world.worker(mortal);
        await world.checkout('browser', worker);
        const intent = world.payments.intents.get('pi_1');
        if (intent?.status === 'requires_payment_method') intent.status = 'requires_capture';
        await world.pass(5_000, worker);
      },
      'confirmed',
      'expired',
    ],
    'with a cancellation while the bank decides': [
      async (world, mortal) => {
        const worker = world.worker(mortal);
        await world.checkout('slow', worker);
        await cancelled(world, worker);
        const intent = world.payments.intents.get('pi_1');
        if (intent !== undefined && intent.status !== 'canceled') intent.status = 'succeeded';
      },
      'cancelled',
      'refunded',
      'expired',
    ],
    'with a cancellation': [cancellationOf, 'refunded'],
  };

  const atRest = async (world: World, where: string, ends: readonly string[]): Promise<void> => {
    await world.pass(25 * 60_000);
    expect({ where, found: contradictions(world) }).toEqual({ where, found: [] });
    expect(ends).toContain((await world.booking()).status);
  };

  const callsOf = async (play: Play[0], ends: readonly string[]): Promise<number> => {
    const [world, mortal] = [new World(), new Mortal()];
    await play(world, mortal);
    await atRest(world, 'undisturbed', ends);
    expect(mortal.calls).toBeGreaterThan(3);
    return mortal.calls;
  };

  for (const [name, [play, ...ends]] of Object.entries(plays)) {
    it(`may die: ${name}`, async () => {
      const calls = await callsOf(play, ends);
      for (let at = 1; at <= calls; at++) {
        for (const does of ['die-before', 'die-after'] as const) {
          const [world, mortal] = [new World(), new Mortal({ at, does })];
          await play(world, mortal);
          expect(mortal.dead).toBe(true);
          await atRest(world, `${does} call ${at}`, ends);
        }
      }
    });

    it(`may sleep while another takes over, and wake: ${name}`, async () => {
      const calls = await callsOf(play, ends);
      for (let at = 1; at <= calls; at++) {
        for (const does of ['pause-before', 'pause-after'] as const) {
          for (const sleepMs of [20_000, limits.holdTtlMs + 60_000]) {
            const gate = Promise.withResolvers<void>();
            const mortal = new Mortal({ at, does, until: gate.promise });
            const world = new World();
            const playing = play(world, mortal);
            for (let i = 0; i < 500; i++) await Promise.resolve();
            await world.pass(sleepMs);
            gate.resolve();
            await playing;
            await atRest(world, `${does} call ${at} for ${sleepMs} ms`, [...ends, 'expired']);
          }
        }
      }
    });
  }
});
