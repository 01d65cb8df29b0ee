import type { Collection, Db } from 'mongodb';
import {
  collections,
  type LedgerDocument,
  toLedgerDocument,
} from '#adapters/store/booking-documents.ts';
import { duplicatesIn, stored } from '#adapters/store/failures.ts';
import { idsFrom } from '#adapters/store/id-ranges.ts';
import { limits } from '#domain/limits.ts';
import { type StrayPayment, strayEntries, strayPrefix } from '#domain/stray-payment.ts';

/** What the ledger has of a stray payment, minor units. */
export type StraySums = { readonly captured: number; readonly refunded: number };

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Postings of payments that name a booking which does not exist. */
export class StrayLedger {
  readonly #ledger: Collection<LedgerDocument>;

  constructor(db: Db) {
    this.#ledger = db.collection(collections.ledger);
  }

  async sums(bookingId: string, intentId: string): Promise<StraySums> {
    const within = { _id: idsFrom(strayPrefix(bookingId, intentId)) };
    const own = await stored(() => this.#ledger.find(within, options).toArray());
    const sum = (kind: string): number =>
      own
        .filter((entry) => entry.kind === kind)
        .flatMap(({ postings }) => postings)
        .reduce((total, { amount }) => total + amount, 0);
    return { captured: sum('stray-cash'), refunded: sum('refund') };
  }

  /** Books what is not booked yet; answers how many entries that were. */
  async book(stray: StrayPayment, now: number): Promise<number> {
    const documents = strayEntries(stray, now).map(toLedgerDocument);
    if (documents.length === 0) return 0;
    return stored(async () => {
      try {
        await this.#ledger.insertMany(documents, { ordered: false });
        return documents.length;
      } catch (error) {
        const known = duplicatesIn(error);
        if (known === undefined) throw error;
        return documents.length - known.length;
      }
    });
  }
}
