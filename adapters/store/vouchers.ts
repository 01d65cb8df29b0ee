import type { ClientSession, Collection, Db } from 'mongodb';
import {
  collections,
  type LedgerDocument,
  toLedgerDocument,
} from '#adapters/store/booking-documents.ts';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { stored } from '#adapters/store/failures.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import { promotionCollections, type VoucherRow } from '#adapters/store/promotion-rows.ts';
import { type LedgerEntry, voucherIssuePostings } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

const issueEntry = (row: VoucherRow, actor: string): LedgerEntry => ({
  id: `${row._id}:issued`,
  eventId: row.organizerId,
  bookingId: row._id,
  kind: 'voucher-issue',
  currency: row.currency,
  postings: voucherIssuePostings(row.amount),
  at: row.createdAt,
  by: actor,
});

/** Gift vouchers in MongoDB, without what bookings do to their balances. */
export class Vouchers {
  readonly #db: Db;
  readonly #rows: Collection<VoucherRow>;

  constructor(db: Db) {
    this.#db = db;
    this.#rows = db.collection(promotionCollections.vouchers);
  }

  /**
   * Writes new vouchers and what they make the organizer owe, all or nothing. Repeated by a request
   * whose first run was cut off, vouchers that nobody has used yet get the new codes: the first
   * ones were never told.
   */
  async issue(rows: readonly VoucherRow[], actor: string): Promise<void> {
    await stored(() => inTransaction(this.#db, (session) => this.#issue(rows, actor, session)));
  }

  async #issue(rows: readonly VoucherRow[], actor: string, session: ClientSession): Promise<void> {
    const ids = rows.map(({ _id }) => _id);
    const there = await this.#rows.countDocuments({ _id: { $in: ids } }, { session });
    if (there > 0) {
      const renewals = rows.map(({ _id, amount, codeHash }) => ({
        updateOne: { filter: { _id, balance: amount }, update: { $set: { codeHash } } },
      }));
      await this.#rows.bulkWrite(renewals, { session });
      return;
    }
    await this.#rows.insertMany([...rows], { session });
    const ledger = this.#db.collection<LedgerDocument>(collections.ledger);
    const entries = rows.map((row) => toLedgerDocument(issueEntry(row, actor)));
    await ledger.insertMany(entries, { session });
  }

  byHash(codeHash: string): Promise<VoucherRow | null> {
    return stored(() => this.#rows.findOne({ codeHash }, bounded));
  }

  find(_id: string): Promise<VoucherRow | null> {
    return stored(() => this.#rows.findOne({ _id }, bounded));
  }

  /** Answers the voucher as it then is; null when it was switched off before. */
  disable(_id: string, now: number, session: ClientSession): Promise<VoucherRow | null> {
    const off = { $set: { disabled: true, updatedAt: now }, $inc: { version: 1 } };
    return this.#rows.findOneAndUpdate({ _id, disabled: false }, off, {
      returnDocument: 'after',
      session,
    });
  }

  async page(filter: object, limit: number, cursor: string | undefined) {
    const after = cursor === undefined ? {} : behind(cursor);
    const query = { $and: [filter, after] } as object;
    const found = await stored(() =>
      this.#rows
        .find(query, bounded)
        .sort({ createdAt: -1, _id: -1 })
        .limit(limit + 1)
        .toArray(),
    );
    return pageOf(found, limit, ({ createdAt, _id }) => [createdAt, _id]);
  }
}

function behind(cursor: string): object {
  const [createdAt, id] = decodeCursor(cursor, 2);
  return { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: id } }] };
}
