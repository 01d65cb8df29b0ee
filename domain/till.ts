import type { Currency } from '#domain/money.ts';

type Where = {
  readonly staffId: string;
  /** YYYY-MM-DD. */
  readonly day: string;
  readonly currency: Currency;
};

/** Cash that a staff member took or gave back on a day, added up. */
export type TillMove = Where & {
  readonly taken: boolean;
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
  readonly sales: number;
  readonly complimentary: Pick<Given, 'sales' | 'tickets' | 'faceValue'>;
};

const keyOf = ({ day, staffId, currency }: Where): string => `${day} ${staffId} ${currency}`;

const nothing = { sales: 0, tickets: 0, faceValue: 0 } as const;

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
      complimentary: nothing,
    };
  for (const move of moves) {
    const line = at(move);
    const taken = line.taken + (move.taken ? move.amount : 0);
    const paidOut = line.paidOut + (move.taken ? 0 : move.amount);
    const sales = line.sales + (move.taken ? move.count : 0);
    days.set(keyOf(move), { ...line, taken, paidOut, balance: taken - paidOut, sales });
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
