import type { Currency } from '#domain/money.ts';

type Where = {
  readonly staffId: string;
  /** YYYY-MM-DD. */
  readonly day: string;
  readonly currency: Currency;
};

/** What a staff member took or gave back on a day, added up: cash, or by gift voucher. */
export type TillMove = Where & {
  readonly what: 'taken' | 'paid-out' | 'voucher';
  readonly amount: number;
  readonly count: number;
};

/** Tickets that a staff member gave for nothing on a day, added up. */
export type Given = Where & {
  readonly sales: number;
  readonly tickets: number;
  readonly faceValue: number;
};

export type TillDay = Where & {
  readonly taken: number;
  readonly paidOut: number;
  readonly balance: number;
  /** Those that brought cash. */
  readonly sales: number;
  /** What gift vouchers have paid of this counter's sales; no cash. */
  readonly vouchers: { readonly sales: number; readonly amount: number };
  readonly complimentary: Pick<Given, 'sales' | 'tickets' | 'faceValue'>;
};

const keyOf = ({ day, staffId, currency }: Where): string => `${day} ${staffId} ${currency}`;

const nothing = { sales: 0, tickets: 0, faceValue: 0 } as const;

function withMove(line: TillDay, { what, amount, count }: TillMove): TillDay {
  const { taken, paidOut, vouchers } = line;
  switch (what) {
    case 'taken':
      return withCash({ ...line, taken: taken + amount, sales: line.sales + count });
    case 'paid-out':
      return withCash({ ...line, paidOut: paidOut + amount });
    case 'voucher': {
      const sum = { sales: vouchers.sales + count, amount: vouchers.amount + amount };
      return { ...line, vouchers: sum };
    }
  }
}

const withCash = (line: TillDay): TillDay => ({ ...line, balance: line.taken - line.paidOut });

/** One line a day, staff member and currency, the earliest day first. */
export function tillDays(moves: readonly TillMove[], given: readonly Given[]): readonly TillDay[] {
  const days = new Map<string, TillDay>();
  const at = ({ staffId, day, currency }: Where): TillDay =>
    days.get(keyOf({ staffId, day, currency })) ?? {
      staffId,
      day,
      currency,
      taken: 0,
      paidOut: 0,
      balance: 0,
      sales: 0,
      vouchers: { sales: 0, amount: 0 },
      complimentary: nothing,
    };
  for (const move of moves) {
    const line = at(move);
    days.set(keyOf(move), withMove(line, move));
  }
  for (const own of given) {
    const line = at(own);
    const { sales, tickets, faceValue } = line.complimentary;
    const complimentary = {
      sales: sales + own.sales,
      tickets: tickets + own.tickets,
      faceValue: faceValue + own.faceValue,
    };
    days.set(keyOf(own), { ...line, complimentary });
  }
  return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}
