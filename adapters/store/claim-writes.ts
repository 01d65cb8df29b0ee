import { type ClientSession, type Collection, type Db, MongoServerError } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  type BookingDocument,
  collections,
  toBookingDocument,
} from '#adapters/store/booking-documents.ts';
import type { InsertResult } from '#adapters/store/bookings.port.ts';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import {
  type PromoRow,
  type PromoUsesRow,
  promotionCollections,
  usesId,
  type VoucherRow,
} from '#adapters/store/promotion-rows.ts';
import type { Booking } from '#domain/booking.ts';
import { type Claim, codeUserOf, takenBy } from '#domain/claims.ts';
import { UsherError } from '#domain/errors.ts';

/** Ends a transaction in which a code or a voucher was not to be had. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

type Refusal = Extract<InsertResult, 'promo-refused' | 'voucher-refused'>;

type Insertion = {
  readonly booking: Booking;
  outcome: PromiseSettledResult<InsertResult>;
};

const inserted = { status: 'fulfilled', value: 'inserted' } as const;

const promosOf = (db: Db): Collection<PromoRow> => db.collection(promotionCollections.promos);
const usesOf = (db: Db): Collection<PromoUsesRow> => db.collection(promotionCollections.uses);
const vouchersOf = (db: Db): Collection<VoucherRow> => db.collection(promotionCollections.vouchers);

/** Creates the collections where they are missing: a transaction must not have to. */
export async function prepareClaims(db: Db): Promise<void> {
  await Promise.all([
    promosOf(db).createIndexes([
      { key: { organizerId: 1, key: 1 }, unique: true },
      { key: { organizerId: 1, createdAt: -1, _id: -1 } },
    ]),
    db.createCollection(promotionCollections.uses).catch(unlessThere),
    vouchersOf(db).createIndexes([
      { key: { codeHash: 1 }, unique: true },
      { key: { organizerId: 1, createdAt: -1, _id: -1 } },
    ]),
  ]);
}

const namespaceExists = 48;
const unlessThere = (error: unknown): void => {
  if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error;
};

/**
 * Inserts bookings together with what their bills take. Those of one moment share a transaction, so
 * that a code everybody uses is counted once a moment and not fought over; one that is refused is
 * found by halves. Two nodes that count the same code conflict, and the driver runs one of them
 * again on what the other has written.
 */
export class ClaimWrites {
  readonly #db: Db;
  readonly #bookings: Collection<BookingDocument>;
  readonly #insertions: GroupCommit<Insertion>;

  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#bookings = db.collection(collections.bookings);
    this.#insertions = new GroupCommit({
      clock,
      groupMax: 256,
      waitingMax: 2_000,
      whenFull: () => new UsherError('overloaded', 'Too many bookings wait for the database'),
      write: (items) => this.#insertAll(items),
    });
  }

  /** All of it or nothing; rejects when that is not known. */
  async insert(booking: Booking): Promise<InsertResult> {
    const insertion: Insertion = { booking, outcome: inserted };
    await this.#insertions.add(insertion);
    const { outcome } = insertion;
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  /** Never rejects: the outcomes say what became of each. */
  async #insertAll(insertions: readonly Insertion[]): Promise<void> {
    try {
      await stored(() => this.#transact(insertions.map(({ booking }) => booking)));
    } catch (error) {
      const half = Math.ceil(insertions.length / 2);
      const refusal = refusalOf(error);
      if (refusal !== undefined && half < insertions.length) {
        await this.#insertAll(insertions.slice(0, half));
        await this.#insertAll(insertions.slice(half));
        return;
      }
      for (const one of insertions) {
        one.outcome =
          refusal === undefined
            ? { status: 'rejected', reason: error }
            : { status: 'fulfilled', value: refusal };
      }
    }
  }

  /** The callback may run several times: it changes nothing outside the transaction. */
  async #transact(bookings: readonly Booking[]): Promise<void> {
    await inTransaction(this.#db, async (session) => {
      await takeClaims(this.#db, bookings, session);
      await this.#bookings.insertMany(bookings.map(toBookingDocument), { session });
    });
  }
}

/**
 * Takes what bookings that begin take, in the transaction that inserts them; it must end with what
 * this throws: see `claimRefusal`.
 */
export async function takeClaims(
  db: Db,
  bookings: readonly Booking[],
  session: ClientSession,
): Promise<void> {
  await redeem(db, bookings, session);
  await setAside(db, bookings, session);
}

/** One write a code, whoever uses it; then each buyer's own uses. */
async function redeem(db: Db, bookings: readonly Booking[], session: ClientSession): Promise<void> {
  const uses = bookings.flatMap((booking) => {
    const { promo } = takenBy(booking);
    return promo === undefined ? [] : [{ promoId: promo.promoId, buyerId: codeUserOf(booking) }];
  });
  for (const [promoId, own] of Map.groupBy(uses, (use) => use.promoId)) {
    const after = { $add: ['$used', own.length] };
    const enough = {
      $or: [{ $eq: ['$redemptionsMax', null] }, { $lte: [after, '$redemptionsMax'] }],
    };
    const promo = await promosOf(db).findOneAndUpdate(
      { _id: promoId, disabled: false, $expr: enough },
      { $inc: { used: own.length } },
      { session },
    );
    if (promo === null) throw new Refused('promo-refused');
    const ids = own.map(({ buyerId }) => usesId(promoId, buyerId));
    await usesOf(db).bulkWrite(
      ids.map((_id) => ({
        updateOne: { filter: { _id }, update: { $inc: { used: 1 } }, upsert: true },
      })),
      { session },
    );
    if (promo.perBuyerMax === null) continue;
    const beyond = { _id: { $in: ids }, used: { $gt: promo.perBuyerMax } };
    const tooMany = await usesOf(db).findOne(beyond, { session });
    if (tooMany !== null) throw new Refused('promo-refused');
  }
}

/** One write a voucher. */
async function setAside(
  db: Db,
  bookings: readonly Booking[],
  session: ClientSession,
): Promise<void> {
  const parts = bookings.flatMap((booking) => takenBy(booking).voucher ?? []);
  const groups = [...Map.groupBy(parts, ({ voucherId }) => voucherId)];
  if (groups.length === 0) return;
  const { matchedCount } = await vouchersOf(db).bulkWrite(
    groups.map(([_id, own]) => {
      const amount = own.reduce((sum, part) => sum + part.amount, 0);
      const filter = { _id, disabled: false, balance: { $gte: amount } };
      return { updateOne: { filter, update: { $inc: { balance: -amount } } } };
    }),
    { session },
  );
  if (matchedCount < groups.length) throw new Refused('voucher-refused');
}

/** What was not to be had; undefined: something else went wrong. */
export const claimRefusal = (error: unknown): Refusal | undefined =>
  error instanceof Refused ? error.refusal : undefined;

const refusalOf = (error: unknown): InsertResult | undefined =>
  claimRefusal(error) ?? (isDuplicateKey(error) ? 'exists' : undefined);

/** Gives redemptions and vouchers' parts back, in the transaction of the change that says so. */
export async function giveBack(
  db: Db,
  claims: readonly Claim[],
  session: ClientSession,
): Promise<void> {
  for (const claim of claims) {
    if (claim.kind === 'voucher-credited') {
      const credit = { $inc: { balance: claim.amount } };
      await vouchersOf(db).updateOne({ _id: claim.voucherId }, credit, { session });
      continue;
    }
    const { promoId, buyerId } = claim;
    const less = { $inc: { used: -1 } };
    await promosOf(db).updateOne({ _id: promoId }, less, { session });
    await usesOf(db).updateOne({ _id: usesId(promoId, buyerId) }, less, { session });
  }
}
