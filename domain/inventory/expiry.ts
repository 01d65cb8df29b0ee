import type { Fact } from '#domain/inventory/facts.ts';
import {
  type EventState,
  freedStatus,
  type Hold,
  setStatus,
  status,
} from '#domain/inventory/state.ts';

export const expiredFact = (hold: Hold): Fact => ({ type: 'expired', hold: hold.id });

/** Holds that are due at `now`, earliest deadline first, until they have `maxSeats` places. */
export function dueHolds(state: EventState, now: number, maxSeats: number): Hold[] {
  const found: Hold[] = [];
  let seats = 0;
  state.deadlines.due(now, (hold) => {
    found.push(hold);
    seats += hold.places.length;
    return seats < maxSeats;
  });
  return found;
}

/**
 * The facts that end what is due at `now`, whole holds, earliest first; about `maxSeats` places at
 * most, so that one sweep stays small. To be called again while it answers anything.
 */
export const dueExpiries = (state: EventState, now: number, maxSeats: number): Fact[] =>
  dueHolds(state, now, maxSeats).map(expiredFact);

/**
 * Answers what `look` finds in the state as it will be when these holds have ended. The state is
 * afterwards as it was.
 */
export function asIfEnded<T>(state: EventState, holds: readonly Hold[], look: () => T): T {
  for (const hold of holds) {
    for (const place of hold.places) setStatus(state, place, freedStatus(state, place));
  }
  try {
    return look();
  } finally {
    for (const hold of holds) {
      for (const place of hold.places) setStatus(state, place, status.reserved);
    }
  }
}
