import { grown } from '#domain/inventory/columns.ts';
import type { SellRefusal } from '#domain/inventory/commands.ts';
import { KeyTable } from '#domain/inventory/keys.ts';
import type { Quote } from '#domain/pricing.ts';

export type Sale = {
  readonly bookingId: string;
  readonly holdId: string;
  /** The buyer's number. */
  readonly buyer: number;
  /** The places as they were sold; some may have been given back since. */
  readonly places: readonly number[];
  readonly quote: Quote;
  /** Of the hold that was sold. */
  readonly createdAt: number;
  readonly deadline: number;
  /** 32-bit hash of the hold's fingerprint. */
  readonly fingerprint: number;
};

const reasons: readonly SellRefusal[] = [
  'unknown-hold',
  'released',
  'expired',
  'seats-taken',
  'cancelled',
];

/**
 * The durable answers to `sell`, remembered as long as the event: sales by booking and by hold,
 * refusals by booking. Kept in columns, about 90 bytes a sale.
 */
export class Sales {
  readonly bookings: KeyTable;
  /** Numbered like `bookings`: a hold is sold at most once. */
  readonly holds: KeyTable;
  readonly refused: KeyTable;
  buyer: Uint32Array = new Uint32Array(16);
  quote: Uint32Array = new Uint32Array(16);
  /** Where a sale's places begin in `places`; they end where the next one's begin. */
  placesFrom: Uint32Array = new Uint32Array(16);
  places: Uint32Array = new Uint32Array(16);
  createdAt: Float64Array = new Float64Array(16);
  deadline: Float64Array = new Float64Array(16);
  fingerprint: Uint32Array = new Uint32Array(16);
  reason: Uint8Array = new Uint8Array(16);
  /** Equal quotes are kept once. */
  readonly quotes: Quote[] = [];
  readonly #quoteIndex = new Map<string, number>();
  /** The same for the kept objects themselves, which spares their text. */
  readonly #keptQuotes = new Map<Quote, number>();

  constructor(bookingPrefix: string, holdPrefix: string) {
    this.bookings = new KeyTable(bookingPrefix);
    this.holds = new KeyTable(holdPrefix);
    this.refused = new KeyTable(bookingPrefix);
  }

  get size(): number {
    return this.bookings.size;
  }

  add(sale: Sale): number {
    const n = this.bookings.add(sale.bookingId);
    this.holds.add(sale.holdId);
    const from = this.placesFrom[n] ?? 0;
    const end = from + sale.places.length;
    this.buyer = grown(this.buyer, n + 1);
    this.quote = grown(this.quote, n + 1);
    this.placesFrom = grown(this.placesFrom, n + 2);
    this.places = grown(this.places, end);
    this.createdAt = grown(this.createdAt, n + 1);
    this.deadline = grown(this.deadline, n + 1);
    this.fingerprint = grown(this.fingerprint, n + 1);
    this.buyer[n] = sale.buyer;
    this.quote[n] = this.internQuote(sale.quote);
    this.places.set(sale.places, from);
    this.placesFrom[n + 1] = end;
    this.createdAt[n] = sale.createdAt;
    this.deadline[n] = sale.deadline;
    this.fingerprint[n] = sale.fingerprint;
    return n;
  }

  ofBooking(bookingId: string): number {
    return this.bookings.numberOf(bookingId);
  }

  ofHold(holdId: string): number {
    return this.holds.numberOf(holdId);
  }

  placesOf(n: number): number[] {
    return Array.from(this.places.subarray(this.placesFrom[n], this.placesFrom[n + 1]));
  }

  read(n: number): Sale {
    return {
      bookingId: this.bookings.idOf(n),
      holdId: this.holds.idOf(n),
      buyer: this.buyer[n] ?? 0,
      places: this.placesOf(n),
      quote: this.quoteOf(n),
      createdAt: this.createdAt[n] ?? 0,
      deadline: this.deadline[n] ?? 0,
      fingerprint: this.fingerprint[n] ?? 0,
    };
  }

  quoteOf(n: number): Quote {
    return this.quoteNumbered(this.quote[n] ?? 0);
  }

  quoteNumbered(number: number): Quote {
    return this.quotes[number] as Quote;
  }

  refuse(bookingId: string, reason: SellRefusal): void {
    const n = this.refused.add(bookingId);
    this.reason = grown(this.reason, n + 1);
    this.reason[n] = reasons.indexOf(reason);
  }

  refusalOf(bookingId: string): SellRefusal | undefined {
    const n = this.refused.numberOf(bookingId);
    return n < 0 ? undefined : reasons[this.reason[n] ?? 0];
  }

  /** The number of the kept quote that equals this one. */
  internQuote(quote: Quote): number {
    const kept = this.#keptQuotes.get(quote);
    if (kept !== undefined) return kept;
    const key = JSON.stringify(quote);
    const known = this.#quoteIndex.get(key);
    if (known !== undefined) return known;
    const number = this.quotes.push(quote) - 1;
    this.#quoteIndex.set(key, number);
    this.#keptQuotes.set(quote, number);
    return number;
  }
}

/** What a sale keeps of its hold's fingerprint: enough to notice another body. */
export function shortFingerprint(fingerprint: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < fingerprint.length; i++) {
    h = Math.imul(h ^ fingerprint.charCodeAt(i), 0x01000193);
  }
  return h >>> 0;
}
