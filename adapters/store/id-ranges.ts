/**
 * What belongs to an event, a booking or a bundle is found by its `_id`, which begins with theirs:
 * an index more is one that each sale would pay for.
 */

type IdRange = { readonly $gte: string; readonly $lt: string };

/** Ids of ours that begin with this: none of them has a `~`. */
export const idsFrom = (prefix: string): IdRange => ({ $gte: prefix, $lt: `${prefix}~` });

const bookingsOf = (eventId: string): string => `bkg_${eventId.slice(4)}`;
const bundlesOf = (eventId: string): string => `bdl_${eventId.slice(4)}`;

/** An event's bookings, and all that is called after one of them. */
export const idsOfEvent = (eventId: string): IdRange => idsFrom(bookingsOf(eventId));

/** Bundles of which it is the first event, and all that is called after one of them. */
export const idsOfBundles = (eventId: string): IdRange => idsFrom(bundlesOf(eventId));

/** MongoDB reads this as a range of an index; names that are not ours may have any character. */
const beginningWith = (text: string): RegExp => new RegExp(`^${text.replace(/\W/g, '\\$&')}`);

/** What is called `<bookingId>:…` after these bookings or bundles: payments, the ledger's entries. */
export const calledAfter = (bookingIds: readonly string[]) => ({
  $in: bookingIds.map((bookingId) => beginningWith(`${bookingId}:`)),
});

/** The same of all bookings of these events, and of the bundles of which one is the first. */
export const calledAfterThoseOf = (eventIds: readonly string[]) => ({
  $in: eventIds.flatMap((eventId) => [
    beginningWith(bookingsOf(eventId)),
    beginningWith(bundlesOf(eventId)),
  ]),
});
