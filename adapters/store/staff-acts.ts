import type { ClientSession, Collection, Db } from 'mongodb';
import type { OfferActRow } from '#adapters/store/offer-acts.ts';

/** Acts on who works for an organizer; the accounts service is their only writer. */
export const staffActsCollection = 'staff_acts';

/** Kept as acts on offers are. */
export type StaffActRow = OfferActRow;

/** What somebody did to an account's place at an organizer, for the audit log. */
export type StaffAct = Omit<StaffActRow, '_id' | 'body' | 'unaudited'> & {
  /** A ULID of its own. */
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export class StaffActs {
  readonly #rows: Collection<StaffActRow>;

  constructor(db: Db) {
    this.#rows = db.collection(staffActsCollection);
  }

  async prepare(): Promise<void> {
    // A transaction must not have to create the collection.
    const unaudited = { partialFilterExpression: { unaudited: true } } as const;
    await this.#rows.createIndex({ at: 1 }, unaudited);
  }

  /** Writes the act in the transaction of what it did. */
  async write(
    { id, organizerId, subject, at, actor, act, data }: StaffAct,
    session: ClientSession,
  ): Promise<void> {
    const body = JSON.stringify(data);
    const row = { _id: id, organizerId, subject, at, actor, act, body, unaudited: true } as const;
    await this.#rows.insertOne(row, { session });
  }
}
