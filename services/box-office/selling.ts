import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { TillReader } from '#adapters/store/tills.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import type { boxOfficeContract } from '#contracts/box-office.contract.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { Limits } from '#domain/limits.ts';
import { type ReserveRequest, wantOf } from '#domain/reservation.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';

type SaleParams = z.output<(typeof boxOfficeContract)['actions']['sell']['params']>;

export type Counter = {
  readonly inventory: InventoryPort;
  readonly tills: TillReader;
  readonly clock: Clock;
  readonly limits: Limits;
};

const walkIn = 'Walk-in';

/**
 * Holds and sells. Every id is made from `ulid`, which is the same for every run of the request: a
 * second run meets the hold and the booking of the first. The buyer is somebody new to the event,
 * whoever else was sold to by the same staff member.
 */
export async function sellOver(
  { inventory, clock, limits }: Counter,
  ctx: UsherContext<SaleParams>,
  ulid: string,
): Promise<BookingView> {
  const { eventId, payment, buyer, note } = ctx.params;
  const buyerId = makeId('user', ulid);
  const scope = { buyerId, route: 'box-office', eventId, key: ulid };
  const id = deriveCommandId(scope);
  const hold = await inventory.execute<'hold'>({
    kind: 'hold',
    id,
    eventId,
    holdId: holdIdOf(eventId, id),
    fingerprint: fingerprintOf(ctx.params),
    buyerId,
    channel: 'box-office',
    want: wantOf(requestOf(ctx.params)),
    deadline: deadlineOf(ctx, clock.now(), limits.callTimeoutMs),
  });
  const sale = await call(ctx, 'bookings.openSale', {
    reservationId: hold.holdId,
    buyerId,
    ulid,
    key: ulid,
    by: payment.method,
    staffId: callerOf(ctx).userId,
    ...(payment.method === 'complimentary' ? { reason: payment.reason } : {}),
    ...(note === undefined ? {} : { note }),
    contact: buyer ?? { name: walkIn },
  });
  const headers = { Location: `/v1/organizer/sales/${sale.bookingId}` };
  reply(ctx, sale.status === 'confirmed' ? { headers } : { headers, status: 202 });
  return sale;
}

function requestOf({ seats, best, area, quantity }: SaleParams): ReserveRequest {
  if (seats !== undefined) return { seats };
  if (best !== undefined) return { best };
  if (area !== undefined && quantity !== undefined) return { area, quantity };
  throw new UsherError('invalid-request', 'give seats, best or area');
}
