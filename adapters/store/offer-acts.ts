import type { ClientSession, Collection, Db, OptionalUnlessRequiredId } from 'mongodb';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import type { Versioned } from '#adapters/store/moleculer-db-adapter.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import { promotionCollections } from '#adapters/store/promotion-rows.ts';

/** What somebody did to a promo code, a voucher or a package, for the audit log; data as JSON. */
export type OfferActRow = {
  /** `<subject>:<version it made>`. */
  readonly _id: string;
  readonly organizerId: string;
  readonly subject: string;
  /** Epoch ms. */
  readonly at: number;
  readonly actor: string;
  readonly act: string;
  readonly body: string;
  /** Until it stands in the audit log. */
  readonly unaudited?: true;
};

export type OfferAct = Omit<OfferActRow, '_id' | 'body' | 'unaudited'> & {
  readonly version: number;
  readonly data: Readonly<Record<string, unknown>>;
};

/** What `actor` has done to `row`; the row is given as the act leaves it. */
export const offerActOf = (
  actor: string,
  row: Versioned & Pick<OfferAct, 'organizerId'> & { readonly updatedAt: number },
  act: string,
  data: OfferAct['data'],
): OfferAct => {
  const { _id: subject, organizerId, updatedAt: at, version } = row;
  return { subject, organizerId, at, actor, act, version, data };
};

type Rows<T extends Versioned> = {
  readonly rows: Collection<T>;
  findById(id: string): Promise<T | null>;
};

/** Acts on what organizers offer, each written in one transaction with what it did. */
export class OfferActs {
  readonly #db: Db;
  readonly #rows: Collection<OfferActRow>;

  constructor(db: Db) {
    this.#db = db;
    this.#rows = db.collection(promotionCollections.acts);
  }

  async prepare(): Promise<void> {
    const unaudited = { partialFilterExpression: { unaudited: true } } as const;
    await stored(() => this.#rows.createIndex({ at: 1 }, unaudited));
  }

  /**
   * Inserts a row with its act. A row whose id a repeated request makes again: then the first one
   * is answered; null when another row stands in its way.
   */
  async insertOnce<T extends Versioned>(act: OfferAct, rows: Rows<T>, row: T): Promise<T | null> {
    try {
      const fresh = row as OptionalUnlessRequiredId<T>;
      await this.record(act, (session) => rows.rows.insertOne(fresh, { session }));
      return row;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return rows.findById(row._id);
    }
  }

  /** Runs `work` and writes its act, both or neither. A duplicate key is passed on as it is. */
  record<T>(act: OfferAct, work: (session: ClientSession) => Promise<T>): Promise<T> {
    const { version, data, ...rest } = act;
    const body = JSON.stringify(data);
    const row = { _id: `${act.subject}:${version}`, ...rest, body, unaudited: true } as const;
    const both = async (session: ClientSession): Promise<T> => {
      const result = await work(session);
      await this.#rows.insertOne(row, { session });
      return result;
    };
    return stored(() => inTransaction(this.#db, both));
  }
}
