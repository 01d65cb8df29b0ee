import { type Mutant, one } from '#test/mutants/mutant.ts';

/** Rules of what goes back, and of what befalls bookings that were sold. */
export const refunds: readonly Mutant[] = [
  one(
    'goodwill is given again with the tickets',
    'domain/withdrawal.ts',
    'const organizer = Math.min(given.organizer, back - amount);',
    'const organizer = 0 * given.organizer;',
  ),
  one(
    'the books return all where the rules keep a part',
    'domain/refund-rules.ts',
    'if (returned === paid) return',
    'if (returned >= 0) return',
  ),
  one(
    'seats of a lost dispute are kept',
    'domain/dispute.ts',
    'seatsReturned: gone.length === 0,',
    'seatsReturned: true,',
  ),
  one(
    'news of an event are told twice',
    'domain/event-sweep.ts',
    'const heard = (b.postponed?.no ?? 0) >= no || boughtForIt;',
    'const heard = (b.postponed?.no ?? 0) > no || boughtForIt;',
  ),
];
