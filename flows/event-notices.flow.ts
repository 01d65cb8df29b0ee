import type { Clock } from '#adapters/clock/port.ts';
import type { EventNotice, EventNotices } from '#adapters/store/event-notices.port.ts';
import { limits } from '#domain/limits.ts';

export type NoticesPorts = {
  readonly notices: EventNotices;
  readonly clock: Clock;
  /** Resolves when the bookings have taken it; may be repeated. */
  readonly tell: (notice: EventNotice) => Promise<void>;
  /** Told of every failed try. */
  readonly failed: (notice: EventNotice, error: unknown) => void;
};

/** Events that one sweep takes up; the next sweep takes the rest. */
const sweepMax = 100;

/**
 * Tells the bookings what happened to their event, once its seats know it. A notice is forgotten
 * only when it was taken, so whoever starts after a crash goes on with it.
 */
export class EventNoticesFlow {
  readonly #ports: NoticesPorts;

  constructor(ports: NoticesPorts) {
    this.#ports = ports;
  }

  /** Tells what is due, of any event, each event's in their order. */
  async sweep(): Promise<void> {
    const { notices, clock, tell, failed } = this.#ports;
    for (let i = 0; i < sweepMax; i++) {
      const now = clock.now();
      const notice = await notices.take(now, now + 2 * limits.callTimeoutMs);
      if (notice === undefined) return;
      if (!notice.ready) continue;
      try {
        await tell(notice);
        await notices.done(notice.eventId, notice.no, clock.now());
      } catch (error) {
        failed(notice, error);
      }
    }
  }
}
