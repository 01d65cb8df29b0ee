import { accounts, balancesOf, type LedgerEntry } from '#domain/ledger.ts';

/** Something in the books that does not add up. */
export type BookMistake = { readonly about: string; readonly problem: string };

/** What the provider and the booking say of the same money. Amounts in minor units. */
export type MoneyRecord = {
  /** Nothing of the booking is under way; undefined: there is no such booking. */
  readonly settled: boolean | undefined;
  readonly captured: number;
  readonly refunded: number;
  /** Returns the provider has failed for good, or that wait to be paid out: owed to the buyer. */
  readonly unreturned: number;
  /** Cash of it in the organizer's tills: taken − paid out. */
  readonly inTill: number;
  /** What a gift voucher has paid, less what went back to it. */
  readonly byVoucher: number;
  /** Instalments that are still to be paid. */
  readonly outstanding: number;
};

const isAccount = (name: unknown): boolean => accounts.some((account) => account === name);

/** What is wrong with an entry by itself. */
export function entryMistakes(entry: LedgerEntry): readonly BookMistake[] {
  const problems: string[] = [];
  const { id, bookingId, eventId, postings, currency, at, kind } = entry;
  if (!id.startsWith(`${bookingId}:`)) problems.push(`is not an entry of ${bookingId}`);
  const ofEvent = kind === 'voucher-issue' || bookingId.slice(4, 30) === eventId.slice(4);
  if (!ofEvent) problems.push(`is not of ${eventId}`);
  if (!/^[A-Z]{3}$/.test(currency)) problems.push(`has no currency: ${currency}`);
  if (!Number.isSafeInteger(at)) problems.push('has no time');
  if (postings.length === 0) problems.push('has no postings');
  for (const { debit, credit, amount } of postings) {
    if (!isAccount(debit) || !isAccount(credit)) problems.push(`posts to ${debit}, ${credit}`);
    if (debit === credit) problems.push(`debits and credits ${debit}`);
    if (!Number.isSafeInteger(amount) || amount <= 0) problems.push(`posts ${amount}`);
  }
  return problems.map((problem) => ({ about: id, problem }));
}

/** A payment that names a booking which does not exist is booked under that name. */
const isOfStrayPayment = ({ kind, id, bookingId }: LedgerEntry): boolean =>
  (kind === 'stray-cash' || kind === 'refund') && id.startsWith(`${bookingId}:stray-`);

/**
 * What is wrong with all entries of one booking beside what the provider has. What is under way is
 * not compared.
 */
export function bookingMistakes(
  bookingId: string,
  entries: readonly LedgerEntry[],
  money: MoneyRecord,
): readonly BookMistake[] {
  const problems: string[] = [];
  const currencies = new Set(entries.map(({ currency }) => currency));
  if (currencies.size > 1) problems.push(`is booked in ${[...currencies].join(' and ')}`);
  const stray = money.settled === undefined && entries.every(isOfStrayPayment);
  if (money.settled === undefined && !stray) {
    problems.push('is in the ledger, but there is no such booking');
  }
  if (stray) {
    const { provider } = balancesOf(entries);
    if (provider !== money.captured - money.refunded) {
      problems.push(`has ${provider} of a stray payment by the ledger, not by its payments`);
    }
  }
  if (money.settled === true) {
    const { provider, till, vouchers, buyer, owed } = balancesOf(entries);
    const inHand = money.captured - money.refunded;
    if (provider !== inHand) {
      problems.push(`has ${provider} at the provider by the ledger, ${inHand} by its payments`);
    }
    if (till !== money.inTill) {
      problems.push(`has ${till} in tills by the ledger, ${money.inTill} by its booking`);
    }
    if (vouchers !== money.byVoucher) {
      problems.push(`has ${vouchers} of vouchers by the ledger, ${money.byVoucher} by its booking`);
    }
    if (buyer !== money.outstanding) {
      const agreed = money.outstanding === 0 ? '' : `, by instalments ${money.outstanding}`;
      problems.push(`is settled, but the buyer owes ${buyer}${agreed}`);
    }
    if (-owed !== money.unreturned) {
      problems.push(`owes the buyer ${-owed} by the ledger, ${money.unreturned} by its refunds`);
    }
  }
  return problems.map((problem) => ({ about: bookingId, problem }));
}
