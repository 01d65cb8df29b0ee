import type { EventChange } from '#adapters/store/event-changes.port.ts';
import { changeRowOf } from '#adapters/store/event-changes.ts';
import { changesWaitingMax, type EventRow } from '#adapters/store/event-rows.ts';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { UsherContext } from '#broker/call.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { termsOf } from '#domain/event.ts';
import type { EventLimits } from '#domain/inventory/terms.ts';
import { owned } from '#mixins/organizer.ts';

/** A change to an event's document, and what its seats must hear of it. */
export type Edit = {
  readonly set: Partial<EventRow>;
  readonly change?: ChangeBody;
};

type WithoutVersion<T> = T extends unknown ? Omit<T, 'version'> : never;
export type ChangeBody = WithoutVersion<EventChange>;

/** Edits that met another writer are tried again on the new state, so often. */
const triesMax = 5;

/** `open` or `change-terms` for the event as it will be. */
export function termsChange(
  kind: 'open' | 'change-terms',
  row: EventRow,
  ceilings: EventLimits,
): ChangeBody {
  const { layout: _, ...terms } = termsOf(row, '', ceilings);
  return { kind, chartId: row.chartId, terms };
}

/**
 * Writes edits of events: the document and the change its seats must hear of, in one write, under
 * the next of the event's change versions.
 */
export class EventEditor {
  readonly #events: MoleculerDbAdapter<EventRow>;
  readonly #now: () => number;

  constructor(events: MoleculerDbAdapter<EventRow>, now: () => number) {
    this.#events = events;
    this.#now = now;
  }

  /** Rejects with `stale-version`, `overloaded` (too many changes wait). */
  write(row: EventRow, { set, change }: Edit): Promise<EventRow> {
    const now = this.#now();
    const fields = { ...set, updatedAt: now };
    if (change === undefined) {
      return this.#events.updateVersioned(row._id, row.version, { set: fields });
    }
    if (row.changes.length >= changesWaitingMax) {
      throw new UsherError('overloaded', 'Too many changes of this event wait for its seats');
    }
    const version = row.changesMade + 1;
    return this.#events.updateVersioned(row._id, row.version, {
      set: { ...fields, changesMade: version },
      $push: { changes: changeRowOf({ ...change, version }) },
      $min: { changesDueAt: now },
    });
  }

  /**
   * Edits the caller's event by what `decide` makes of its present state (undefined: it is already
   * as asked), again when another writer was faster. Rejects with `not-found`, what `decide`
   * throws, `stale-version` when others kept being faster.
   */
  async edit(
    ctx: UsherContext,
    eventId: string,
    decide: (row: EventRow) => Edit | undefined,
  ): Promise<EventRow> {
    for (let tries = 1; ; tries++) {
      const row = owned(ctx, await this.#events.findById(eventId));
      const edit = decide(row);
      if (edit === undefined) return row;
      try {
        return await this.write(row, edit);
      } catch (error) {
        if (tries >= triesMax || !hasCode(error, 'stale-version')) throw error;
      }
    }
  }
}
