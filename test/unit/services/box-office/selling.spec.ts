import { describe, expect, it } from '@jest/globals';
import type { UsherContext } from '#broker/call.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { type Counter, sellOver } from '#services/box-office/selling.ts';
import { eventId, layoutOf, World } from '#test/unit/domain/inventory/given.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

const staffId = makeId('user', '0'.repeat(26));
const run = `${'0'.repeat(25)}7`;

/** A counter whose seats are decided as an event's actor does; `held`: its commands. */
function counter() {
  const world = new World().open(layoutOf([{ row: 'A', seats: 10 }]), {
    channels: ['box-office'],
  });
  const held: Command[] = [];
  const execute = async (command: Command) => {
    held.push(command);
    const reply = world.ask({ ...command, eventId } as never) as
      | { readonly ok: true; readonly value: unknown }
      | { readonly ok: false; readonly code: never };
    if (!reply.ok) throw new UsherError(reply.code);
    return reply.value;
  };
  const clock = new ManualClock();
  const inventory = { execute } as unknown as InventoryPort;
  const own = { inventory, clock, limits } as unknown as Counter;
  return { world, held, own };
}

/** A request whose call of the bookings service goes as `openSale` says. */
function request(openSale: (params: { reservationId: string; buyerId: string }) => unknown) {
  const params = {
    eventId,
    best: { quantity: 2 },
    payment: { method: 'cash' },
  };
  const caller = { userId: staffId, roles: ['box-office'], organizerIds: [] };
  return {
    params,
    meta: { caller },
    call: async (_name: string, asked: never) => openSale(asked),
  } as unknown as UsherContext<never>;
}

describe('a sale over the counter', () => {
  it('that was cut off behind its hold goes on with the same hold and the same buyer', async () => {
    const { world, held, own } = counter();
    const asked: { reservationId: string; buyerId: string }[] = [];
    const cutOff = request((params) => {
      asked.push(params);
      throw new UsherError('unavailable');
    });
    await expect(sellOver(own, cutOff, run)).rejects.toMatchObject({ code: 'unavailable' });
    const again = request((params) => {
      asked.push(params);
      return { bookingId: 'bkg', status: 'confirmed' };
    });
    await sellOver(own, again, run);
    expect(asked[1]).toEqual(asked[0]);
    expect(held.map(({ id }) => id)).toEqual([held[0]?.id, held[0]?.id]);
    expect(world.state.holds.size).toBe(1);
  });

  it('has a buyer of its own, who is not the staff member', async () => {
    const { world, own } = counter();
    const buyers = new Set<string>();
    const other = `${'0'.repeat(25)}8`;
    for (const ulid of [run, other]) {
      const sale = request(({ buyerId }) => {
        buyers.add(buyerId);
        return { bookingId: 'bkg', status: 'confirmed' };
      });
      await sellOver(own, sale, ulid);
    }
    expect(buyers.size).toBe(2);
    expect(buyers.has(staffId)).toBe(false);
    expect(world.state.holds.size).toBe(2);
  });
});
