import type { Collection, Db, Filter } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { ProviderDispute } from '#adapters/payments/port.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

/** Our record of a dispute; the provider's word stands above it. */
export type DisputeDoc = {
  /** The provider's id. */
  readonly _id: string;
  /** Null: of a payment that is not ours. */
  readonly bookingId: string | null;
  readonly intentId: string | null;
  readonly chargeId: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  readonly status: string;
  readonly state: ProviderDispute['state'];
  /** Epoch ms at which the bank opened it. */
  readonly openedAt: number;
  /** Epoch ms of the last change that we saw. */
  readonly changedAt: number;
};

export type DisputeFilter = {
  readonly state?: DisputeDoc['state'] | undefined;
  readonly bookingId?: string | undefined;
  /** The last one of the page before. */
  readonly after?: { readonly openedAt: number; readonly disputeId: string } | undefined;
};

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Disputes in MongoDB. */
export class DisputeStore {
  readonly #disputes: Collection<DisputeDoc>;
  readonly #clock: Clock;

  constructor(db: Db, clock: Clock) {
    this.#disputes = db.collection('payment_disputes');
    this.#clock = clock;
  }

  async prepare(): Promise<void> {
    await this.#disputes.createIndexes([
      { key: { openedAt: -1, _id: -1 } },
      { key: { state: 1, openedAt: -1, _id: -1 } },
      { key: { bookingId: 1, openedAt: -1, _id: -1 } },
    ]);
  }

  find(disputeId: string): Promise<DisputeDoc | null> {
    return stored(() => this.#disputes.findOne({ _id: disputeId }, options));
  }

  /** Notes what the provider says. */
  async seen(dispute: ProviderDispute, bookingId: string | undefined): Promise<void> {
    const { disputeId, amount, intentId, createdAt, chargeId, reason, status, state } = dispute;
    const doc: Omit<DisputeDoc, '_id'> = {
      bookingId: bookingId ?? null,
      intentId: intentId ?? null,
      chargeId,
      ...amount,
      reason,
      status,
      state,
      openedAt: createdAt,
      changedAt: this.#clock.now(),
    };
    await stored(() =>
      this.#disputes.updateOne({ _id: disputeId }, { $set: doc }, { upsert: true, ...options }),
    );
  }

  /** The newest first, at most `limit`. */
  list({ state, bookingId, after }: DisputeFilter, limit: number): Promise<DisputeDoc[]> {
    const filter: Filter<DisputeDoc> = {
      ...(state !== undefined && { state }),
      ...(bookingId !== undefined && { bookingId }),
      ...(after !== undefined && {
        $or: [
          { openedAt: { $lt: after.openedAt } },
          { openedAt: after.openedAt, _id: { $lt: after.disputeId } },
        ],
      }),
    };
    const sort = { openedAt: -1, _id: -1 } as const;
    return stored(() => this.#disputes.find(filter, options).sort(sort).limit(limit).toArray());
  }
}
