import { Samples } from '#bench/support/stats.ts';

/** What happened to one seat, in the words of `linearizable/model.go`. */
export type SeatOp = {
  readonly k:
    | 'hold'
    | 'hold?'
    | 'taken'
    | 'free'
    | 'release'
    | 'release?'
    | 'sell'
    | 'sell?'
    | 'cancel'
    | 'cancel?'
    | 'held'
    | 'sold'
    | 'ended';
  readonly h?: string;
  /** When it was sent, and when its outcome was learnt (never: absent). */
  readonly c: number;
  r?: number;
  readonly d?: number;
  p?: number;
};

export type SeatHistory = { readonly seat: string; readonly ops: readonly SeatOp[] };

/** How an operation ended for its client. */
export type Outcome = 'ok' | 'fail' | 'unknown';

export type OperationKind =
  | 'reserve'
  | 'release'
  | 'checkout'
  | 'cancel'
  | 'cancel tickets'
  | 'cancel event'
  | 'order with extras'
  | 'order package'
  | 'pay instalment'
  | 'goodwill'
  | 'sell for cash'
  | 'pay out'
  | 'read reservation'
  | 'read availability';

/** A reservation that was granted: when it was first asked for, and when the answer came. */
export type Accepted = { readonly from: number; readonly at: number };

/** Everything the clients of a run were told, kept apart from what the system believes. */
export class History {
  readonly #origin = performance.now();
  readonly #originEpochMs = Date.now();
  readonly #seats = new Map<string, SeatOp[]>();
  readonly #counts = new Map<OperationKind, Record<Outcome, number>>();
  readonly #times = new Map<OperationKind, Samples>();
  readonly #accepted = new Map<string, Accepted[]>();
  /** What no answer may ever say, in words. */
  readonly untruths: string[] = [];
  operations = 0;

  /** Microseconds since the run began; starts at 1. */
  now(): number {
    return Math.round((performance.now() - this.#origin) * 1_000) + 1;
  }

  /** A server's time (epoch ms) on the same scale. */
  at(epochMs: number): number {
    return (epochMs - this.#originEpochMs) * 1_000 + 1;
  }

  count(kind: OperationKind, outcome: Outcome, from: number): void {
    this.operations++;
    let counts = this.#counts.get(kind);
    if (counts === undefined) {
      counts = { ok: 0, fail: 0, unknown: 0 };
      this.#counts.set(kind, counts);
      this.#times.set(kind, new Samples());
    }
    counts[outcome]++;
    this.#times.get(kind)?.add((this.now() - from) / 1_000);
  }

  /** Notes an operation on each of the seats; what is learnt later goes into the same object. */
  note(eventId: string, seats: readonly string[], op: SeatOp): SeatOp {
    for (const seat of seats) {
      const key = `${eventId}/${seat}`;
      const ops = this.#seats.get(key);
      if (ops === undefined) this.#seats.set(key, [op]);
      else ops.push(op);
    }
    return op;
  }

  accepted(eventId: string, accepted: Accepted): void {
    const list = this.#accepted.get(eventId);
    if (list === undefined) this.#accepted.set(eventId, [accepted]);
    else list.push(accepted);
  }

  acceptedOf(eventId: string): readonly Accepted[] {
    return this.#accepted.get(eventId) ?? [];
  }

  *seats(): Generator<SeatHistory> {
    for (const [seat, ops] of this.#seats) yield { seat, ops };
  }

  /** Operations by kind: outcomes, and how long they took with all their repeats. */
  table(): readonly OperationRow[] {
    return [...this.#counts].map(([kind, counts]) => {
      const times = this.#times.get(kind) ?? new Samples();
      return { kind, ...counts, p50Ms: times.quantile(0.5), p99Ms: times.quantile(0.99) };
    });
  }
}

export type OperationRow = Readonly<Record<Outcome, number>> & {
  readonly kind: OperationKind;
  readonly p50Ms: number;
  readonly p99Ms: number;
};
