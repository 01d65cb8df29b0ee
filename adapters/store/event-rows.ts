import type { ChangeResult } from '#adapters/store/event-changes.port.ts';
import type { Versioned } from '#adapters/store/moleculer-db-adapter.ts';
import type { EventCategory, EventRules } from '#domain/event.ts';

/** A change that waits, with its body as JSON text: category names may be no field names. */
export type ChangeRow = { readonly version: number; readonly body: string };

/** An organizer's act that is not in the audit log yet, with its data as JSON text. */
export type ActRow = {
  readonly no: number;
  /** Epoch ms. */
  readonly at: number;
  readonly actor: string;
  readonly act: string;
  readonly body: string;
};

/** News for the event's bookings, told once the seats have change `after`; its body as JSON text. */
export type NoticeRow = { readonly no: number; readonly after: number; readonly body: string };

/**
 * An event as it is stored; times in epoch ms. `changes` are what the seats do not have yet: they
 * stand in the document of their cause, so that neither is ever there without the other.
 */
export type EventRow = Versioned &
  EventRules & {
    readonly organizerId: string;
    readonly venueId: string;
    readonly chartId: string;
    readonly chartVersion: number;
    readonly places: number;
    readonly title: string;
    readonly description?: string;
    readonly category: EventCategory;
    readonly performers: readonly string[];
    readonly ageLimit?: number;
    readonly doorsAt: number | null;
    /** Colours of the chart's categories, beside `prices`. */
    readonly colors: readonly (string | null)[];
    /** Versions of changes to the seats: made, and in force. */
    readonly changesMade: number;
    readonly changesApplied: number;
    readonly changes: readonly ChangeRow[];
    readonly changeResults: readonly ChangeResult[];
    /** Epoch ms at which the oldest waiting change is to be sent; absent when none waits. */
    readonly changesDueAt?: number;
    /** Acts of its organizer: how many were made, and those on their way to the audit log. */
    readonly actsMade?: number;
    readonly acts?: readonly ActRow[];
    readonly actsWaiting?: true;
    /** The last time it was put off; epoch ms. */
    readonly postponed?: PostponedRow;
    /** News for its bookings: how many were made, those that were not told yet. */
    readonly noticesMade?: number;
    readonly notices?: readonly NoticeRow[];
    /** Epoch ms at which the oldest is to be told; absent when none waits. */
    readonly noticesDueAt?: number;
    readonly createdAt: number;
    readonly updatedAt: number;
  };

export type PostponedRow = {
  /** Counts 1, 2, 3, … */
  readonly no: number;
  /** When it had started before. */
  readonly from: number;
  /** Until then tickets return all that was paid; null: as the refund rules say. */
  readonly refundUntil: number | null;
};

/** More waiting changes of one event than this are refused. */
export const changesWaitingMax = 100;
export const changeResultsKept = 20;
/** With more acts of one event on their way to the audit log, further ones are refused. */
export const actsWaitingMax = 200;
