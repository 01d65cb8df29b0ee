/**
 * What belongs to an event, a booking or a bundle is found by its `_id`, which begins with theirs:
 * an index more is one that each sale would pay for.
 */

/** An event's bookings, and all that is called after one of them. */
export function idsOfEvent(eventId: string): { readonly $gte: string; readonly $lt: string } {
  const prefix = `bkg_${eventId.slice(4)}`;
  return { $gte: prefix, $lt: `${prefix}~` };
}

/** MongoDB reads this as a range of an index; names that are not ours may have any character. */
const beginningWith = (text: string): RegExp => new RegExp(`^${text.replace(/\W/g, '\\$&')}`);

/** What is called `<bookingId>:…` after these bookings or bundles: payments, the ledger's entries. */
export const calledAfter = (bookingIds: readonly string[]) => ({
  $in: bookingIds.map((bookingId) => beginningWith(`${bookingId}:`)),
});

/** The same of all bookings of these events, and of the bundles of which one is the first. */
export const calledAfterThoseOf = (eventIds: readonly string[]) => ({
  $in: eventIds.flatMap((eventId) =>
    ['bkg', 'bdl'].map((prefix) => beginningWith(`${prefix}_${eventId.slice(4)}`)),
  ),
});
