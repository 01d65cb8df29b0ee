import type { Account } from '#domain/ledger.ts';
import type { Currency } from '#domain/money.ts';

/** Postings of one event in one currency between the same two accounts, added up. */
export type Movement = {
  readonly eventId: string;
  readonly currency: Currency;
  readonly debit: Account;
  readonly credit: Account;
  readonly amount: number;
};

/**
 * What an event earned, in minor units: `gross` (tickets sold, fees and taxes included, without
 * sales that were undone unpaid) less `refunds` (tickets that were cancelled) less `fees` less
 * `taxes` is `net`, what the organizer has earned. `captured` and `returned` are the money that has
 * in fact moved at the provider, `cashIn` and `cashOut` in the tills: cash is with the organizer
 * already. `vouchers` is what gift vouchers paid, less what went back to them: the organizer had
 * that money when the voucher was issued. `payable` is what is due: `net` less vouchers and tills
 * (below 0: the organizer owes the fees it took in cash).
 */
export type Payout = {
  readonly gross: number;
  readonly refunds: number;
  readonly fees: number;
  readonly taxes: number;
  readonly net: number;
  readonly captured: number;
  readonly returned: number;
  readonly vouchers: number;
  readonly cashIn: number;
  readonly cashOut: number;
  readonly payable: number;
};

export type PayoutLine = Payout & { readonly eventId: string; readonly currency: Currency };

const nothing: Payout = {
  gross: 0,
  refunds: 0,
  fees: 0,
  taxes: 0,
  net: 0,
  captured: 0,
  returned: 0,
  vouchers: 0,
  cashIn: 0,
  cashOut: 0,
  payable: 0,
};

const isRevenue = (account: Account): boolean =>
  account === 'organizer' || account === 'fees' || account === 'taxes';

/** Adds what a movement does to `own`: `amount` is above 0 where it is credited. */
function withSide(sum: Payout, own: Account, other: Account, amount: number): Payout {
  switch (own) {
    case 'organizer':
    case 'fees':
    case 'taxes': {
      // Between two of our own parts nothing is earned or given back.
      const outside = isRevenue(other) ? 0 : amount;
      const total =
        other === 'owed' ? { refunds: sum.refunds - outside } : { gross: sum.gross + outside };
      const part = own === 'organizer' ? 'net' : own;
      return { ...sum, ...total, [part]: sum[part] + amount };
    }
    case 'provider':
      return amount < 0
        ? { ...sum, captured: sum.captured - amount }
        : { ...sum, returned: sum.returned + amount };
    case 'vouchers':
      return { ...sum, vouchers: sum.vouchers - amount };
    case 'till':
      return amount < 0
        ? { ...sum, cashIn: sum.cashIn - amount }
        : { ...sum, cashOut: sum.cashOut + amount };
    default:
      return sum;
  }
}

/** The payout that these movements make. */
export const payoutOf = (movements: Iterable<Omit<Movement, 'eventId' | 'currency'>>): Payout => {
  let sum = nothing;
  for (const { debit, credit, amount } of movements) {
    sum = withSide(sum, credit, debit, amount);
    sum = withSide(sum, debit, credit, -amount);
  }
  return { ...sum, payable: sum.net - sum.vouchers - (sum.cashIn - sum.cashOut) };
};

/** One line an event and currency, in the order of the events' ids. */
export function payoutLines(movements: readonly Movement[]): readonly PayoutLine[] {
  const groups = Map.groupBy(movements, ({ eventId, currency }) => `${eventId} ${currency}`);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => {
      const [first] = own;
      if (first === undefined) return [];
      return [{ eventId: first.eventId, currency: first.currency, ...payoutOf(own) }];
    });
}

/** The sums by currency. */
export function payoutTotals(
  movements: readonly Movement[],
): readonly (Payout & { readonly currency: Currency })[] {
  return [...Map.groupBy(movements, ({ currency }) => currency)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, own]) => ({ currency, ...payoutOf(own) }));
}

/** A field of a CSV file (RFC 4180); a text that a spreadsheet would run as a formula is not. */
export function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const columns = [
  'gross',
  'refunds',
  'fees',
  'taxes',
  'net',
  'captured',
  'returned',
  'vouchers',
  'cashIn',
  'cashOut',
  'payable',
] as const satisfies readonly (keyof Payout)[];

/** The report as a CSV file with a head; amounts in minor units of their line's currency. */
export function payoutCsv(lines: readonly (PayoutLine & { readonly title: string })[]): string {
  const head = ['eventId', 'title', 'currency', ...columns];
  const rows = lines.map((line) => [
    line.eventId,
    line.title,
    line.currency,
    ...columns.map((column) => line[column]),
  ]);
  return [head, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}
