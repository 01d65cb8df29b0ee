import type { Booking } from '#domain/booking.ts';
import type { Change } from '#domain/booking-moves.ts';
import { hasCode } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import {
  asIfThere,
  endedUnpaid,
  extensionId,
  holdEndsSoon,
  providerAway,
  queued,
} from '#domain/provider-away.ts';
import type { FlowPorts } from '#flows/ports.ts';

type Do = (b: Booking, ports: FlowPorts) => Promise<Change>;

/**
 * A step that needs the provider while the seats are only held. While the provider does not answer
 * the booking waits, with its reason for the buyer to see, and its hold is extended as far as a
 * hold's life goes; at the end of that it expires, uncharged.
 */
export const patient =
  (step: Do): Do =>
  async (b, ports) => {
    const { clock } = ports;
    if (b.reason === providerAway && clock.now() >= b.holdDeadline) {
      return endedUnpaid(b, clock.now());
    }
    try {
      return await step(asIfThere(b), ports);
    } catch (error) {
      if (!hasCode(error, providerAway)) throw error;
      ports.watcher.trouble(b, error);
      const deadline = holdEndsSoon(b, clock.now()) ? await extended(b, ports) : b.holdDeadline;
      return queued(b, deadline, ports.ids.chance(), clock.now());
    }
  };

/** The hold's deadline after asking for more time; the same when there is no more to be had. */
async function extended(b: Booking, { inventory, clock, watcher }: FlowPorts): Promise<number> {
  try {
    const { deadline } = await inventory.execute<'extend'>({
      kind: 'extend',
      id: extensionId(b),
      eventId: b.eventId,
      deadline: clock.now() + limits.callTimeoutMs,
      holdId: b.reservationId,
      buyerId: b.buyerId,
    });
    return deadline;
  } catch (error) {
    if (!hasCode(error, 'hold-not-extendable')) watcher.trouble(b, error);
    return b.holdDeadline;
  }
}
