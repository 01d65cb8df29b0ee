import type { EventChange } from '#adapters/store/event-changes.port.ts';
import { changeRowOf } from '#adapters/store/event-changes.ts';
import {
  type ActRow,
  actsWaitingMax,
  changesWaitingMax,
  type EventRow,
  type NoticeRow,
} from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import type { PriceChanges } from '#adapters/store/price-changes.ts';
import type { UsherContext } from '#broker/call.ts';
import type { PriceMove } from '#domain/dynamic-pricing.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { termsOf } from '#domain/event.ts';
import type { EventLimits } from '#domain/inventory/terms.ts';
import { callerOf } from '#mixins/caller.ts';
import { owned } from '#mixins/organizer.ts';

/** A change to an event's document, its name in the audit log, and what its seats must hear. */
export type Edit = {
  readonly set: Partial<EventRow>;
  readonly act: EditAct;
  readonly change?: ChangeBody;
  /** What its bookings must hear, once the seats have the change. */
  readonly notice?: NoticeBody;
  /** Prices that change with it, for their history. */
  readonly moves?: readonly PriceMove[];
};

/** News of an event as the catalogue keeps them until they are told. */
export type NoticeBody =
  | { readonly kind: 'cancelled' }
  | {
      readonly kind: 'postponed';
      readonly no: number;
      readonly startsAt: number;
      readonly refundUntil: number | null;
    };

export type EditAct = {
  /** `event.published`, … */
  readonly act: string;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** What an actor does, as it waits in the event's document for the audit log. */
export const actRow = (actor: string, no: number, at: number, own: EditAct): ActRow => ({
  no,
  at,
  actor,
  act: own.act,
  body: JSON.stringify(own.data ?? {}),
});

const noticeOf = (row: EventRow, body: NoticeBody, changes: number): NoticeRow => ({
  no: (row.noticesMade ?? 0) + 1,
  after: row.changesMade + changes,
  body: JSON.stringify(body),
});

type WithoutVersion<T> = T extends unknown ? Omit<T, 'version'> : never;
export type ChangeBody = WithoutVersion<EventChange>;

type Update = Parameters<MoleculerDbAdapter<EventRow>['updateVersioned']>[2];

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
 * Writes edits of events: the document, the act for the audit log and the change its seats must
 * hear of, in one write, under the next of the event's change versions.
 */
export class EventEditor {
  readonly #events: MoleculerDbAdapter<EventRow>;
  readonly #now: () => number;
  readonly #priceChanges: PriceChanges;

  constructor(events: MoleculerDbAdapter<EventRow>, priceChanges: PriceChanges, now: () => number) {
    this.#events = events;
    this.#priceChanges = priceChanges;
    this.#now = now;
  }

  /** Rejects with `stale-version`, `overloaded` (too many changes or acts wait). */
  write(ctx: UsherContext, row: EventRow, edit: Edit): Promise<EventRow> {
    return this.writeAs(callerOf(ctx).userId, row, edit);
  }

  /** The same in the name of somebody, or of the system. */
  async writeAs(actor: string, row: EventRow, edit: Edit): Promise<EventRow> {
    const { moves = [] } = edit;
    const now = this.#now();
    const update = this.#updateOf(actor, row, edit, now);
    const { _id: eventId, version, currency } = row;
    if (moves.length === 0) return this.#events.updateVersioned(eventId, version, update);
    const prices = { eventId, version: version + 1, at: now, actor, currency, moves };
    return stored(() =>
      inTransaction(this.#events.db, async (session) => {
        const written = await this.#events.updateVersioned(eventId, version, update, session);
        await this.#priceChanges.add(prices, session);
        return written;
      }),
    );
  }

  #updateOf(actor: string, row: EventRow, edit: Edit, now: number): Update {
    const { set, change, act, notice } = edit;
    if ((row.acts ?? []).length >= actsWaitingMax) {
      throw new UsherError('overloaded', 'Too many changes of this event wait for the audit log');
    }
    const no = (row.actsMade ?? 0) + 1;
    const acts = actRow(actor, no, now, act);
    const told = notice && noticeOf(row, notice, change === undefined ? 0 : 1);
    const fields = {
      ...set,
      updatedAt: now,
      actsMade: no,
      actsWaiting: true,
      ...(told && { noticesMade: told.no }),
    } as const;
    const pushed = { acts, ...(told && { notices: told }) };
    const due = told === undefined ? {} : { noticesDueAt: now };
    if (change === undefined) {
      return { set: fields, $push: pushed, ...(told && { $min: due }) };
    }
    if (row.changes.length >= changesWaitingMax) {
      throw new UsherError('overloaded', 'Too many changes of this event wait for its seats');
    }
    const version = row.changesMade + 1;
    return {
      set: { ...fields, changesMade: version },
      $push: { ...pushed, changes: changeRowOf({ ...change, version }) },
      $min: { ...due, changesDueAt: now },
    };
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
        return await this.write(ctx, row, edit);
      } catch (error) {
        if (tries >= triesMax || !hasCode(error, 'stale-version')) throw error;
      }
    }
  }
}
