import { systemIds } from '#adapters/ids/system.ts';
import {
  accepted,
  floorTerms,
  holdOf,
  newEventId,
  openCommand,
  startNode,
} from '#bench/support/event-host.ts';
import { makeScopedId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';

const atOnce = 1_000;

/** A seat beyond the sold ones, for the first command at the new owner. */
export const spareSeats = 100;

/** Commands that sell one seat: hold, pin, sell. */
function saleOf(eventId: string, seat: number): readonly [Command, Command, Command] {
  const hold = holdOf(eventId, seat);
  const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
  const { holdId, buyerId, deadline } = hold;
  const base = { eventId, deadline, holdId, bookingId };
  return [
    hold,
    { ...base, kind: 'pin', id: `pin-${seat}`, buyerId },
    { ...base, kind: 'sell', id: `sell-${seat}`, paymentId: `pay-${seat}`, equalSeats: false },
  ];
}

/**
 * An event of which `seats` are sold (or held only), by an owner that has died without a last
 * word: what a successor finds is a snapshot, if one was due, and the entries behind it.
 */
export async function stageEvent(uri: string, seats: number, sold: boolean): Promise<string> {
  const node = await startNode(uri, { nodeId: `stage-${systemIds.ulid()}` });
  const eventId = newEventId();
  const { host } = node;
  await accepted(host, eventId, [openCommand(eventId, floorTerms(seats + spareSeats))]);
  for (let from = 0; from < seats; from += atOnce) {
    const length = Math.min(atOnce, seats - from);
    const sales = Array.from({ length }, (_, i) => saleOf(eventId, from + i));
    for (const step of sold ? ([0, 1, 2] as const) : ([0] as const)) {
      await accepted(
        host,
        eventId,
        sales.map((sale) => sale[step]),
      );
    }
  }
  await node.close();
  return eventId;
}
