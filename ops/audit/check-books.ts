import type { Db } from 'mongodb';
import type { PaymentDoc } from '#adapters/payments/store.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import {
  type BookingDocument,
  collections,
  fromLedgerDocument,
  type LedgerDocument,
} from '#adapters/store/booking-documents.ts';
import { calledAfter } from '#adapters/store/id-ranges.ts';
import { nobody } from '#domain/audit.ts';
import { voucherPaid } from '#domain/bill.ts';
import { awaitsPayOut, type Return } from '#domain/booking.ts';
import { cashHeld } from '#domain/box-office.ts';
import { takenBack } from '#domain/dispute.ts';
import { isAtRest, outstanding } from '#domain/instalments.ts';
import { type Balances, balancesOf, type LedgerEntry } from '#domain/ledger.ts';
import {
  type BookMistake,
  bookingMistakes,
  entryMistakes,
  type MoneyRecord,
} from '#domain/ledger-check.ts';
import { checkClaims } from '#ops/audit/check-claims.ts';
import { bookedByParts, bundledPayments, ordersOf } from '#ops/bundle-payments.ts';

export type BookLine = {
  readonly organizerId: string;
  readonly currency: string;
  readonly balances: Balances;
};

export type BooksReport = {
  /** The balance of every account by organizer and currency. */
  readonly lines: readonly BookLine[];
  readonly entries: number;
  readonly bookings: number;
  /** Bookings that are still moving: their money was not compared. */
  readonly underWay: number;
  readonly mistakes: readonly BookMistake[];
};

type MoneyFields = Pick<
  BookingDocument,
  '_id' | 'step' | 'returns' | 'disputes' | 'quote' | 'bill' | 'saleWritten' | 'status' | 'attempts'
>;
type PaidFields = MoneyFields & Pick<BookingDocument, 'eventId' | 'bundle'>;
type Booked = { readonly bookingId: string; readonly entries: readonly LedgerEntry[] };

const bookingsAtOnce = 500;
/** Documents that the driver keeps; its own batches of 16 MB are more than the rest together. */
const read = { batchSize: 1_000 } as const;
/** After so many mistakes they are no longer listed. */
const mistakesMax = 1_000;

/** Checks the ledger of every booking, and every captured payment for its booking. Reads only. */
export async function checkBooks(db: Db): Promise<BooksReport> {
  const lines = new Map<string, BookLine>();
  const sources = new AuditSources(db);
  const mistakes: BookMistake[] = [];
  let entries = 0;
  let bookings = 0;
  let underWay = 0;
  const note = (found: readonly BookMistake[]): void => {
    mistakes.push(...found.slice(0, mistakesMax - mistakes.length));
  };
  for await (const batch of bookedBookings(db)) {
    const all = batch.flatMap((booked) => booked.entries);
    const organizers = await sources.organizersOf(all.map(({ eventId }) => eventId));
    const money = await moneyOf(db, idsOf(batch));
    for (const { bookingId, entries: own } of batch) {
      note(own.flatMap(entryMistakes));
      // The issue of a voucher has no booking.
      if (own.every(({ kind }) => kind === 'voucher-issue')) continue;
      bookings++;
      const record = money(bookingId);
      if (record.settled === false) underWay++;
      // The ledger was read first: what was settled in between is looked at once more.
      const amiss = bookingMistakes(bookingId, own, record).length > 0;
      if (amiss) note(await secondLook(db, bookingId));
    }
    for (const entry of all) addTo(lines, organizers.get(entry.eventId) ?? nobody, entry);
    entries += all.length;
  }
  note(await unbookedPayments(db));
  note(await checkClaims(db));
  return { lines: [...lines.values()], entries, bookings, underWay, mistakes };
}

const idsOf = (batch: readonly Booked[]): readonly string[] =>
  batch.map(({ bookingId }) => bookingId);

function addTo(lines: Map<string, BookLine>, organizerId: string, entry: LedgerEntry): void {
  const { currency } = entry;
  const key = `${organizerId} ${currency}`;
  const before = lines.get(key)?.balances ?? balancesOf([]);
  const own = balancesOf([entry]);
  const balances = Object.fromEntries(
    Object.entries(own).map(([account, sum]) => [account, sum + before[account as keyof Balances]]),
  ) as Balances;
  lines.set(key, { organizerId, currency, balances });
}

/** The ledger's entries by their ids: those of a booking together, in batches of bookings. */
async function* bookedBookings(db: Db): AsyncGenerator<readonly Booked[]> {
  const ledger = db.collection<LedgerDocument>(collections.ledger);
  const batch: Booked[] = [];
  let own: LedgerEntry[] = [];
  for await (const document of ledger.find({}, read).sort({ _id: 1 })) {
    const [first] = own;
    if (first !== undefined && first.bookingId !== document.bookingId) {
      batch.push({ bookingId: first.bookingId, entries: own });
      own = [];
      if (batch.length >= bookingsAtOnce) yield batch.splice(0);
    }
    own.push(fromLedgerDocument(document));
  }
  const [last] = own;
  if (last !== undefined) batch.push({ bookingId: last.bookingId, entries: own });
  if (batch.length > 0) yield batch;
}

/** The mistakes of a booking that did not move while its records were read. */
async function secondLook(db: Db, bookingId: string): Promise<readonly BookMistake[]> {
  const bookings = db.collection<BookingDocument>(collections.bookings);
  const version = async (): Promise<number | undefined> =>
    (await bookings.findOne({ _id: bookingId }, { projection: { version: 1 } }))?.version;
  const before = await version();
  const record = (await moneyOf(db, [bookingId]))(bookingId);
  const documents = await db
    .collection<LedgerDocument>(collections.ledger)
    .find({ _id: calledAfter([bookingId]) })
    .toArray();
  const entries = documents.map(fromLedgerDocument);
  if ((await version()) !== before) return [];
  return bookingMistakes(bookingId, entries, record);
}

/**
 * What payments and bookings say of these bookings' money. A refund that the provider failed is
 * counted as asked for in the payment: there the booking's own returns tell.
 */
async function moneyOf(
  db: Db,
  bookingIds: readonly string[],
): Promise<(bookingId: string) => MoneyRecord> {
  const ids = [...bookingIds];
  const [bookings, payments] = await Promise.all([
    db
      .collection<BookingDocument>(collections.bookings)
      .find({ _id: { $in: ids } })
      .project<PaidFields>({
        step: 1,
        returns: 1,
        disputes: 1,
        quote: 1,
        bill: 1,
        saleWritten: 1,
        eventId: 1,
        attempts: 1,
        bundle: 1,
        status: 1,
      })
      .toArray(),
    db
      .collection<PaymentDoc>('payments')
      .find({ _id: calledAfter(ids) })
      .toArray(),
  ]);
  // What a bundle's payment has taken without a sale is in the books under the bundle's own id.
  const orders = await ordersOf(db, ids);
  const known = new Map<string, MoneyFields>([...bookings, ...orders].map((b) => [b._id, b]));
  const all = [...payments, ...(await bundledPayments(db, bookings))];
  const paid = Map.groupBy(all, ({ bookingId }) => bookingId);
  return (bookingId) => {
    const booking = known.get(bookingId);
    const own = paid.get(bookingId) ?? [];
    const returns = booking?.returns ?? [];
    const sum = (fits: (r: Return) => boolean): number =>
      returns.filter(fits).reduce((total, r) => total + r.amount, 0);
    const byCard = (state: Return['refund']) =>
      sum(({ refund, to = 'card' }) => refund === state && to === 'card');
    const failed = byCard('failed');
    return {
      settled: booking === undefined ? undefined : isAtRest(booking),
      captured: own.reduce((total, p) => total + p.captured, 0),
      refunded:
        takenBack(booking ?? {}) +
        (failed === 0 ? own.reduce((total, p) => total + p.refunded, 0) : byCard('succeeded')),
      unreturned: failed + sum(awaitsPayOut),
      inTill: cashHeld(booking),
      byVoucher:
        booking === undefined
          ? 0
          : voucherPaid(booking) -
            sum(({ refund, to }) => refund === 'succeeded' && to === 'voucher'),
      outstanding: booking === undefined ? 0 : outstanding(booking),
    };
  };
}

/** Captured money of settled bookings that the ledger knows nothing of. */
async function unbookedPayments(db: Db): Promise<readonly BookMistake[]> {
  const payments = db.collection<PaymentDoc>('payments');
  const mistakes: BookMistake[] = [];
  let batch: PaymentDoc[] = [];
  const look = async (): Promise<void> => {
    const bookingIds = [...new Set(batch.map(({ bookingId }) => bookingId))];
    const booked = await db
      .collection<LedgerDocument>(collections.ledger)
      .distinct('bookingId', { _id: calledAfter(bookingIds) });
    const money = await moneyOf(db, bookingIds);
    const inParts = await bookedByParts(db, bookingIds);
    for (const { intentId, bookingId, captured } of batch) {
      if (inParts.get(intentId) === captured) continue;
      if (booked.includes(bookingId) || money(bookingId).settled === false) continue;
      if (mistakes.length >= mistakesMax) break;
      const problem = `${captured} captured for ${bookingId}, and nothing in the ledger`;
      mistakes.push({ about: intentId, problem });
    }
    batch = [];
  };
  for await (const payment of payments.find({ captured: { $gt: 0 } }, read)) {
    batch.push(payment);
    if (batch.length >= bookingsAtOnce) await look();
  }
  await look();
  return mistakes;
}
