import { describe, expect, it } from '@jest/globals';
import { cancel } from '#domain/cancellation.ts';
import { inHand } from '#domain/dispute.ts';
import { tell } from '#test/unit/domain/paid-in-parts.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, World } from '#test/unit/flows/world.ts';

const bookingId = bookingIdOf(10);

const statuses = async (world: World) =>
  (await world.store.tickets([bookingId])).map((t) => t.status);
const kinds = (world: World) => world.store.contents.outbox.map((row) => row.message.kind);

describe('a dispute', () => {
  it('freezes the tickets while it is open; they are valid again when it is won', async () => {
    const world = new World();
    await world.checkout();
    await tell(world, { disputeId: 'dp_1', state: 'open' });
    expect(await statuses(world)).toEqual(['frozen', 'frozen']);
    expect(world.event.soldTo.size).toBe(2);
    expect(contradictions(world)).toEqual([]);
    const asked = cancel(
      await world.booking(),
      await world.store.tickets([bookingId]),
      {},
      world.clock.now(),
    );
    expect(asked).toEqual({ kind: 'refused', why: 'Its payment is disputed' });
    await tell(world, { disputeId: 'dp_1', state: 'won' });
    expect(await statuses(world)).toEqual(['valid', 'valid']);
    expect(kinds(world)).toEqual(['booking-confirmed', 'tickets-frozen', 'tickets-restored']);
    expect(contradictions(world)).toEqual([]);
  });

  it('that is lost voids them, gives the seats back and books what the provider took', async () => {
    const world = new World(5_001);
    await world.checkout();
    await tell(world, { disputeId: 'dp_1', state: 'open' });
    await tell(world, { disputeId: 'dp_1', state: 'lost' });
    expect(await statuses(world)).toEqual(['cancelled', 'cancelled']);
    const b = await world.booking();
    expect(b).toMatchObject({ status: 'cancelled', reason: 'dispute-lost', step: 'done' });
    expect(b.disputes).toMatchObject([{ state: 'lost', taken: 5_001 }]);
    expect(inHand(b)).toBe(0);
    expect(world.event.soldTo.size).toBe(0);
    expect(contradictions(world)).toEqual([]);
  });

  it('of a part leaves the rest with the organizer', async () => {
    const world = new World();
    await world.checkout();
    await tell(world, { disputeId: 'dp_1', state: 'lost', amount: 1_200 });
    expect((await world.booking()).returns).toMatchObject([{ amount: 0, kept: 3_800 }]);
    expect(contradictions(world)).toEqual([]);
  });

  it('counts once, in whatever order its news come', async () => {
    const world = new World();
    await world.checkout();
    await tell(world, { disputeId: 'dp_1', state: 'won' });
    expect(await tell(world, { disputeId: 'dp_1', state: 'open' })).toBeUndefined();
    expect(await statuses(world)).toEqual(['valid', 'valid']);
    await tell(world, { disputeId: 'dp_2', state: 'lost' });
    expect(await tell(world, { disputeId: 'dp_2', state: 'lost' })).toBeUndefined();
    expect(await tell(world, { disputeId: 'dp_2', state: 'won' })).toBeUndefined();
    expect(contradictions(world)).toEqual([]);
  });

  it('keeps them frozen until the last of two is won', async () => {
    const world = new World();
    await world.checkout();
    await tell(world, { disputeId: 'dp_1', state: 'open' });
    await tell(world, { disputeId: 'dp_2', state: 'open' });
    await tell(world, { disputeId: 'dp_1', state: 'won' });
    expect(await statuses(world)).toEqual(['frozen', 'frozen']);
    await tell(world, { disputeId: 'dp_2', state: 'won' });
    expect(await statuses(world)).toEqual(['valid', 'valid']);
  });

  it('of money that has gone back already is a loss of the organizer', async () => {
    const world = new World();
    await world.checkout();
    const tickets = await world.store.tickets([bookingId]);
    const decision = cancel(await world.booking(), tickets, {}, world.clock.now());
    if (decision.kind !== 'done') throw new Error(decision.kind);
    await world.store.commit(decision.change);
    await world.pass(30_000);
    await tell(world, { disputeId: 'dp_1', state: 'lost', amount: 5_000 });
    expect(await world.booking()).toMatchObject({ status: 'refunded', step: 'done' });
    expect(contradictions(world)).toEqual([]);
  });

  it('is early while the payment runs', async () => {
    const world = new World();
    await world.checkout('3ds');
    expect(await tell(world, { disputeId: 'dp_1', state: 'open' })).toBe('early');
  });
});
