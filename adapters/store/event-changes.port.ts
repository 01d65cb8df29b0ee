import type { Terms } from '#domain/inventory/terms.ts';

/**
 * A change of the catalogue that an event's seats must hear of. `version` counts an event's changes
 * 1, 2, 3, …; they reach the seats in that order, each only after the one before it was answered.
 */
export type EventChange = { readonly version: number } & (
  | {
      readonly kind: 'open' | 'change-terms';
      /** Without the layout: it is read from the chart's version when the change is sent. */
      readonly terms: Omit<Terms, 'layout'>;
      readonly chartId: string;
    }
  | { readonly kind: 'block' | 'unblock'; readonly seats: readonly string[] }
);

/** What became of a change that the seats have. */
export type ChangeResult = { readonly version: number; readonly skipped: readonly string[] };

/**
 * The changes of events that the seats do not have yet. They are written with their cause, in the
 * same document; this is the side that sends them. Every call is bounded.
 */
export interface EventChanges {
  /**
   * The event's oldest waiting change, if it is due at `now`; it is then due again only at
   * `againAt`, unless `done` or `defer` says otherwise. Undefined: nothing is due.
   */
  take(eventId: string, now: number, againAt: number): Promise<EventChange | undefined>;
  /** The seats have this change: forgets it and makes the next one due. Repeating does nothing. */
  done(eventId: string, result: ChangeResult, now: number): Promise<void>;
  /** Tries again at `at`. */
  defer(eventId: string, at: number): Promise<void>;
  /** Up to which version the seats have everything, and what the last changes answered. */
  progress(
    eventId: string,
  ): Promise<{ readonly applied: number; readonly results: readonly ChangeResult[] }>;
  /** Events with a change that is due at `now`. */
  due(now: number, limit: number): Promise<readonly string[]>;
}
