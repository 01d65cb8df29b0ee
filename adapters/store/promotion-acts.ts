import type { ClientSession, Collection, Db } from 'mongodb';
import { stored } from '#adapters/store/failures.ts';
import { transactionOptions } from '#adapters/store/mongo.ts';
import { promotionCollections } from '#adapters/store/promotion-rows.ts';
import { limits } from '#domain/limits.ts';

/** What somebody did to a promo code or a voucher, for the audit log; its data as JSON text. */
export type PromotionActRow = {
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

export type PromotionAct = Omit<PromotionActRow, '_id' | 'body' | 'unaudited'> & {
  readonly version: number;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Acts on promo codes and vouchers, each written in one transaction with what it did. */
export class PromotionActs {
  readonly #db: Db;
  readonly #rows: Collection<PromotionActRow>;

  constructor(db: Db) {
    this.#db = db;
    this.#rows = db.collection(promotionCollections.acts);
  }

  async prepare(): Promise<void> {
    const unaudited = { partialFilterExpression: { unaudited: true } } as const;
    await stored(() => this.#rows.createIndex({ at: 1 }, unaudited));
  }

  /** Runs `work` and writes its act, both or neither. A duplicate key is passed on as it is. */
  record<T>(act: PromotionAct, work: (session: ClientSession) => Promise<T>): Promise<T> {
    const { version, data, ...rest } = act;
    const body = JSON.stringify(data);
    const row = { _id: `${act.subject}:${version}`, ...rest, body, unaudited: true } as const;
    const both = async (session: ClientSession): Promise<T> => {
      const result = await work(session);
      await this.#rows.insertOne(row, { session });
      return result;
    };
    return stored(() =>
      this.#db.client.withSession((session) =>
        session.withTransaction(() => both(session), {
          ...transactionOptions,
          timeoutMS: limits.databaseTimeoutMs * 2,
        }),
      ),
    );
  }
}
