import { reminded } from '#domain/booking-moves.ts';
import type { Desk } from '#services/bookings/desk.ts';

/** Of more events than these the next ones come first. */
const eventsMax = 10_000;
/** So many are looked through with one query. */
const eventsAtOnce = 10;

/**
 * Queues one reminder for each confirmed booking whose event starts within this time; `more`: there
 * may be others behind the first `limit`.
 */
export async function queueReminders(desk: Desk, withinMs: number, limit: number) {
  const now = desk.clock.now();
  const until = now + withinMs;
  const eventIds = await desk.starts.within(now, until, eventsMax);
  let found = 0;
  let queued = 0;
  for (let at = 0; at < eventIds.length && found < limit; at += eventsAtOnce) {
    const some = eventIds.slice(at, at + eventsAtOnce);
    const due = await desk.store.toRemind(some, now, until, limit - found);
    found += due.length;
    for (const booking of due) {
      const change = reminded(booking, desk.clock.now());
      // Whoever changed it meanwhile does not hinder the next run from reminding.
      if ((await desk.store.commit(change)) !== 'done') continue;
      desk.relay.relay(change.messages);
      queued++;
    }
  }
  return { queued, more: found === limit };
}
