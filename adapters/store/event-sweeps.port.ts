import type { EventSweep } from '#domain/event-sweep.ts';

/** Sweeps over the bookings of events. A write that rejects may have happened or not. */
export interface EventSweeps {
  /** Does nothing when there is one of that id. */
  begin(sweep: EventSweep): Promise<void>;
  /** The one that is longest due at `now`, made the caller's until `until`; undefined: none is. */
  take(now: number, until: number): Promise<EventSweep | undefined>;
  /** Replaces the version before it; false when another has written meanwhile. */
  save(next: EventSweep): Promise<boolean>;
  /** The cancellation of this event, if there is one. */
  cancellation(eventId: string): Promise<EventSweep | undefined>;
}
