import { Samples, table } from '#bench/support/stats.ts';

/** What the crowd was told, kept apart from what the system believes. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  readonly #times = new Map<string, Samples>();
  readonly #seatOwner = new Map<string, string>();
  readonly #bookings = new Map<string, readonly string[]>();
  readonly #doubles: string[] = [];
  #seatsHeld = 0;

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  held(seats: number): void {
    this.count('held');
    this.#seatsHeld += seats;
  }

  refused(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  time(kind: string, ms: number): void {
    let samples = this.#times.get(kind);
    if (samples === undefined) {
      samples = new Samples();
      this.#times.set(kind, samples);
    }
    samples.add(ms);
  }

  /** Notes tickets that a buyer was given; a seat that somebody else still has is a double. */
  confirmed(buyer: string, bookingId: string, seats: readonly string[]): void {
    this.count('confirmed');
    this.#bookings.set(bookingId, seats);
    this.#own(buyer, seats);
  }

  #own(buyer: string, seats: readonly string[]): void {
    for (const seat of seats) {
      const other = this.#seatOwner.get(seat);
      if (other !== undefined) this.#doubles.push(`${seat}: ${other} and ${buyer}`);
      this.#seatOwner.set(seat, buyer);
    }
  }

  /** A cancel is on its way: from now on somebody else may be given the seats. */
  cancelling(bookingId: string): void {
    for (const seat of this.#bookings.get(bookingId) ?? []) this.#seatOwner.delete(seat);
  }

  /** The cancel was refused for certain: the seats are this buyer's after all. */
  cancelRefused(buyer: string, bookingId: string): void {
    this.#own(buyer, this.#bookings.get(bookingId) ?? []);
  }

  /** Bookings that were confirmed, with their seats; some may have been cancelled since. */
  get bookings(): ReadonlyMap<string, readonly string[]> {
    return this.#bookings;
  }

  get doubles(): readonly string[] {
    return this.#doubles;
  }

  get refusals(): number {
    return [...this.#refusals.values()].reduce((a, b) => a + b, 0);
  }

  /** The closing table; `seconds` is the length of the sale. */
  report(seconds: number): string {
    const rate = (n: number): string => (n / seconds).toFixed(1);
    const rows: (string | number)[][] = [
      ['', 'count', 'per second'],
      ['reservation attempts', this.of('attempts'), rate(this.of('attempts'))],
      ['held', this.of('held'), rate(this.of('held'))],
      ['seats held', this.#seatsHeld, rate(this.#seatsHeld)],
      ['refused', this.refusals, rate(this.refusals)],
      ['abandoned', this.of('abandoned'), ''],
      ['cards declined', this.of('declined'), ''],
      ['confirmed', this.of('confirmed'), rate(this.of('confirmed'))],
      ['cancelled', this.of('cancelled'), ''],
      ['retries after 429, 503 or a broken connection', this.of('retries'), ''],
      ['double bookings', this.#doubles.length, ''],
    ];
    for (const [what, n] of this.#counts) {
      if (what.startsWith('ended ') || what === 'booking unknown') rows.push([what, n, '']);
    }
    const times: (string | number)[][] = [['latency (ms)', 'requests', 'p50', 'p99', 'max']];
    for (const [kind, s] of this.#times) {
      times.push([kind, s.count, ...[0.5, 0.99, 1].map((q) => s.quantile(q).toFixed(1))]);
    }
    const refusals = [...this.#refusals].sort((a, b) => b[1] - a[1]);
    return [table(rows), '', table(times), '', table([['refusals', 'count'], ...refusals])].join(
      '\n',
    );
  }
}
