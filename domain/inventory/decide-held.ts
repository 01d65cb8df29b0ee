import type { Command, CommandOf } from '#domain/inventory/commands.ts';
import { accept, type Decision, type Refusal, refuse } from '#domain/inventory/decision.ts';
import { expiredFact } from '#domain/inventory/expiry.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { endedRefusal, soldViewOf, viewOf } from '#domain/inventory/holds.ts';
import { type EventState, type Hold, isOverdue } from '#domain/inventory/state.ts';
import { limits } from '#domain/limits.ts';

/**
 * Commands about a hold that exists. Which error wins: not-found (unknown, forgotten or someone
 * else's), reservation-sold, reservation-expired or reservation-released, then what the command
 * itself forbids.
 */
type AboutHold = Extract<Command, { kind: 'extend' | 'release' | 'read-hold' }>;

type Found =
  | { readonly live: Hold }
  | { readonly sale: number }
  | { readonly gone: { readonly facts: readonly Fact[]; readonly reply: Refusal } };

function find(state: EventState, holdId: string, buyerId: string, now: number): Found {
  const live = state.holds.get(holdId);
  if (live !== undefined) {
    if (live.buyerId !== buyerId) return { gone: refuse('not-found') };
    if (!isOverdue(live, now)) return { live };
    return { gone: endedRefusal('expired', [expiredFact(live)]) };
  }
  const buyer = state.buyers.numberOf(buyerId);
  const sale = state.sales.ofHold(holdId);
  if (sale >= 0) {
    return state.sales.buyer[sale] === buyer ? { sale } : { gone: refuse('not-found') };
  }
  const lapsed = state.lapsed.get(holdId);
  if (lapsed?.buyerId === buyerId) return { gone: endedRefusal('expired') };
  const ended = state.ended.find(holdId);
  const known = ended !== undefined && ended.buyer === buyer;
  return { gone: known ? endedRefusal(ended.how) : refuse('not-found') };
}

/** A hold, or the sale it became. */
export function decideRead(
  state: EventState,
  { holdId, buyerId }: AboutHold,
  now: number,
): Decision<'read-hold'> {
  const found = find(state, holdId, buyerId, now);
  if ('gone' in found) return found.gone;
  return accept('live' in found ? viewOf(state, found.live) : soldViewOf(state, found.sale));
}

/**
 * Moves the deadline by `limits.holdExtendMs`, at most to the end of the hold's life; the command
 * that did it last is answered again without a fact.
 */
export function decideExtend(
  state: EventState,
  { id, holdId, buyerId }: AboutHold,
  now: number,
): Decision<'extend'> {
  const found = find(state, holdId, buyerId, now);
  if ('gone' in found) return found.gone;
  if ('sale' in found) return refuse('reservation-sold');
  const { live } = found;
  if (live.extendedBy === id) return accept(viewOf(state, live));
  const deadline = Math.min(
    live.deadline + limits.holdExtendMs,
    live.createdAt + limits.holdLifeMs,
  );
  if (deadline <= live.deadline) return refuse('hold-not-extendable');
  return accept({ ...viewOf(state, live), deadline }, [
    { type: 'extended', hold: holdId, by: id, deadline },
  ]);
}

/** Gives the seats back; of a hold that was released already a success without a fact. */
export function decideRelease(
  state: EventState,
  { holdId, buyerId }: AboutHold,
  now: number,
): Decision<'release'> {
  const found = find(state, holdId, buyerId, now);
  if ('live' in found) return accept({ holdId }, [{ type: 'released', hold: holdId }]);
  if ('sale' in found) return refuse('reservation-sold');
  return found.gone.reply.code === 'reservation-released' ? accept({ holdId }) : found.gone;
}

/**
 * Keeps the hold for a booking: its deadline moves once in its life to at least
 * `now + limits.holdPinMs`, within the life. A hold that this booking keeps is a success. A booking
 * whose sale was refused gets state-forbids: a pin that comes late must not keep seats for it.
 */
export function decidePin(
  state: EventState,
  { holdId, buyerId, bookingId }: CommandOf<'pin'>,
  now: number,
): Decision<'pin'> {
  const found = find(state, holdId, buyerId, now);
  if ('gone' in found) return found.gone;
  if ('sale' in found) return refuse('reservation-sold');
  const { live } = found;
  if (live.pinnedBy === bookingId) return accept(viewOf(state, live));
  if (state.sales.refusalOf(bookingId) !== undefined) return refuse('state-forbids');
  const wished = Math.min(now + limits.holdPinMs, live.createdAt + limits.holdLifeMs);
  const deadline = live.pinnedOnce ? live.deadline : Math.max(live.deadline, wished);
  return accept({ ...viewOf(state, live), deadline, pinned: true }, [
    { type: 'pinned', hold: holdId, booking: bookingId, deadline },
  ]);
}
