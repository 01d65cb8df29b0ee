import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

/** The provider's customer of an account. Written once, never changed. */
type CustomerDoc = {
  /** The account's id. */
  readonly _id: string;
  readonly customerId: string;
  readonly createdAt: number;
};

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Which account is which customer of the provider. */
export class Customers {
  readonly #customers: Collection<CustomerDoc>;
  readonly #clock: Clock;

  constructor(db: Db, clock: Clock) {
    this.#customers = db.collection('payment_customers');
    this.#clock = clock;
  }

  async of(userId: string): Promise<string | undefined> {
    const doc = await stored(() => this.#customers.findOne({ _id: userId }, options));
    return doc?.customerId;
  }

  /**
   * The customer of an account, made by `make` where there is none. Of two at once the first that
   * is stored counts for both; what was made for nothing has nothing saved in it.
   */
  async ensure(userId: string, make: () => Promise<string>): Promise<string> {
    const known = await this.of(userId);
    if (known !== undefined) return known;
    const customerId = await make();
    const createdAt = this.#clock.now();
    const doc = await stored(() =>
      this.#customers.findOneAndUpdate(
        { _id: userId },
        { $setOnInsert: { customerId, createdAt } },
        { upsert: true, returnDocument: 'after', ...options },
      ),
    );
    return doc?.customerId ?? customerId;
  }
}
