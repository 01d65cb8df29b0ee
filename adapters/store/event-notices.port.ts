/** News that an event's bookings must hear. */
export type EventNotice = {
  readonly eventId: string;
  /** Counts the event's news 1, 2, 3, … */
  readonly no: number;
  /** JSON text. */
  readonly body: string;
  /** Its seats know it already: only then may the bookings be told. */
  readonly ready: boolean;
};

/** News of events that their bookings were not told yet. Every call is bounded. */
export interface EventNotices {
  /** The oldest news of the event that is longest due; due again at `againAt` unless `done`. */
  take(now: number, againAt: number): Promise<EventNotice | undefined>;
  /** It was taken: forgets it and makes the next one due. Repeating does nothing. */
  done(eventId: string, no: number, now: number): Promise<void>;
}
