import { reminded } from '#domain/booking-moves.ts';
import type { Desk } from '#services/bookings/desk.ts';

/**
 * Queues one reminder for each confirmed booking whose event starts within this time; `more`: there
 * may be others behind the first `limit`.
 */
export async function queueReminders(desk: Desk, withinMs: number, limit: number) {
  const now = desk.clock.now();
  const due = await desk.store.toRemind(now, now + withinMs, limit);
  let queued = 0;
  for (const booking of due) {
    const change = reminded(booking, desk.clock.now());
    // Whoever changed it meanwhile does not hinder the next run from reminding.
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.relay.relay(change.messages);
    queued++;
  }
  return { queued, more: due.length === limit };
}
