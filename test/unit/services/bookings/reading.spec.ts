import { describe, expect, it } from '@jest/globals';
import { limits } from '#domain/limits.ts';
import type { BookingNews } from '#mixins/booking-flow.mixin.ts';
import { BookingWaiters } from '#mixins/booking-waiters.ts';
import { type ReadDesk, readBooking } from '#services/bookings/reading.ts';
import { bookingIdOf, buyerId, Mortal, World } from '#test/unit/flows/world.ts';

const bookingId = bookingIdOf(10);

/** A desk whose flow has stopped before its call number `at`, until `goOn`. */
async function stage(at: number) {
  const world = new World();
  const gate = Promise.withResolvers<void>();
  const mortal = new Mortal({ at, does: 'pause-after', until: gate.promise });
  const worker = world.worker(mortal);
  const waiters = new BookingWaiters<BookingNews>(world.clock, 10);
  world.changed = (_before, booking, _messages, tickets) =>
    waiters.notify(booking.bookingId, booking.status, { booking, tickets });
  const looks: string[] = [];
  const store: ReadDesk['store'] = {
    find: (id) => {
      looks.push('booking');
      return world.store.find(id);
    },
    tickets: (ids) => {
      looks.push('tickets');
      return world.store.tickets(ids);
    },
  };
  const running = world.checkout('ok', worker);
  while (mortal.calls < at) await Promise.resolve();
  const desk: ReadDesk = { store, waiters, worker, clock: world.clock };
  const read = (waitMs: number, reader = buyerId) =>
    readBooking(desk, { bookingId, buyerId: reader, waitMs, from: undefined });
  const goOn = async (): Promise<void> => {
    gate.resolve();
    await running;
  };
  return { world, worker, read, looks, goOn };
}

describe('the buyer who waits for his booking', () => {
  it('is told by the flow of his node, without a look at the store', async () => {
    const { read, looks, goOn, worker, world } = await stage(2);
    expect(worker.goesOn(bookingId)?.status).toBe('pending');
    const view = read(20_000);
    await goOn();
    const { status, tickets } = await view;
    expect(status).toBe('confirmed');
    expect(looks).toEqual([]);
    const issued = await world.store.tickets([bookingId]);
    expect(tickets.map(({ ticketId }) => ticketId)).toEqual(issued.map(({ ticketId }) => ticketId));
    expect(tickets).toHaveLength(2);
    expect(worker.goesOn(bookingId)).toBeUndefined();
    expect(await read(20_000)).toEqual(await view);
    expect(looks).toEqual(['booking', 'tickets']);
  });

  it('is told where it stands when he does not wait any longer', async () => {
    const { read, looks, goOn, world } = await stage(2);
    const view = read(1_500);
    world.clock.advance(1_500);
    expect((await view).status).toBe('pending');
    expect(looks).toEqual(['booking', 'tickets']);
    await goOn();
  });

  it('is told what another node did, should the news of it be lost', async () => {
    const { read, goOn, world } = await stage(2);
    world.clock.advance(limits.stepRetryMs + 1);
    const other = world.worker();
    const [changed, unheard] = [world.changed, () => {}];
    world.changed = unheard;
    await other.sweep();
    const view = read(20_000);
    await other.idle();
    expect((await world.booking()).status).toBe('confirmed');
    world.clock.advance(2_000);
    expect((await view).status).toBe('confirmed');
    world.changed = changed;
    await goOn();
  });

  it('is nobody else', async () => {
    const { read, goOn } = await stage(2);
    await expect(read(20_000, 'usr_other')).rejects.toMatchObject({ code: 'not-found' });
    await goOn();
  });
});
